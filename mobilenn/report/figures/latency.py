"""Latency of every variant: the median with its interval, and the 90th percentile, by thread count."""

from __future__ import annotations

from matplotlib.axes import Axes

from mobilenn.report import format as fmt
from mobilenn.report import view
from mobilenn.report.figures import axes as scales
from mobilenn.report.figures.canvas import draw
from mobilenn.report.palette import Mark, marks, token
from mobilenn.report.schema import Latency, Report

_ROW_PX = 44
_FRAME_PX = 62


def dots(report: Report) -> str:
    """Draws a row per timed variant; a filled mark is one thread, a hollow one more; empty where none was timed."""
    timed = {name: row.timings for name, row in report.variants.items() if row.timings}
    if not timed:
        return ""
    styles, unit = marks(report.variants), view.time_unit(report)
    texts = [
        f"{name} {unit.number(time.median)} {unit.name} on {view.plural(time.threads, 'thread')}"
        for name, times in timed.items()
        for time in times
    ]

    def paint(axes: Axes) -> None:
        times = [time for row in timed.values() for time in row]
        edges = [value for t in times for value in (t.interval_low, t.interval_high, t.p90)]
        scales.positive(axes.xaxis, edges, unit.tick)
        axes.grid(False, axis="y")
        axes.set_ylim(len(timed) - 0.5, -0.5)
        axes.set_yticks(range(len(timed)), [fmt.short(name) for name in timed], color=token("ink"))
        axes.tick_params(axis="y", length=0)
        for place, (name, row) in enumerate(timed.items()):
            offsets = _offsets(len(row))
            for time, offset in zip(row, offsets, strict=True):
                _dot(axes, time, place + offset, styles[name])
                _threads(axes, time, place + offset)

    height = _FRAME_PX + _ROW_PX * len(timed)
    return draw("latency", f"Median latency: {'; '.join(texts)}.", paint, width=640, height=height)


def _offsets(count: int) -> list[float]:
    step = 0.42 if count <= 2 else 0.8 / count
    return [step * (index - (count - 1) / 2) for index in range(count)]


def _dot(axes: Axes, time: Latency, y: float, mark: Mark) -> None:
    color = token(mark.color)
    axes.plot([time.interval_low, time.interval_high], [y, y], color=color, linewidth=5, alpha=0.35)
    axes.plot([time.median, time.p90], [y, y], color=color, linewidth=1.2)
    axes.plot(time.p90, y, marker="|", color=color, markersize=9, markeredgewidth=1.6)
    face = color if time.threads == 1 else token("surface")
    axes.plot(time.median, y, marker=mark.marker, markersize=7.5, color=color, markerfacecolor=face)


def _threads(axes: Axes, time: Latency, y: float) -> None:
    end = max(time.p90, time.interval_high)
    text = f"{view.plural(time.threads, 'thread')}"
    axes.annotate(
        text, (end, y), (7, 0), textcoords="offset points", va="center", fontsize="small", color=token("muted")
    )
