"""The end-of-run summary for the terminal: the variants, and the verdict in a line."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from mobilenn.report import format as fmt
from mobilenn.report import view
from mobilenn.report.schema import Report, parse

LEAST_WIDTH = 80
_STYLES = {"accepted": "green", "rejected": "yellow", "failed": "red"}
_MARKS = {"accepted": "✓", "rejected": "✗", "failed": "!"}


def variants_table(report: Mapping[str, Any]) -> str:
    """Returns the variants of a report as an aligned table, their faults, and the verdict.

    Fits 80 columns; coloured only where standard output is a terminal.

    Args:
        report: plain values in the form of report.json.

    Raises:
        ArtifactError: the values are no report of this version.
    """
    from rich.console import Console

    parsed = parse(_printable(report))
    width = max(LEAST_WIDTH, shutil.get_terminal_size((100, 24)).columns)
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=sys.stdout.isatty(), highlight=False)
    console.print(_table(parsed))
    for row in view.variant_rows(parsed):
        if row.reason:
            console.print(f"{_MARKS[row.status]} {row.name}: {row.reason}", style=_STYLES[row.status], markup=False)
    console.print(_verdict(parsed), style="bold green" if parsed.recommended else "bold red", markup=False)
    return "\n".join(line.rstrip() for line in screen.getvalue().rstrip().splitlines())


def _printable(value: Any) -> Any:
    """The report without control characters: a stranger's name must not steer the terminal."""
    if isinstance(value, str):
        return "".join(c if c.isprintable() else "?" for c in value)
    if isinstance(value, Mapping):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value


def _table(report: Report) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("variant", overflow="fold")
    threads, unit = view.thread_counts(report)[:1], view.time_unit(report)
    latency = [title for count in threads for title in (f"{unit.name}, {view.plural(count, 'thread')}", "p90")]
    for title in ("download", report.metric, "drop", *latency):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    dashes = [fmt.NONE] * (1 + len(latency))
    reference = ["float (Keras)", fmt.NONE, fmt.metric(report.metric, report.float.metric), *dashes]
    table.add_row(*map(Text, reference), Text("reference"), style="dim")
    for row in view.variant_rows(report):
        times = [text for cell in row.latency[:1] for text in (_median(cell), cell.p90)]
        status = Text(f"{_MARKS[row.status]} {row.status}", style=_STYLES[row.status])
        cells = (row.name, row.download, row.metric, row.drop, *times)
        table.add_row(*map(Text, cells), status, style="bold" if row.recommended else "")
    return table


def _median(cell: view.LatencyCell) -> str:
    return f"{cell.median} ±{cell.plus_minus}" if cell.plus_minus else cell.median


def _verdict(report: Report) -> str:
    if not report.recommended:
        return f"Nothing to ship. {report.recommendation}"
    row = report.variants[report.recommended]
    figures = [fmt.size(row.zip_bytes), f"{report.metric} {fmt.metric(report.metric, row.metric)}"]
    if row.latency_ms:
        unit = view.time_unit(report)
        figures.append(f"{unit.number(row.latency_ms.median)} {unit.name}")
    return f"Ship {report.recommended}: {', '.join(figures)}"
