"""What the datasets of text share: which rows go where, and texts as arrays of token numbers.

A vocabulary is taken from training and validation together: the test split's numbers must not depend on the seed
that divides the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.core.vocabulary import PAD, SPECIAL, Vocabulary
from mobilenn.data import Dataset, Split
from mobilenn.data._tables import split_rows

MAX_LENGTH, MAX_VOCABULARY = 4096, 1_000_000

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How texts are handed out and cut.

    Args:
        kind: of the tokens.
        vocabulary: the most tokens, special ones included.
        length: tokens of an input row.
        target_length: tokens of a target row; 0 where there is none.
        shares: validation, test; of all groups of texts.
        seed: of the split into train and validation.
    """

    kind: Literal["word", "character"] = "word"
    vocabulary: int
    length: int
    target_length: int = 0
    shares: tuple[float, float]
    seed: int


def check_sizes(**sizes: int) -> None:
    """Raises RecipeError where a length or a size of a vocabulary, by its key in [data], is out of range."""
    for name, size in sizes.items():
        least, most = (len(SPECIAL) + 1, MAX_VOCABULARY) if name in ("vocabulary", "characters") else (2, MAX_LENGTH)
        if not least <= size <= most:
            raise RecipeError(f"[data] {name} is {size}.", f"Allowed: {least} to {most} tokens.")


def split_groups(keys: Sequence[str], cut: Cut, classes: np.ndarray | None = None) -> Rows:
    """Rows of train, validation and test; rows with one key stay together.

    Args:
        keys: one a row.
        cut: its shares and its seed; the test rows do not depend on the seed.
        classes: (N,) class indices, to keep each class in proportion; a group counts for its first row's.
    """
    first: dict[str, int] = {}
    numbers = np.array([first.setdefault(key, len(first)) for key in keys])
    starts = np.unique(numbers, return_index=True)[1]
    targets = np.zeros(len(starts), np.int64) if classes is None else classes[starts]
    parts = split_rows(targets, *cut.shares, cut.seed, stratify=classes is not None)
    return tuple(np.flatnonzero(np.isin(numbers, part)) for part in parts)


def vocabulary_of(rows: Rows, cut: Cut, *columns: Sequence[str]) -> Vocabulary:
    """The vocabulary of all texts but the test split's."""
    known = np.sort(np.concatenate(rows[:2]))
    return Vocabulary.fit((column[row] for column in columns for row in known), cut.kind, cut.vocabulary)


def apart(rows: Rows, encoded: np.ndarray) -> Rows:
    """Leaves out what cutting and unknown words have made equal to a row of a later split.

    Args:
        rows: of train, validation and test.
        encoded: (N, length), what is compared.
    """
    train, validation, test = ([(row, encoded[row].tobytes()) for row in part] for part in rows)
    seen = {content for _, content in test}
    kept = [pair for pair in validation if pair[1] not in seen]
    seen |= {content for _, content in kept}
    parts = ([row for row, content in train if content not in seen], [row for row, _ in kept], rows[2])
    return tuple(np.array(part, np.int64) for part in parts)


def classification(
    texts: Sequence[str], classes: np.ndarray, labels: tuple[str, ...], keys: Sequence[str], cut: Cut
) -> tuple[list[Split], Vocabulary]:
    """Texts with classes as three splits: `tokens` (N, length) int32, targets (N,) int64.

    Args:
        texts, classes: one a row.
        labels: class names.
        keys: rows with one key stay in one split.
        cut: lengths, sizes, shares, seed.
    """
    rows = split_groups(keys, cut, classes)
    vocabulary = vocabulary_of(rows, cut, texts)
    tokens = vocabulary.encode_all(texts, cut.length)
    classes = np.asarray(classes, np.int64)
    splits = [Split(inputs={"tokens": tokens[part]}, targets=classes[part]) for part in apart(rows, tokens)]
    return splits, vocabulary


def pairs(
    sources: Sequence[str], targets: Sequence[str], keys: Sequence[str], cut: Cut
) -> tuple[list[Split], Vocabulary]:
    """Pairs of texts as three splits: `source` (N, length), `target_in` and targets (N, target_length), int32."""
    rows = split_groups(keys, cut)
    vocabulary = vocabulary_of(rows, cut, sources, targets)
    source = vocabulary.encode_all(sources, cut.length)
    target_in, wanted = teacher_forced(vocabulary, targets, cut.target_length)
    return [
        Split(inputs={"source": source[part], "target_in": target_in[part]}, targets=wanted[part])
        for part in apart(rows, source)
    ], vocabulary


def teacher_forced(vocabulary: Vocabulary, texts: Sequence[str], length: int) -> tuple[np.ndarray, np.ndarray]:
    """What a decoder reads and what it has to say, (N, length) int32 each.

    The first starts with `<start>` and is the second, one place later; the second holds `<end>`, then padding.
    """
    wanted = vocabulary.encode_all(texts, length, end=True)
    shifted = vocabulary.encode_all(texts, length, start=True)
    return np.where(wanted == PAD, PAD, shifted).astype(np.int32), wanted


def dataset(splits: Sequence[Split], labels: tuple[str, ...], description: str, vocabulary: Vocabulary) -> Dataset:
    """Three splits as a Dataset; its lengths are the arrays' own."""
    lengths = {name: array.shape[1] for name, array in splits[0].inputs.items() if name != "target_in"}
    named = {"tokens": "length", "source": "source_length"}
    preprocessing = {named[name]: length for name, length in lengths.items()}
    if "target_in" in splits[0].inputs:
        preprocessing["target_length"] = splits[0].targets.shape[1]
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=labels,
        description=description,
        preprocessing={"vocabulary": vocabulary.to_dict(), **preprocessing},
    )
