"""Where a model looked: shades over a picture's patches, and bars under a clip's frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

_CELL = 10  # of a patch, in the drawing's own units
_BAR = 24  # height of the tallest bar


def shares(weights: Sequence[float | None]) -> list[float]:
    """Weights as shares of the largest, 0..1; all 0 where none is above 0."""
    values = [max(0.0, weight or 0.0) for weight in weights]
    largest = max(values, default=0.0)
    return [value / largest if largest > 0 else 0.0 for value in values]


def over_patches(weights: Sequence[float | None]) -> str:
    """Draws a square of patches to lay over an image: the more a patch mattered, the less it is veiled.

    Args:
        weights: row by row; as many as a square has.

    Returns:
        SVG without a size of its own; empty where the weights make no square.
    """
    side = math.isqrt(len(weights))
    if not weights or side * side != len(weights):
        return ""
    cells = [
        f'<rect x="{i % side * _CELL}" y="{i // side * _CELL}" width="{_CELL}" height="{_CELL}" '
        f'fill="var(--heat)" fill-opacity="{0.72 * share:.2f}"/>'
        for i, share in enumerate(shares(weights))
        if share >= 0.02  # what no eye sees
    ]
    size = side * _CELL
    return f'<svg viewBox="0 0 {size} {size}" preserveAspectRatio="none" aria-hidden="true">{"".join(cells)}</svg>'


def under_frames(weights: Sequence[float | None]) -> str:
    """Draws a bar for each frame, as tall as the frame mattered, to stand under a strip of frames."""
    bars = [
        f'<rect x="{i * _CELL + 1}" y="{_BAR * (1 - share):.1f}" width="{_CELL - 2}" height="{_BAR * share:.1f}" '
        'fill="var(--heat)"/>'
        for i, share in enumerate(shares(weights))
    ]
    width = len(weights) * _CELL
    return f'<svg viewBox="0 0 {width} {_BAR}" preserveAspectRatio="none" aria-hidden="true">{"".join(bars)}</svg>'
