"""What of a source each token of a text was taken from, as a drawing and one line of words."""

from __future__ import annotations

from dataclasses import dataclass

from mobilenn.report import format as fmt
from mobilenn.report.figures import alignment as figure
from mobilenn.report.schema import Alignment

_MOST = 32  # columns that a drawing of words has room for
_CHARACTERS = 64  # the same, of single characters
_MARKED = 0.05  # a weight from which a token of a long source is shown at all
_NAMED = 16  # tokens said that the line of words goes through


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """What a sample's drawing of a text written from a text shows.

    Args:
        model: whose attention it is; empty where the sample has none.
        drawing: SVG.
        words: each token said, and the one that mattered most for it.
        shown, count: tokens of the source in the drawing, and all of them.
    """

    model: str = ""
    drawing: str = ""
    words: str = ""
    shown: int = 0
    count: int = 0

    @property
    def note(self) -> str:
        """Says which tokens of a long source are left out; empty where none is."""
        return f"Across: the {self.shown} of {self.count} tokens that mattered most." if self.shown < self.count else ""


def aligned(alignment: Alignment | None) -> Aligned:
    """Reads a sample's alignment; one whose parts do not fit together counts as none."""
    weights = _weights(alignment) if alignment else []
    if not alignment or not weights:
        return Aligned()
    kept = _kept(alignment.source, weights)
    source = [alignment.source[place] for place in kept]
    drawing = figure.grid(alignment.said, source, [[row[place] for place in kept] for row in weights])
    pairs = zip(alignment.said[:_NAMED], weights, strict=False)
    words = ", ".join(f"“{token}” at {_most(alignment.source, row)}" for token, row in pairs)
    return Aligned(
        model=alignment.model,
        drawing=drawing,
        words=words + (" …" if len(alignment.said) > _NAMED else ""),
        shown=len(kept),
        count=len(alignment.source),
    )


def _weights(alignment: Alignment) -> list[list[float]]:
    """(said, source), 0 to 1; nothing where a row is damaged."""
    try:
        rows = [[value / 255 for value in bytes.fromhex(row)] for row in alignment.rows]
    except ValueError:
        return []
    fits = len(rows) == len(alignment.said) and all(len(row) == len(alignment.source) for row in rows)
    return rows if fits and alignment.source else []


def _kept(source: tuple[str, ...], weights: list[list[float]]) -> list[int]:
    """Places of the source that are drawn: all that there is room for, else those that ever mattered."""
    most = _CHARACTERS if all(len(token) == 1 for token in source) else _MOST
    largest = [max(column) for column in zip(*weights, strict=True)]
    if len(source) <= most:
        return list(range(len(source)))
    order = sorted(range(len(source)), key=lambda place: (-largest[place], place))[:most]
    return sorted(place for place in order if largest[place] >= _MARKED) or sorted(order)


def _most(source: tuple[str, ...], row: list[float]) -> str:
    place = max(range(len(row)), key=lambda i: (row[i], -i))
    return f"“{source[place]}” {fmt.percent(row[place], 0)}"
