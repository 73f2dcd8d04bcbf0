"""IMDB: 50,000 reviews of films that are for or against, downloaded once."""

from __future__ import annotations

import re
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mobilenn.core.errors import DataError, RecipeError
from mobilenn.core.vocabulary import Vocabulary
from mobilenn.data import Dataset, Split
from mobilenn.data._download import fetch
from mobilenn.data._tables import split_rows
from mobilenn.data._text import check_sizes, dataset

_URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
_LABELS = ("negative", "positive")
_MEMBER = re.compile(r"aclImdb/(train|test)/(neg|pos)/\d+_\d+\.txt")
_BREAK = re.compile(r"<br\s*/?>")
_MAX_REVIEW_BYTES = 1 << 20  # a hundred times the longest: what a damaged archive may claim
_DAMAGE = (OSError, ValueError, EOFError, tarfile.TarError, zlib.error)

Texts = tuple[list[str], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the reviews are cut.

    Args:
        length: words and signs of a review; longer ones are cut.
        vocabulary: the most different words and signs, four special ones included.
        validation: share of the 25,000 training reviews that is set aside.
    """

    length: int = 200
    vocabulary: int = 20_000
    validation: float = 0.1

    def __post_init__(self) -> None:
        check_sizes(length=self.length, vocabulary=self.vocabulary)
        if not 0.01 <= self.validation <= 0.5:
            raise RecipeError(f"[data] validation is {self.validation}.", "Allowed: 0.01 to 0.5.")


def fingerprint(settings: Settings) -> str:
    """The set's name; its publisher does not change it."""
    return "imdb 1"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the reviews: `tokens` (N, length) int32; the 25,000 test reviews are the publisher's.

    Raises:
        DataError: the set is not in the cache and the network is away, or the archive is damaged.

    Reference:
        Maas et al., Learning Word Vectors for Sentiment Analysis (ACL 2011).
    """
    parts = _read(fetch(_URL))
    texts, classes = parts["train"]
    vocabulary = Vocabulary.fit(texts, "word", settings.vocabulary)
    train, validation, held = split_rows(classes, settings.validation, 1e-9, seed, stratify=True)
    tokens = vocabulary.encode_all(texts, settings.length)
    splits = [
        Split(inputs={"tokens": tokens[rows]}, targets=classes[rows])
        for rows in (np.sort(np.concatenate([train, held])), validation)
    ]
    texts, classes = parts["test"]
    splits.append(Split(inputs={"tokens": vocabulary.encode_all(texts, settings.length)}, targets=classes))
    count = sum(len(split) for split in splits)
    return dataset(splits, _LABELS, f"IMDB: {count:,} real reviews of films, for or against.", vocabulary)


def _read(path: Path) -> dict[str, Texts]:
    """Texts and classes of both parts, in the order of the archive's names."""
    found: dict[str, list[tuple[str, int, str]]] = {"train": [], "test": []}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                match = _MEMBER.fullmatch(member.name)
                if match and member.isfile() and member.size <= _MAX_REVIEW_BYTES:
                    text = archive.extractfile(member).read().decode("utf-8")
                    found[match[1]].append((member.name, int(match[2] == "pos"), _BREAK.sub("\n", text)))
    except _DAMAGE as error:
        raise DataError(f"{path} is damaged: {error}.", "Delete it and run again.") from None
    if not all(found.values()):
        raise DataError(f"{path} holds no reviews.", "Delete it and run again.")
    rows = {part: sorted(read) for part, read in found.items()}
    return {
        part: ([text for *_, text in read], np.array([label for _, label, _ in read], np.int64))
        for part, read in rows.items()
    }
