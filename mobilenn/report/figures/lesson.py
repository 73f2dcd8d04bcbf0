"""A golden lesson: the losses that are expected, and those of the file on top of them."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mobilenn.report import format as fmt
from mobilenn.report.figures import axes as scales
from mobilenn.report.figures.canvas import draw
from mobilenn.report.palette import Mark, token
from mobilenn.report.schema_file import Lesson


def curve(index: int, lesson: Lesson, mark: Mark) -> str:
    """Draws the losses before each step.

    Args:
        index: of the figure on its page.
        lesson: of a file.
        mark: of the file's variant.

    Returns:
        SVG; empty where a loss is not known.
    """
    if not lesson.expected or len(lesson.expected) != len(lesson.found) or None in (*lesson.expected, *lesson.found):
        return ""
    low, high = min((*lesson.expected, *lesson.found)), max((*lesson.expected, *lesson.found))
    steps = range(1, len(lesson.expected) + 1)

    def paint(axes: Axes) -> None:
        pad = 0.08 * (high - low) or 0.01
        scales.metric(axes.yaxis, "loss", low - pad, high + pad)
        axes.set_xlim(1 - 0.04 * len(steps), len(steps) * 1.04)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        axes.set(xlabel="before step", ylabel="loss")
        axes.plot(steps, lesson.expected, color=token("muted"), linewidth=1.6, label="expected")
        style = {"marker": mark.marker, "markersize": 8, "markerfacecolor": "none", "linestyle": "none"}
        axes.plot(steps, lesson.found, color=token(mark.color), markeredgewidth=2, label="the file", **style)
        axes.legend(frameon=False, labelcolor=token("ink"))

    ends = f"from {fmt.significant(lesson.found[0])} to {fmt.significant(lesson.found[-1])}"
    return draw(f"lesson-{index}", f"Losses of the golden lesson, {ends}; error {fmt.error(lesson.error)}.", paint)
