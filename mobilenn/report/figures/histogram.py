"""How the scores of episodes are spread."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mobilenn.report import format as fmt
from mobilenn.report.figures.canvas import draw
from mobilenn.report.palette import Mark, token


def spread(key: str, name: str, counts: Sequence[float], edges: Sequence[float], mark: Mark) -> str:
    """Draws bars of how many episodes reached what.

    Args:
        key: unique on the page.
        name: of the model.
        counts: episodes in each bin.
        edges: of the bins, one more than counts.
        mark: the model's colour.
    """

    def paint(axes: Axes) -> None:
        widths = [right - left for left, right in itertools.pairwise(edges)]
        axes.bar(edges[:-1], counts, widths, align="edge", color=token(mark.color), edgecolor=token("surface"))
        axes.set(xlabel="score", ylabel="episodes")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))

    most = max(range(len(counts)), key=counts.__getitem__)
    said = f"{fmt.count(int(counts[most]))} of {fmt.count(int(sum(counts)))}"
    bounds = f"{fmt.significant(edges[most])} and {fmt.significant(edges[most + 1])}"
    return draw(f"spread-{key}", f"Scores of {name}: {said} episodes lie between {bounds}.", paint, height=240)
