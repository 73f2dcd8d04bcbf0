"""Puts names beside points so that none covers another name or another point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from mobilenn.report.palette import token

_MARK_PX = 7.0
_RADII_PX = (11, 20, 32, 46, 62)
_ANGLES_DEG = (0, 180, 90, 270, 45, 315, 135, 225)  # right and left first: text reads along the line
_LEADER_PX = 24
_NAME_PX = 76  # width kept free for the name of a line


@dataclass(frozen=True, kw_only=True)
class Label:
    """A name for a point in data coordinates; `bold` marks the recommended one."""

    x: float
    y: float
    text: str
    bold: bool = False


def place(axes: Axes, labels: list[Label], lines: Sequence[float] = ()) -> None:
    """Annotates the points; call it last, when the axes have their limits.

    Args:
        axes: the points are drawn on it.
        labels: what to write.
        lines: heights of horizontal lines to keep clear of, with their names at the right end.

    A greedy search, the bold label first: of the positions around its point each label takes the
    one with the least overlap, and of equal ones the nearest. A label that had to move away gets a
    line to its point.
    """
    figure = axes.figure
    figure.draw_without_rendering()  # fixes the layout, so that data and pixels correspond
    points = [tuple(axes.transData.transform((label.x, label.y))) for label in labels]
    taken = [_around(x, y, 2 * _MARK_PX, 2 * _MARK_PX) for x, y in points]
    fixed = [box for height in lines for box in _line_boxes(axes, height)]
    for index in sorted(range(len(labels)), key=lambda i: not labels[i].bold):
        width, height = _extent(axes, labels[index])
        moves = [(r, math.radians(a)) for r in _RADII_PX for a in _ANGLES_DEG]
        options = [_option(points[index], r, angle, width, height) for r, angle in moves]
        best = min(options, key=lambda option: _cost(option, fixed + taken, axes.bbox))
        taken.append(best.box)
        _annotate(axes, labels[index], best)


@dataclass(frozen=True, kw_only=True)
class _Option:
    dx: float
    dy: float
    radius: float
    align: str
    box: Bbox


def _option(point: tuple[float, float], radius: float, angle: float, width: float, height: float) -> _Option:
    dx, dy = radius * math.cos(angle), radius * math.sin(angle)
    align = "left" if dx > 1 else "right" if dx < -1 else "center"
    x, y = point[0] + dx, point[1] + dy
    left = {"left": x, "right": x - width, "center": x - width / 2}[align]
    box = Bbox.from_bounds(left, y - height / 2, width, height)
    return _Option(dx=dx, dy=dy, radius=radius, align=align, box=box)


def _cost(option: _Option, taken: list[Bbox], frame: Bbox) -> float:
    area = option.box.width * option.box.height
    inside = Bbox.intersection(option.box, frame)
    outside = area - (inside.width * inside.height if inside else 0)
    overlap = sum(cut.width * cut.height for box in taken if (cut := Bbox.intersection(option.box, box)))
    return 10 * (outside + overlap) + option.radius


def _annotate(axes: Axes, label: Label, option: _Option) -> None:
    leader = {"arrowstyle": "-", "color": token("muted"), "linewidth": 0.8, "shrinkA": 1, "shrinkB": 5}
    note = axes.annotate(
        label.text,
        (label.x, label.y),
        (option.dx, option.dy),
        textcoords="offset points",
        ha=option.align,
        va="center",
        fontweight="bold" if label.bold else "normal",
        arrowprops=leader if option.radius > _LEADER_PX else None,
        annotation_clip=False,
    )
    note.set_in_layout(False)  # the layout is fixed already; a label must not move the axes under it


def _extent(axes: Axes, label: Label) -> tuple[float, float]:
    """Width and height of the text, in px."""
    text = axes.text(0, 0, label.text, fontweight="bold" if label.bold else "normal")
    box = text.get_window_extent()
    text.remove()
    return box.width + 2, box.height + 2


def _line_boxes(axes: Axes, height: float) -> tuple[Bbox, Bbox]:
    """A horizontal line, and its name that stands on it at the right."""
    y = axes.get_yaxis_transform().transform((0, height))[1]
    frame = axes.bbox
    name = Bbox.from_bounds(frame.x1 - _NAME_PX, y, _NAME_PX, 13)
    return Bbox.from_bounds(frame.x0, y - 1, frame.width, 2), name


def _around(x: float, y: float, width: float, height: float) -> Bbox:
    return Bbox.from_bounds(x - width / 2, y - height / 2, width, height)
