"""Model cards and the table of networks, written from results.json and from nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from mobilenn.report import format as fmt
from mobilenn.report import markdown, view, view_errors
from mobilenn.report.schema import Report, parse
from mobilenn.report.tables import code, escape, table, text_table

_WEAK_CLASSES = 3


def card(report: Mapping[str, Any]) -> str:
    """Returns models/<name>/README.md.

    Args:
        report: plain values in the form of results.json.

    Returns:
        Markdown; the same results give the same text.

    Raises:
        ArtifactError: the values are no report of this version.
    """
    parsed = parse(report)
    name = escape(parsed.recipe.name)
    parts = [
        f"# {name}",
        escape(parsed.recipe.summary),
        *_recommended(parsed),
        *markdown.variants(parsed),
        *markdown.baselines(parsed),
        *markdown.judge(parsed),
        *markdown.forms(parsed),
        *markdown.on_device(parsed),
    ]
    parts += [*_data(parsed), *_training(parsed), *_limits(parsed), *_run(parsed)]
    parts.append("This card is written by `tools/cards.py` from `results.json`; change that, not this.")
    return "\n\n".join(part for part in parts if part) + "\n"


def networks_table(results: Iterable[Mapping[str, Any]]) -> str:
    """Returns the README's table of networks with their measured figures, in the order given.

    Args:
        results: reports in the form of results.json.

    Raises:
        ArtifactError: one of them is no report of this version.
    """
    heads = ["Recipe", "Data", "Ships", "Parameters", "Float", "Shipped", "Download", "ms, 1 thread"]
    return table(heads, [_network(parse(report)) for report in results], left=3)


def _network(report: Report) -> list[str]:
    name, data = escape(report.recipe.name), escape(report.data.name)
    unit = fmt.metric_title(report.metric).lower() if report.metric != "r2" else "R²"
    float_metric = f"{escape(unit)} {fmt.metric(report.metric, report.float.metric)}"
    row = report.variants.get(report.recommended)
    numbers = [fmt.count(report.training.parameters), float_metric]
    if row is None:
        return [f"[{name}](models/{name}/README.md)", data, "nothing", *numbers, fmt.NONE, fmt.NONE, fmt.NONE]
    time = fmt.significant(row.latency_ms.median if row.latency_ms else None)
    shipped = [fmt.metric(report.metric, row.metric), fmt.size(row.zip_bytes), time]
    return [f"[{name}](models/{name}/README.md)", data, escape(report.recommended), *numbers, *shipped]


def _recommended(report: Report) -> list[str]:
    figures = [(f.title, f.value, f.note) for f in view.verdict_figures(report)]
    if not figures:
        return ["## Recommended file", escape(report.recommendation)]
    best = report.variants[report.recommended]
    body = text_table(["Measure", "Value", ""], figures, left=3)
    hashed = f"SHA-256 of {code(best.file or '')}: {code(best.sha256 or fmt.NONE)}"
    return ["## Recommended file", escape(report.recommendation), body, hashed]


def _data(report: Report) -> list[str]:
    data = report.data
    labels = f"Classes: {escape(', '.join(data.labels[:40]))}{' …' if len(data.labels) > 40 else ''}."
    train, validation, test = map(fmt.count, (data.train, data.validation, data.test))
    splits = f"{train} samples to train, {validation} to validate, {test} to test."
    return ["## Data", f"{escape(data.description)}\n{splits}", labels if data.labels else ""]


def _training(report: Report) -> list[str]:
    training, recipe = report.training, report.recipe
    text = (
        f"{code(recipe.network)} with {fmt.count(training.parameters)} parameters, "
        f"{view.plural(training.epochs, 'epoch')} in {fmt.seconds(training.seconds)} on "
        f"{escape(report.environment.cpu)} ({report.environment.cores} cores), seed {report.seed}."
    )
    tables = {"config": recipe.config, "train": recipe.train, "data": recipe.data}
    rows = [
        (f"{group}.{key}", str(value).lower() if isinstance(value, bool) else str(value))
        for group, values in tables.items()
        for key, value in values.items()
        if value is not None
    ]
    return ["## Training", text, text_table(["Setting", "Value"], rows, left=2) if rows else ""]


def _limits(report: Report) -> list[str]:
    prepared = "The figures hold for the data above and for inputs prepared in the same way."
    cpu = escape(report.environment.cpu)
    lines = [
        f"{prepared} {escape(view.metric_interval(report))}".strip(),
        f"Latencies were measured on {cpu}, not on a phone; `mobilenn bench` measures yours.",
    ]
    weak = sorted(view_errors.class_rows(report), key=lambda row: -row.missing)[:_WEAK_CLASSES]
    if weak:
        lines.append(f"The weakest classes by F1: {', '.join(f'{escape(row.label)} ({row.f1})' for row in weak)}.")
    for name, row in report.variants.items():
        if row.reason:
            verb = "failed" if row.status == "failed" else f"was {row.status}"
            lines.append(f"{escape(name)} {verb}: {escape(row.reason.rstrip('.'))}.")
    return ["## Limits", "\n".join(f"- {line}" for line in lines)]


def _run(report: Report) -> list[str]:
    name = shlex.quote(report.recipe.name)
    lines = [f"mobilenn run {name}", f"mobilenn show {name}"]
    return ["## Run it", "```\n" + "\n".join(" ".join(line.split()) for line in lines) + "\n```"]
