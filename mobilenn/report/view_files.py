"""What is inside the files and what they were made with, as rows: parity, operators, profile, versions."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

from mobilenn.report import format as fmt
from mobilenn.report.schema import Report

Rows = list[tuple[str, ...]]


PARITY_HEADS = ("Variant", "Output", "Largest, test split", "Mean, test split", "Largest, golden pairs")


def parity_rows(report: Report) -> Rows:
    """Returns rows under PARITY_HEADS."""
    return [
        (name, output, fmt.error(found.max_abs), fmt.error(found.mean_abs), fmt.error(found.golden_max_abs))
        for name, row in report.variants.items()
        for output, found in (row.parity or {}).items()
    ]


def runtimes(report: Report) -> str:
    """Says how far CompiledModel is from the Interpreter on the golden pairs; empty where nobody looked."""
    apart = {
        f"{output} of {name}": math.inf if value is None else value
        for name, row in report.variants.items()
        for output, value in (row.compiled_model or {}).items()
        if output in (row.parity or {})
    }
    if not apart:
        return ""
    said = "CompiledModel, which Android apps use, ran the golden pairs of every file too"
    where, worst = max(apart.items(), key=lambda item: item[1])
    if worst == 0:
        return f"{said} and gave the Interpreter's bits."
    size = f"is {fmt.error(worst)} of the largest value" if math.isfinite(worst) else "has no bound"
    return f"{said}; its largest difference from the Interpreter {size} ({where})."


@dataclass(frozen=True, kw_only=True)
class OperatorTable:
    """Operators down, variants across: how often each occurs."""

    variants: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def operators(report: Report) -> OperatorTable:
    """Returns how often each operator occurs in each file, the commonest first."""
    counted = {name: row.operators for name, row in report.variants.items() if row.operators}
    totals: dict[str, int] = {}
    for found in counted.values():
        for operator, number in found.items():
            totals[operator] = max(totals.get(operator, 0), number)
    order = sorted(totals, key=lambda operator: (-totals[operator], operator))
    rows = tuple((op, *(fmt.count(found.get(op)) for found in counted.values())) for op in order)
    return OperatorTable(variants=tuple(counted), rows=rows)


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    """Time in one kind of operator; `share` is 0..1."""

    operator: str
    count: str
    ms: str
    percent: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Where a variant's time goes."""

    variant: str
    rows: tuple[ProfileRow, ...]


def profiles(report: Report) -> list[Profile]:
    """Returns a profile for each variant that has one, the recommended variant's first."""
    timed = {name: row.profile for name, row in report.variants.items() if row.profile}
    order = sorted(timed, key=lambda name: name != report.recommended)
    return [Profile(variant=name, rows=_profile_rows(timed[name])) for name in order]


def _profile_rows(profile: tuple) -> tuple[ProfileRow, ...]:
    places = fmt.decimals([max(item.ms for item in profile)])
    return tuple(
        ProfileRow(
            operator=item.operator,
            count=fmt.count(item.count),
            ms=f"{item.ms:.{places}f}",
            percent=fmt.percent(item.share),
            share=min(1.0, max(0.0, item.share)),
        )
        for item in sorted(profile, key=lambda item: -item.ms)
    )


def command_lines(report: Report) -> list[tuple[str, str]]:
    """Returns what to type to make this run again and to check its files, with a word on each."""
    name = shlex.quote(report.recipe.name)
    lines = [
        (f"mobilenn run {name} --out out/{name}", "the recipe by name"),
        (f"mobilenn run recipe.toml --out out/{name}", "the recipe below, saved as recipe.toml"),
    ]
    best = report.variants.get(report.recommended)
    if best is not None and best.file:
        file = shlex.quote(best.file)
        lines.append((f"mobilenn verify {file}", "runs the file's own golden pairs, in this folder"))
        lines.append((f"sha256sum {file}", f"{(best.sha256 or '')[:16]}…"))
    return lines


def run_rows(report: Report) -> Rows:
    """Returns what identifies the run: seed, hashes, data, training, machine and versions."""
    machine, data, training = report.environment, report.data, report.training
    train, validation, test = map(fmt.count, (data.train, data.validation, data.test))
    return [
        ("Seed", str(report.seed)),
        ("Recipe SHA-256", report.recipe_sha256),
        ("Data", f"{data.name}: {data.description}"),
        ("Splits", f"{train} train, {validation} validation, {test} test"),
        ("Data fingerprint", data.fingerprint),
        ("Network", f"{report.recipe.network}, {fmt.count(training.parameters)} parameters"),
        ("Training", f"{training.epochs} epochs in {fmt.seconds(training.seconds)}, {training.precision}"),
        ("Machine", f"{machine.cpu}, {machine.cores} cores, {machine.platform}"),
        ("Python", machine.python),
        *((name, version) for name, version in machine.versions.items()),
    ]


def hash_rows(report: Report) -> Rows:
    """Returns variant, file and SHA-256 of every file that was made."""
    return [(name, row.file, row.sha256) for name, row in report.variants.items() if row.file and row.sha256]
