"""A report as rows of text: the one place where its numbers are formatted, for every page alike."""

from __future__ import annotations

from dataclasses import dataclass

from mobilenn.report import format as fmt
from mobilenn.report.schema import Latency, Report, VariantResult

DISTURBING_CORES = 0.25  # busy with other work while a file is timed: more than a system's own chores


@dataclass(frozen=True, kw_only=True)
class LatencyCell:
    """Latency on one thread count, in the report's unit; `plus_minus` is the larger side of the median's interval."""

    threads: int
    median: str
    plus_minus: str
    p90: str


@dataclass(frozen=True, kw_only=True)
class VariantRow:
    """A variant's figures as text; a dash where there is none."""

    name: str
    precision: str
    steps: str
    status: str
    reason: str
    recommended: bool
    file: str
    sha256: str
    size: str
    download: str
    metric: str
    drop: str
    agreement: str
    sparsity: str
    memory: str
    latency: tuple[LatencyCell, ...]


def thread_counts(report: Report) -> tuple[int, ...]:
    """The thread counts that any variant was timed at, ascending."""
    return tuple(sorted({time.threads for row in report.variants.values() for time in row.timings}))


def time_unit(report: Report) -> fmt.TimeUnit:
    """The unit of every latency on a page of this report."""
    return fmt.time_unit(time.median for row in report.variants.values() for time in row.timings)


def variant_rows(report: Report) -> list[VariantRow]:
    """Returns a row per variant, in the report's order, latencies aligned by column."""
    unit = time_unit(report)
    times = [time for row in report.variants.values() for time in row.timings]
    places = {n: unit.places(t.median for t in times if t.threads == n) for n in thread_counts(report)}
    return [_row(report, name, row, places) for name, row in report.variants.items()]


def _row(report: Report, name: str, row: VariantResult, places: dict[int, int]) -> VariantRow:
    times, unit = {time.threads: time for time in row.timings}, time_unit(report)
    return VariantRow(
        name=name,
        precision=f"{row.precision}, trainable" if row.on_device else row.precision,
        steps=", ".join(row.steps),
        status=row.status,
        reason=row.reason,
        recommended=name == report.recommended,
        file=row.file or fmt.NONE,
        sha256=row.sha256 or fmt.NONE,
        size=fmt.size(row.size_bytes),
        download=fmt.size(row.zip_bytes),
        metric=fmt.metric(report.metric, row.metric),
        drop=fmt.drop(report.metric, row.metric_drop),
        agreement=fmt.percent(row.agreement, 2),
        sparsity=fmt.percent(row.sparsity),
        memory=fmt.size(row.peak_memory_bytes),
        latency=tuple(_cell(threads, times.get(threads), unit, places[threads]) for threads in places),
    )


def _cell(threads: int, time: Latency | None, unit: fmt.TimeUnit, places: int) -> LatencyCell:
    if time is None:
        return LatencyCell(threads=threads, median=fmt.NONE, plus_minus="", p90=fmt.NONE)
    return LatencyCell(
        threads=threads,
        median=unit.number(time.median, places),
        plus_minus=_plus_minus(time, unit, places),
        p90=unit.number(time.p90, places),
    )


def _plus_minus(time: Latency, unit: fmt.TimeUnit, places: int) -> str:
    values = (value * unit.per_ms for value in (time.median, time.interval_low, time.interval_high))
    return fmt.plus_minus(*values, places)


def shown(report: Report) -> str:
    """The variant whose errors are looked at: the recommended one, else the best measured; empty for none."""
    if report.recommended:
        return report.recommended
    measured = {name: row.metric for name, row in report.variants.items() if row.metric is not None}
    sign = 1.0 if report.higher_is_better else -1.0
    return max(measured, key=lambda name: sign * measured[name], default="")


def lead(report: Report) -> str:
    """The recommendation as the paragraph under a heading that says `Ship …` already."""
    said = f"Ship {report.recommended}: "
    text = report.recommendation.removeprefix(said) if report.recommended else report.recommendation
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One of the verdict's figures: what it is, its value, and what to compare it with."""

    title: str
    value: str
    note: str = ""


def verdict_figures(report: Report) -> list[Figure]:
    """Returns the recommended file's figures, each beside what it is held against."""
    name = report.recommended
    if not name:
        return []
    row = report.variants[name]
    base = _baseline(report)
    quality, agreement = _quality(report, row)
    figures = (quality, *_floors(report, row), *_cost(row, base, time_unit(report)), agreement)
    return [figure for figure in figures if figure.value != fmt.NONE]


