"""Writes a run's evidence: report.html and report.md for people, report.json for tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobilenn.core import store
from mobilenn.report import html, markdown
from mobilenn.report.schema import parse


def write(report: Mapping[str, Any], out_dir: Path) -> tuple[Path, ...]:
    """Writes report.html, report.md and report.json, each whole or not at all, the JSON last.

    The same report gives the same bytes. Costs about two seconds, most of them matplotlib's.

    Args:
        report: plain values in the form of report.json; NaN and infinity become null.
        out_dir: the run's folder; it is made where it is missing.

    Returns:
        The files written: HTML, Markdown, JSON.

    Raises:
        ArtifactError: the values are no report of this version.
        StorageError: the disk is full or the folder cannot be written.
    """
    parsed = parse(report)
    pages = {"report.html": html.render(parsed), "report.md": markdown.render(parsed)}
    for name, text in pages.items():
        store.write_text(Path(out_dir) / name, text)
    store.write_json(Path(out_dir) / "report.json", parsed.to_dict())
    return tuple(Path(out_dir) / name for name in (*pages, "report.json"))
