"""Docstring summaries: from the body of a docstring of Python's standard library to the line above it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, _docstrings
from mobilenn.data._docstrings import Docstring
from mobilenn.data._tables import check_shares
from mobilenn.data._text import Cut, check_sizes, dataset, pairs

_WORD = re.compile(r"\w+")
_LEAST_SUMMARY = 2  # words: a name alone on the first line sums nothing up


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much of the docstrings is read.

    Args:
        source_length: words and signs of a body; longer ones are cut.
        target_length: words and signs of a first line, `<end>` included; longer ones are cut.
        vocabulary: the most different words and signs of both, four special ones included.
        words: docstrings with a shorter body are left out.
        validation, test: shares of all docstrings.
    """

    source_length: int = 96
    target_length: int = 16
    vocabulary: int = 6000
    words: int = 8
    validation: float = 0.1
    test: float = 0.2

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        check_sizes(source_length=self.source_length, target_length=self.target_length, vocabulary=self.vocabulary)
        if not 1 <= self.words <= 40:
            raise RecipeError(f"[data] words is {self.words}.", "Allowed: 1 to 40.")


def fingerprint(settings: Settings) -> str:
    """The version of Python, and that of the choice of docstrings."""
    return f"docstring_summaries 1, {_docstrings.fingerprint()}"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the pairs: `source` (N, source_length), `target_in` and targets (N, target_length), int32.

    Docstrings with the same first line stand in the same split.
    """
    chosen = [
        (docstring.key, *parts)
        for docstring in _docstrings.docstrings()
        if (parts := body_and_summary(docstring, settings.words))
    ]
    keys, sources, targets = zip(*chosen, strict=True)
    cut = Cut(
        vocabulary=settings.vocabulary,
        length=settings.source_length,
        target_length=settings.target_length,
        shares=(settings.validation, settings.test),
        seed=seed,
    )
    splits, vocabulary = pairs(sources, targets, keys, cut)
    count = sum(len(split) for split in splits)
    described = f"{count:,} docstrings of Python's standard library: the body, and the line that sums it up."
    return dataset(splits, (), described, vocabulary)


def body_and_summary(docstring: Docstring, words: int) -> tuple[str, str] | None:
    """The text below a first line that is a paragraph of its own, and that line.

    Args:
        docstring: any.
        words: the fewest of a body.

    Returns:
        None where the first paragraph runs on, sums nothing up or has too little below it.
    """
    summary, _, body = docstring.text.partition("\n\n")
    if "\n" in summary or len(_WORD.findall(summary)) < _LEAST_SUMMARY or len(_WORD.findall(body)) < words:
        return None
    return body.strip(), summary.strip()