def _baseline(report: Report) -> VariantResult | None:
    """The plain float32 file, where one was made and the recommended one is another."""
    for name, row in report.variants.items():
        plain = row.precision == "float32" and not row.steps and row.on_device is None
        if plain and row.zip_bytes and name != report.recommended:
            return row
    return None


def _quality(report: Report, row: VariantResult) -> tuple[Figure, Figure]:
    allowed = fmt.drop(report.metric, report.recipe.max_drop)
    float_value = fmt.metric(report.metric, report.float.metric)
    drop = fmt.drop(report.metric, row.metric_drop)
    floor = report.recipe.floor.get(report.metric)
    bar = f"; floor {fmt.metric(report.metric, floor)}" if floor is not None else ""
    same = fmt.percent(row.agreement, 2) if report.data.labels else fmt.NONE
    return (
        Figure(
            title=f"{fmt.metric_title(report.metric)} on the test split",
            value=fmt.metric(report.metric, row.metric),
            note=f"float {float_value}; drop {drop} of {allowed} allowed{bar}",
        ),
        Figure(title="Agreement with float", value=same, note="of test samples get the same answer"),
    )


def _floors(report: Report, row: VariantResult) -> list[Figure]:
    """The figures beside the metric that the recipe has a floor for."""
    found = []
    for name, least in report.recipe.floor.items():
        if name != report.metric:
            value, reference = ((details or {}).get(name) for details in (row.details, report.float.details))
            note = f"float {fmt.metric(name, reference)}; floor {fmt.metric(name, least)}"
            found.append(Figure(title=fmt.metric_title(name), value=fmt.metric(name, value), note=note))
    return found


def _cost(row: VariantResult, base: VariantResult | None, unit: fmt.TimeUnit) -> list[Figure]:
    time = row.latency_ms
    ratio = fmt.smaller(base.zip_bytes, row.zip_bytes) if base and base.zip_bytes and row.zip_bytes else ""
    speed = base.latency_ms.median / time.median if base and base.latency_ms and time and time.median else None
    size = fmt.size(row.size_bytes)
    return [
        Figure(
            title="Download",
            value=fmt.size(row.zip_bytes),
            note=f"{size} on disk" + (f"; {ratio} than float32" if ratio else ""),
        ),
        _latency_figure(time, unit, speed),
        Figure(title="Peak memory", value=fmt.size(row.peak_memory_bytes), note="added by loading and running it"),
    ]


def _latency_figure(time: Latency | None, unit: fmt.TimeUnit, speed: float | None) -> Figure:
    if time is None:
        return Figure(title="Latency", value=fmt.NONE)
    places = unit.places([time.median])
    ratio = f"; {speed:.1f}× as fast as float32" if speed else ""
    return Figure(
        title=f"Latency, {plural(time.threads, 'thread')}",
        value=f"{unit.number(time.median, places)} {unit.name}",
        note=f"± {_plus_minus(time, unit, places)} {unit.name}, p90 {unit.number(time.p90, places)} {unit.name}{ratio}",
    )


def disturbed(report: Report) -> str:
    """Says which variants were timed while other work kept the machine busy; empty where none was."""
    busy = [name for name, row in report.variants.items() if (row.other_load or 0.0) > DISTURBING_CORES]
    if not busy:
        return ""
    return f"The machine was busy with other work while it timed {', '.join(busy)}: do not lean on small differences."


def metric_interval(report: Report) -> str:
    """Says how sure a share measured on this test split is; empty for other metrics."""
    name = shown(report)
    value = report.variants[name].metric if name else report.float.metric
    if value is None or not fmt.is_percent(report.metric) or not 0 <= value <= 1 or report.data.test < 1:
        return ""
    low, high = fmt.wilson(value, report.data.test)
    samples = plural(report.data.test, "test sample")
    return (
        f"With {samples}, {report.metric} of {fmt.metric(report.metric, value)} has a 95 % interval of "
        f"{fmt.metric(report.metric, low)} to {fmt.metric(report.metric, high)}."
    )


def plural(number: int, noun: str) -> str:
    """Returns `1 thread`, `1,000 test samples`."""
    return f"{fmt.count(number)} {noun}" if number == 1 else f"{fmt.count(number)} {noun}s"
