"""Baskets of the user's own: a .csv with a basket a line, an item a cell."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.data import Dataset
from mobilenn.data._baskets import Mining, dataset
from mobilenn.data._files import file_fingerprint, raise_faults

FEWEST = 20  # baskets: with fewer, no share says anything


@dataclass(frozen=True, kw_only=True)
class Settings(Mining):
    """Where the baskets are, and what may be in them; the rest is that of all baskets.

    Args:
        path: the .csv: UTF-8, no header, a basket a line; spaces around an item's name do not count.
        items: names that may appear, so that a misspelt one is found; left out, any name may.
        delimiter: between cells.
    """

    path: str
    items: tuple[str, ...] = ()
    delimiter: str = ","


def fingerprint(settings: Settings) -> str:
    """Name, size and time of change of the file."""
    return file_fingerprint(Path(settings.path))


def load(settings: Settings, seed: int) -> Dataset:
    """Loads and checks the baskets; items are numbered by name.

    Raises:
        DataError: no such file; an empty line or cell, an item that stands twice in a basket or is not among
            `items`, fewer than twenty baskets or two items; `faults` lists each.
    """
    path = Path(settings.path)
    lines = _read(path, settings.delimiter)
    allowed = {item.strip() for item in settings.items}
    faults = [f"{path.name}:{line}: {fault}" for line, cells in lines for fault in _faults(cells, allowed)]
    names = sorted({cell for _, cells in lines for cell in cells if cell})
    if not faults and (len(lines) < FEWEST or len(names) < 2):
        faults = [f"{path.name}: {len(lines)} baskets of {len(names)} items; {FEWEST} and 2 are needed"]
    raise_faults(path, faults)
    number = {name: place for place, name in enumerate(names)}
    baskets = np.zeros((len(lines), len(names)), bool)
    for row, (_, cells) in enumerate(lines):
        baskets[row, [number[cell] for cell in cells]] = True
    described = f"{len(lines):,} baskets of {path.name}, {len(names)} different items."
    return dataset(baskets, names, settings, seed, described)


def _read(path: Path, delimiter: str) -> list[tuple[int, list[str]]]:
    """The cells of each line, with its number."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            return [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", "Set data.path.") from None
    except (UnicodeDecodeError, csv.Error, OSError, TypeError) as error:
        raise DataError(f"{path} is not a readable .csv: {error}.", "Allowed: UTF-8 text.") from None


def _faults(cells: list[str], allowed: set[str]) -> list[str]:
    """What is wrong with a basket."""
    if not any(cells):
        return ["the basket is empty"]
    found = ["an empty cell"] if "" in cells else []
    named = dict.fromkeys(cell for cell in cells if cell)
    found += [f"'{cell[:40]}' stands there {cells.count(cell)} times" for cell in named if cells.count(cell) > 1]
    return found + [f"'{cell[:40]}' is not among data.items" for cell in named if allowed and cell not in allowed]
