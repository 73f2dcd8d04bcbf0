"""What a model attended to in a sample, as shades, bars and one line of words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mobilenn.report import format as fmt
from mobilenn.report.figures import attention
from mobilenn.report.schema import Sample

_NAMED = 3  # parts that the line of words names
_PLAIN_TOKENS = 60  # of a text in the line of words


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token of a text, and how much it mattered against the one that mattered most, 0..1."""

    text: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Attended:
    """What a sample's own drawing shows beside its picture.

    Args:
        model: whose attention it is; empty where the sample has none.
        tokens: of a text.
        overlay: SVG to lay over an image; empty for others.
        bars: SVG to put under a clip's strip of frames; empty for others.
        words: the parts that mattered most, with their weights; empty without attention.
    """

    model: str
    tokens: tuple[Token, ...]
    overlay: str
    bars: str
    words: str

    @property
    def text(self) -> str:
        """The beginning of the text, on one line."""
        cut = " …" if len(self.tokens) > _PLAIN_TOKENS else ""
        return " ".join(" ".join(token.text for token in self.tokens[:_PLAIN_TOKENS]).split()) + cut


def attended(sample: Sample, models: tuple[str, ...], wide: bool) -> Attended:
    """Reads a sample's attention.

    Args:
        sample: the sample.
        models: whose attention is wanted; the first that the sample knows is taken.
        wide: whether the picture is a strip of frames.
    """
    model = next((name for name in models if sample.weights.get(name)), "")
    weights = [weight or 0.0 for weight in sample.weights.get(model, ())]
    of_text = bool(sample.text) and len(weights) in (0, len(sample.text))
    shares = attention.shares(weights) if weights and of_text else [0.0] * len(sample.text)
    pictured = bool(weights) and not sample.text and bool(sample.image)
    return Attended(
        model=model,
        tokens=tuple(Token(text=text, share=share) for text, share in zip(sample.text, shares, strict=True)),
        overlay=attention.over_patches(weights) if pictured and not wide else "",
        bars=attention.under_frames(weights) if pictured and wide else "",
        words=_words(weights, sample.text if of_text else (), wide),
    )


def _words(weights: list[float], text: tuple[str, ...], wide: bool) -> str:
    order = sorted(range(len(weights)), key=lambda place: (-weights[place], place))[:_NAMED]
    return ", ".join(f"{_named(place, len(weights), text, wide)}: {fmt.percent(weights[place])}" for place in order)


def _named(place: int, count: int, text: tuple[str, ...], wide: bool) -> str:
    if text:
        return f"“{text[place]}”"  # a full stop is a token, too
    side = math.isqrt(count)
    if wide or side * side != count:
        return f"{'frame' if wide else 'part'} {place + 1}"
    return f"row {place // side + 1} column {place % side + 1}"
