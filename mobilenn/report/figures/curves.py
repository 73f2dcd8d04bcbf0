"""Training curves: training and validation, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mobilenn.report import format as fmt
from mobilenn.report.figures import axes as scales
from mobilenn.report.figures.canvas import draw
from mobilenn.report.palette import token
from mobilenn.report.schema import Report

MAX_PANELS = 4
_NOT_LOSSES = ("lr", "learning_rate")
_GAP_PX = 14
Series = tuple[float | None, ...]


def panels(report: Report) -> list[tuple[str, str]]:
    """Draws one figure per quantity that has a course: the loss first, then the metric, then the rest.

    Returns:
        Title and SVG of each, at most `MAX_PANELS`.
    """
    history = report.training.history
    names = [name for name in history if not name.startswith("val_") and name not in _NOT_LOSSES]
    names += [name[4:] for name in history if name.startswith("val_") and name[4:] not in history]
    names.sort(key=lambda name: {"loss": 0, report.metric: 1}.get(name, 2))
    drawn = [(name, _panel(index, name, _series(history, name))) for index, name in enumerate(names[:MAX_PANELS])]
    return [(fmt.metric_title(name), svg) for name, svg in drawn if svg]


def _series(history: Mapping[str, Series], name: str) -> dict[str, Series]:
    pair = {"training": history.get(name, ()), "validation": history.get(f"val_{name}", ())}
    return {which: values for which, values in pair.items() if any(value is not None for value in values)}


def _panel(index: int, name: str, series: Mapping[str, Series]) -> str:
    if not series:
        return ""
    last = {which: next(v for v in reversed(values) if v is not None) for which, values in series.items()}
    ends = ", ".join(f"{which} ends at {fmt.metric(name, value)}" for which, value in last.items())

    def paint(axes: Axes) -> None:
        known = [value for values in series.values() for value in values if value is not None]
        pad = 0.06 * (max(known) - min(known)) or 0.01
        scales.metric(axes.yaxis, name, min(known) - pad, max(known) + pad)
        epochs = max(len(values) for values in series.values())
        room = 0.03 * epochs if epochs > 1 else 0.5
        axes.set_xlim(1 - room, epochs + room)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.set(xlabel="epoch", ylabel=fmt.short(fmt.metric_title(name)))
        for which, values in series.items():
            _line(axes, which, values)
        _name_lines(axes, series)

    title = fmt.metric_title(name)
    return draw(f"curve-{index}", f"{title} by epoch: {ends}.", paint, height=260)


def _line(axes: Axes, which: str, values: Series) -> None:
    """Draws what is known; where a quantity was not found in every epoch, the line leads from one to the next."""
    epochs = [epoch for epoch, value in enumerate(values, 1) if value is not None]
    shown = [values[epoch - 1] for epoch in epochs]
    bold = which == "validation"
    axes.plot(
        epochs,
        shown,
        color=token("accent" if bold else "muted"),
        linewidth=2.2 if bold else 1.6,
        linestyle="-" if bold else (0, (5, 2.5)),
        marker="o",
        markersize=4 if len(shown) <= 25 else 0,
    )


def _name_lines(axes: Axes, series: Mapping[str, Series]) -> None:
    """Writes each line's name at its end, kept apart by at least a line of text."""
    ends = {}
    for which, values in series.items():
        epoch, value = max((i, v) for i, v in enumerate(values, 1) if v is not None)
        ends[which] = (epoch, value, axes.transData.transform((epoch, value))[1])
    order = sorted(ends, key=lambda which: ends[which][2])
    close = len(order) == 2 and ends[order[1]][2] - ends[order[0]][2] < _GAP_PX
    for which, side in zip(order, (-1, 1), strict=False):
        epoch, value, _ = ends[which]
        axes.annotate(
            which,
            (epoch, value),
            (8, side * _GAP_PX / 2 if close else 0),
            textcoords="offset points",
            va="center",
            color=token("accent" if which == "validation" else "muted"),
            fontweight="bold" if which == "validation" else "normal",
            annotation_clip=False,
        )
