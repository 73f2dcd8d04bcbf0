"""What the network was held against, as rows of text."""

from __future__ import annotations

from mobilenn.report import format as fmt
from mobilenn.report import view
from mobilenn.report.schema import Report

HEADS = ("Held against", "What it is", "Parameters")


def heads(report: Report) -> tuple[str, ...]:
    """The columns of `rows`."""
    return (*HEADS, fmt.metric_title(report.metric))


def rows(report: Report) -> list[tuple[str, ...]]:
    """The baselines, then the float model and the shown variant; nothing where the recipe names no baseline."""
    if not report.baselines:
        return []
    found = [
        (name, _what(report, name), fmt.count(row.parameters) if row.parameters else fmt.NONE, row.metric)
        for name, row in report.baselines.items()
    ]
    parameters = fmt.count(report.training.parameters)
    found.append(("float", "this network, in Keras", parameters, report.float.metric))
    name = view.shown(report)
    if name:
        found.append((name, "this network, as a file", parameters, report.variants[name].metric))
    return [(*cells, fmt.metric(report.metric, metric)) for *cells, metric in found]


def _what(report: Report, name: str) -> str:
    baseline = report.recipe.baselines[name]
    if baseline.method:
        return f"computed without a network: {baseline.method}"
    changed = ", ".join(f"{key} = {value}" for key, value in (baseline.config or {}).items())
    return f"trained in the same way with {changed}"
