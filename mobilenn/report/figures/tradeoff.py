"""What a file costs against what it knows: metric over download size, and over latency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes

from mobilenn.report import format as fmt
from mobilenn.report import view
from mobilenn.report.figures import axes as scales
from mobilenn.report.figures.canvas import draw
from mobilenn.report.figures.labels import Label, place
from mobilenn.report.palette import Mark, marks, token
from mobilenn.report.schema import Report, VariantResult

_VISIBLE_DROPS = 4.0  # a variant that lost more than so many times the allowed drop is drawn at the edge


@dataclass(frozen=True, kw_only=True)
class _Point:
    name: str
    x: float
    low: float
    high: float
    metric: float
    off_scale: bool
    status: str
    recommended: bool
    mark: Mark


def over_download(report: Report) -> str:
    """Draws the metric over the bytes of a download; empty where nothing was measured."""

    def cost(row: VariantResult) -> tuple[float, float, float] | None:
        return (row.zip_bytes, row.zip_bytes, row.zip_bytes) if row.zip_bytes else None

    return _tradeoff(report, "download", "download size", cost, fmt.size_tick)


def over_latency(report: Report) -> str:
    """Draws the metric over the median latency on one thread, with its interval; empty where nothing was timed."""

    def cost(row: VariantResult) -> tuple[float, float, float] | None:
        time = row.latency_ms
        return (time.median, time.interval_low, time.interval_high) if time else None

    return _tradeoff(report, "latency", "median latency, one thread", cost, view.time_unit(report).tick)


_Cost = Callable[[VariantResult], tuple[float, float, float] | None]


def _tradeoff(report: Report, name: str, label: str, cost: _Cost, text: Callable[[float], str]) -> str:
    points = _points(report, cost)
    if not points:
        return ""
    title = fmt.metric_title(report.metric)
    told = "; ".join(f"{p.name} {text(p.x)}, {fmt.metric(report.metric, p.metric)}, {p.status}" for p in points)

    def paint(axes: Axes) -> None:
        scales.positive(axes.xaxis, [value for p in points for value in (p.low, p.high)], text)
        _metric_axis(axes, report, points)
        axes.set(xlabel=label, ylabel=fmt.short(title))
        _limit(axes, report)
        for point in points:
            _draw(axes, point, _shown_metric(axes, point))
        lines = [] if report.float.metric is None else [report.float.metric, _least(report)]
        place(axes, [_label(axes, report, point) for point in points], lines)

    return draw(f"tradeoff-{name}", f"{title} over {label}: {told}.", paint)


def _points(report: Report, cost: _Cost) -> list[_Point]:
    found = []
    styles = marks(report.variants)
    for name, row in report.variants.items():
        place_x = cost(row)
        if place_x is None or row.metric is None:
            continue
        far = (row.metric_drop or 0.0) > _VISIBLE_DROPS * max(report.recipe.max_drop, 0.005)
        found.append(
            _Point(
                name=name,
                x=place_x[0],
                low=place_x[1],
                high=place_x[2],
                metric=row.metric,
                off_scale=far,
                status=row.status,
                recommended=name == report.recommended,
                mark=styles[name],
            )
        )
    return found


def _metric_axis(axes: Axes, report: Report, points: list[_Point]) -> None:
    """Limits that show the float model, the allowed drop and every point near them."""
    near = [p.metric for p in points if not p.off_scale]
    if report.float.metric is not None:
        near += [report.float.metric, _least(report)]
    near = near or [p.metric for p in points]
    span = max(max(near) - min(near), 0.004)
    scales.metric(axes.yaxis, report.metric, min(near) - 0.35 * span, max(near) + 0.25 * span)
    if not report.higher_is_better:
        axes.invert_yaxis()


def _least(report: Report) -> float:
    sign = 1.0 if report.higher_is_better else -1.0
    return (report.float.metric or 0.0) - sign * report.recipe.max_drop


def _limit(axes: Axes, report: Report) -> None:
    """The float model's metric as a line, and below it the line that a variant must not cross."""
    if report.float.metric is None:
        return
    for value, style, text in ((report.float.metric, "-", "float"), (_least(report), (0, (4, 3)), "allowed drop")):
        axes.axhline(value, color=token("muted"), linewidth=1.0, linestyle=style, zorder=1)
        axes.annotate(
            text,
            (1, value),
            (-2, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize="small",
            color=token("muted"),
        )


def _shown_metric(axes: Axes, point: _Point) -> float:
    """The point's metric, or the worst end of the axis where it lies past it."""
    worst, best = axes.get_ylim()
    return worst + 0.06 * (best - worst) if point.off_scale else point.metric


def _draw(axes: Axes, point: _Point, y: float) -> None:
    color = token(point.mark.color)
    if point.high > point.low:
        axes.plot([point.low, point.high], [y, y], color=color, linewidth=1.6, solid_capstyle="butt")
    faint = 0.5 if point.status == "rejected" else 1.0
    axes.plot(point.x, y, marker=point.mark.marker, color=color, markersize=8, alpha=faint, zorder=4)
    if point.recommended:
        axes.plot(point.x, y, marker="o", markersize=15, markerfacecolor="none", color=token("ink"), zorder=5)
    if point.status == "rejected":
        axes.plot(point.x, y, marker="x", markersize=13, markeredgewidth=1.8, color=token("bad"), zorder=5)


def _label(axes: Axes, report: Report, point: _Point) -> Label:
    name = fmt.short(point.name)
    text = f"{name} ↓ {fmt.metric(report.metric, point.metric)}" if point.off_scale else name
    return Label(x=point.x, y=_shown_metric(axes, point), text=text, bold=point.recommended)
