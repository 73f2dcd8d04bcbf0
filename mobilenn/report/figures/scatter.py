"""Regression: what was predicted over what was true."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mobilenn.report.figures.canvas import draw
from mobilenn.report.palette import Mark, token


def truth_prediction(key: str, name: str, points: Sequence[tuple[float, float]], mark: Mark) -> str:
    """Draws a point per test sample, and the diagonal on which a perfect model's would lie.

    Args:
        key: unique on the page.
        name: of the model.
        points: truth and prediction of each sample, in the target's unit.
        mark: the model's colour and shape.
    """
    truth, prediction = zip(*points, strict=True)
    low, high = min(*truth, *prediction), max(*truth, *prediction)
    pad = 0.05 * (high - low) or 1.0

    def paint(axes: Axes) -> None:
        axes.plot([low - pad, high + pad], [low - pad, high + pad], color=token("muted"), linewidth=1)
        axes.plot(
            truth, prediction, linestyle="", marker=mark.marker, color=token(mark.color), markersize=5, alpha=0.65
        )
        axes.set(xlim=(low - pad, high + pad), ylim=(low - pad, high + pad), xlabel="truth", ylabel="prediction")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_aspect("equal")

    alt = f"Predictions of {name} over the truth, {len(truth)} test samples; a perfect model lies on the diagonal."
    return draw(f"scatter-{key}", alt, paint, width=380, height=340)
