"""What sets of ratings share: who likes what, splitting by users, and one liked item held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobilenn.data import Dataset, Split
from mobilenn.data._tables import TEST_SEED, check_shares, split_rows


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How users are handed out; the settings of each set of ratings start from these.

    Args:
        liked: the least rating at which a user likes an item.
        validation, test: shares of all users, so that users are judged whom training has not seen.
    """

    liked: float = 4.0
    validation: float = 0.15
    test: float = 0.25

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)


def dataset(liked: np.ndarray, items: Sequence[str], settings: Shares, seed: int, description: str) -> Dataset:
    """Splits users and holds liked items out.

    Args:
        liked: who likes what, (users, items) bool.
        items: their names.
        settings: the shares.
        seed: of the split into train and validation, and of what is held out there.
        description: one sentence.

    Returns:
        `liked` (N, items) float32 of 0 and 1 without the item held out, which is the target. Training has a row for
        each item that a user likes, validation and test one a user. Users who like fewer than two items are left
        out, and so are items that no other user in training likes.
    """
    parts = split_rows(np.arange(len(liked)), settings.validation, settings.test, seed, stratify=False)
    known = liked[parts[0]]
    kept = np.flatnonzero(known[known.sum(1) > 1].any(0))
    train, watched, tested = (_several(liked[rows][:, kept]) for rows in parts)
    users, held_out = np.nonzero(train)
    splits = [_split(train[users], held_out)]
    for number, (part, source) in enumerate(((watched, seed), (tested, TEST_SEED)), 1):
        noise = np.random.default_rng([source, number]).random(part.shape)
        splits.append(_split(part, np.where(part, noise, -1.0).argmax(1)))
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=tuple(items[number] for number in kept),
        description=description,
        preprocessing={"liked": f"1 for each item with a rating of {settings.liked:g} or more, else 0"},
    )


def _several(liked: np.ndarray) -> np.ndarray:
    """The users who like two items or more."""
    return liked[liked.sum(1) > 1]


def _split(liked: np.ndarray, held_out: np.ndarray) -> Split:
    given = liked.astype(np.float32)
    given[np.arange(len(given)), held_out] = 0.0
    return Split(inputs={"liked": given}, targets=held_out.astype(np.int64))
