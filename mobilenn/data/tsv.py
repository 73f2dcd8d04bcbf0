"""Pairs of texts of the user's own: a .tsv with a source and a target on each line."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mobilenn.core.vocabulary import SPECIAL, Vocabulary
from mobilenn.data import Dataset
from mobilenn.data._files import raise_faults
from mobilenn.data._tables import check_shares
from mobilenn.data._text import Cut, check_sizes, dataset, pairs
from mobilenn.data._tsv import read_bytes, read_tsv


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the pairs are, and how they are cut.

    Args:
        path: the .tsv: UTF-8, source, a tab and target on each line.
        source_length: tokens of a source; longer ones are cut.
        target_length: tokens of a target, `<end>` included; longer ones are cut.
        kind: tokens are words and signs, or characters.
        vocabulary: the most different tokens of both sides, four special ones included.
        header: whether the first line names the columns.
        validation, test: shares of all different sources.
    """

    path: str
    source_length: int = 64
    target_length: int = 32
    kind: Literal["word", "character"] = "word"
    vocabulary: int = 8000
    header: bool = False
    validation: float = 0.1
    test: float = 0.2

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        check_sizes(source_length=self.source_length, target_length=self.target_length, vocabulary=self.vocabulary)


def fingerprint(settings: Settings) -> str:
    """Hash of the file's content.

    Raises:
        DataError: it is not there.
    """
    path = Path(settings.path)
    return f"{path.name} {hashlib.sha256(read_bytes(path)).hexdigest()}"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads and checks the pairs: `source` (N, source_length), `target_in` and targets (N, target_length), int32.

    Pairs with the same source stand in the same split. Texts past their length are cut; the description says
    how many.

    Raises:
        DataError: no such file; a line that is not UTF-8, has not two columns or an empty one, a text without
            a token, fewer than ten pairs; `faults` lists each.
    """
    path = Path(settings.path)
    empty = Vocabulary(kind=settings.kind, tokens=SPECIAL)
    rows, faults = read_tsv(path, ("source", "target"), settings.header, empty)
    raise_faults(path, faults)
    sources, targets = ([row[side] for row in rows] for side in (0, 1))
    cut = Cut(
        kind=settings.kind,
        vocabulary=settings.vocabulary,
        length=settings.source_length,
        target_length=settings.target_length,
        shares=(settings.validation, settings.test),
        seed=seed,
    )
    splits, vocabulary = pairs(sources, targets, [empty.prepare(source) for source in sources], cut)
    count = sum(len(split) for split in splits)
    long = (_longer(sources, settings.source_length, empty), _longer(targets, settings.target_length - 1, empty))
    noted = f" {long[0]:,} sources and {long[1]:,} targets are cut." if any(long) else ""
    made = dataset(splits, (), f"{count:,} pairs of texts of {path.name}.{noted}", vocabulary)
    return replace(made, preprocessing={**made.preprocessing, "cut": {"source": long[0], "target": long[1]}})


def _longer(texts: Sequence[str], length: int, vocabulary: Vocabulary) -> int:
    """How many texts have more tokens than that."""
    return sum(len(vocabulary.split(text)) > length for text in texts)
