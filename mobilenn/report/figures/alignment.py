"""What of a text a model looked at when it wrote another: a shade for each pair of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_CELL = 16  # px of a shade
_CHARACTER = 7.2  # px of a label's character, about
_GAP = 6  # between a label and the shades
_RISE = 0.82  # of a label that leans by 55 degrees: its sine
_LEAST = 0.02  # a weight that no eye sees


def grid(said: Sequence[str], source: Sequence[str], weights: Sequence[Sequence[float]]) -> str:
    """Draws tokens said downwards, the source's across, and a weight as a shade.

    Args:
        said, source: labels; a source of single characters stands upright, words are turned.
        weights: (said, source), 0 to 1.

    Returns:
        SVG in its natural size, so that labels stay readable; empty without tokens.
    """
    if not said or not source:
        return ""
    upright = all(len(token) == 1 for token in source)
    left = _CHARACTER * max(map(len, said)) + _GAP
    top = _CELL if upright else _RISE * _CHARACTER * max(map(len, source)) + 2 * _GAP
    lean = 0 if upright else 0.72 * top  # room for the last label, which leans over the edge
    width, height = left + _CELL * len(source) + lean, top + _CELL * len(said)
    parts = [_column(left + _CELL * (i + 0.5), top, token, upright) for i, token in enumerate(source)]
    for row, (token, shades) in enumerate(zip(said, weights, strict=True)):
        y = top + _CELL * row
        parts.append(f'<text x="{left - _GAP:.1f}" y="{y + 12:.1f}" text-anchor="end">{escape(token)}</text>')
        parts += [
            f'<rect x="{left + _CELL * i:.1f}" y="{y:.1f}" width="{_CELL}" height="{_CELL}" fill="var(--heat)" '
            f'fill-opacity="{0.9 * share:.2f}"/>'
            for i, share in enumerate(shades)
            if share >= _LEAST
        ]
    frame = f'<rect x="{left:.1f}" y="{top:.1f}" width="{_CELL * len(source)}" height="{_CELL * len(said)}" '
    parts.append(f'{frame}fill="none" stroke="var(--line)"/>')
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}"'
    return f'<svg {size} class="alignment" aria-hidden="true">{"".join(parts)}</svg>'


def _column(x: float, top: float, token: str, upright: bool) -> str:
    y = top - _GAP / 2
    if upright:
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(token)}</text>'
    return f'<text x="{x:.1f}" y="{y:.1f}" transform="rotate(-55 {x:.1f} {y:.1f})">{escape(token)}</text>'
