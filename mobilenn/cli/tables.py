"""Aligned tables for the terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_LOOKED_AT = 3  # tokens of a source that are named for each token said


def render(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> str:
    """Returns a table as text, numbers to the right; coloured only where standard output is a terminal."""
    import shutil
    import sys

    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    listed = [[str(cell) for cell in row] for row in rows]
    for index, column in enumerate(table.columns):
        if listed and all(row[index][:1].isdigit() or row[index] in ("", "–") for row in listed):
            column.justify = "right"
    for row in listed:
        table.add_row(*row)
    width = max(80, shutil.get_terminal_size((100, 24)).columns)
    console = Console(
        file=io.StringIO(), width=width, force_terminal=sys.stdout.isatty(), highlight=False, markup=False
    )
    console.print(table)
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]


def recipe_table(recipe: Mapping[str, Any]) -> str:
    """Returns a recipe as key and value rows."""
    return render(("key", "value"), _flat(recipe))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None and value != {}:
            yield f"{prefix}{key}", str(value)


def findings_table(findings: Iterable[Any]) -> str:
    """Returns the doctor's findings, each with what to type."""
    mark = {"ok": "✓", "optional": "–", "missing": "✗", "wrong": "✗"}
    rows = [(mark[f.status], f.name, f.found, f.wanted, f.fix) for f in findings]
    return render(("", "what", "found", "wanted", "type"), rows)


def timing(found: Mapping[str, Any]) -> str:
    """Returns a benchmark's figures, one row per thread count."""
    rows = [
        (
            row["threads"],
            f"{row['median']:.3f}",
            f"{row['interval_low']:.3f} to {row['interval_high']:.3f}",
            f"{row['p90']:.3f}",
            f"{row['min']:.3f}",
            row["runs"],
        )
        for row in found["latency_ms"]
    ]
    text = render(("threads", "median ms", "95 % interval", "p90 ms", "min ms", "runs"), rows)
    memory = found.get("peak_memory_bytes")
    parts = [text, f"Peak memory {memory / 1e6:.1f} MB" if memory else "", _profile(found.get("profile") or ())]
    return "\n".join(filter(None, parts))


def _profile(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns where the time goes, as a table with bars; empty where the runtime gave no profile."""
    if not rows:
        return ""
    shown = [
        (
            row["operator"],
            row["count"],
            f"{row['ms']:.4f}",
            f"{100 * row['share']:.1f} %",
            "█" * round(20 * row["share"]),
        )
        for row in rows
    ]
    return render(("operator", "count", "ms", "share", ""), shown)


def comparison(found: Mapping[str, Any]) -> str:
    """Returns several files' latencies, as ratios to the first."""
    first = found["files"][0]
    rows = [
        (row["path"], f"{row['median']:.3f}", f"{row['min']:.3f}", f"{row['median'] / first['median']:.2f}×")
        for row in found["files"]
    ]
    return render(("file", "median ms", "min ms", "against the first"), rows)


def inspection(found: Any) -> str:
    """Returns what a .tflite holds and where it runs."""
    values = found.to_dict()
    head = [
        ("sha256", values["sha256"]),
        ("size", f"{values['size_bytes']:,} bytes, {values['zip_bytes']:,} as a download"),
        ("precision", values["precision"]),
        ("sparsity", f"{values['sparsity']:.3f}"),
    ]
    operators = [(name, count) for name, count in values["operators"].items()]
    return "\n".join(
        [render(("file", ""), head), _signatures(values), render(("operator", "count"), operators), _runs(values)]
    )


def _signatures(values: Mapping[str, Any]) -> str:
    rows = [
        (name, direction, tensor["name"], "×".join(map(str, tensor["shape"])), tensor["dtype"])
        for name, signature in values["signatures"].items()
        for direction, tensors in (("in", signature["inputs"]), ("out", signature["outputs"]))
        for tensor in tensors
    ]
    return render(("signature", "", "tensor", "shape", "dtype"), rows)


def _runs(values: Mapping[str, Any]) -> str:
    rows = [(name, "yes" if not faults else "; ".join(faults)) for name, faults in values["portability"].items()]
    return render(("runtime", "runs"), rows)


def attention(found: Mapping[str, Any]) -> str:
    """Returns the tokens said, each with those of the source that mattered most and their weights."""
    from mobilenn.runtime.alignment import strongest

    rows = []
    for token, weights in zip(found["said"], found["weights"], strict=True):
        places = strongest(weights, _LOOKED_AT)
        most = ", ".join(f"{found['source'][i]!r} ({i + 1}) {100 * weights[i]:.0f} %" for i in places)
        rows.append((token, most, "█" * round(20 * weights[places[0]])))
    return render(("said", "taken from (place)", ""), rows)
