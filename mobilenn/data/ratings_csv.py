"""Ratings of the user's own: a .csv with a user, an item and a rating a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mobilenn.core.errors import DataError, nearest
from mobilenn.data import Dataset
from mobilenn.data._csv import finite, read, shown
from mobilenn.data._files import file_fingerprint, raise_faults
from mobilenn.data._ratings import Shares, dataset

FEWEST = 20  # users: with fewer, no share says anything


@dataclass(frozen=True, kw_only=True)
class Settings(Shares):
    """Where the ratings are; the rest is that of all ratings.

    Args:
        path: the .csv: UTF-8, a header, then one rating a row; spaces around a cell do not count.
        user, item, rating: names of the columns; others are ignored.
        delimiter: between cells.
    """

    path: str
    user: str = "user"
    item: str = "item"
    rating: str = "rating"
    delimiter: str = ","


def fingerprint(settings: Settings) -> str:
    """Name, size and time of change of the file."""
    return file_fingerprint(Path(settings.path))


def load(settings: Settings, seed: int) -> Dataset:
    """Loads and checks the ratings; users and items are numbered by name.

    Raises:
        DataError: no such file or column; an empty cell, a rating that is no number, an item that a user rates
            twice, too few users who like several items; `faults` lists each.
    """
    path = Path(settings.path)
    header, rows = read(path, settings.delimiter)
    wanted = (settings.user, settings.item, settings.rating)
    for name in wanted:
        if name not in header:
            raise DataError(f"{path} has no column '{name}'.", nearest(name, header))
    ratings, faults = _parse(path.name, len(header), rows, [(name, header.index(name)) for name in wanted])
    raise_faults(path, faults)
    users, items = (sorted({pair[place] for pair in ratings}) for place in (0, 1))
    numbers = [{name: number for number, name in enumerate(names)} for names in (users, items)]
    liked = np.zeros((len(users), len(items)), bool)
    for (user, item), rating in ratings.items():
        liked[numbers[0][user], numbers[1][item]] = rating >= settings.liked
    several = int((liked.sum(1) > 1).sum())
    if several < FEWEST:
        found = f"{path.name}: {several} users like two items or more; {FEWEST} are needed"
        raise_faults(path, [f"{found} (a rating of {settings.liked:g} counts as liked: data.liked)"])
    described = f"{len(ratings):,} ratings of {path.name}: {len(items)} items, {len(users):,} users."
    return dataset(liked[liked.sum(1) > 1], items, settings, seed, described)


def _parse(
    name: str, width: int, rows: list[tuple[int, list[str]]], columns: list[tuple[str, int]]
) -> tuple[dict[tuple[str, str], float], list[str]]:
    """Ratings by user and item, and the faults of every row."""
    ratings: dict[tuple[str, str], float] = {}
    faults = []
    for line, row in rows:
        if len(row) != width:
            faults.append(f"{name}:{line}: {len(row)} cells; the header has {width}")
            continue
        user, item, rating = (row[place].strip() for _, place in columns)
        bad = [f"{column} is empty" for (column, _), cell in zip(columns, (user, item), strict=False) if not cell]
        if not finite(rating):
            bad.append(f"{columns[2][0]} is {shown(rating)}")
        elif (user, item) in ratings:
            bad.append(f"{shown(user)} rates {shown(item)} twice")
        faults += [f"{name}:{line}: {fault}" for fault in bad]
        if not bad:
            ratings[user, item] = float(rating)
    return ratings, faults
