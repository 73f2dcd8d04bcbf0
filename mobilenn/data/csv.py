"""A table of the user's own: a .csv with a target column, or without one to find clusters in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mobilenn.core.errors import DataError, RecipeError, nearest
from mobilenn.data import Dataset
from mobilenn.data._csv import finite, read, shown
from mobilenn.data._files import file_fingerprint, raise_faults
from mobilenn.data._tables import check_fold, check_shares, dataset


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the table is, and what to predict.

    Args:
        path: the .csv: UTF-8, a header, then one sample a row.
        target: name of the column to predict; `clustering` has none.
        features: names of the columns to predict from; left out, all others.
        task: `classification` (the target's different texts are the classes, sorted), `regression`, or `clustering`.
        delimiter: between cells.
        validation, test: shares of all rows.
        fold: which share of `test` is tested, from 0; see tools/folds.py.
    """

    path: str
    target: str = ""
    features: tuple[str, ...] = ()
    task: Literal["classification", "regression", "clustering"] = "classification"
    delimiter: str = ","
    validation: float = 0.15
    test: float = 0.25
    fold: int = 0

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        check_fold(self.fold, self.test)
        if (self.task == "clustering") == bool(self.target):
            what = f"names the target '{self.target}'" if self.target else "lacks the key 'target'"
            allowed = 'Allowed: a column to predict; or task = "clustering", and none.'
            raise RecipeError(f"[data] {what}; its task is {self.task}.", allowed)


def fingerprint(settings: Settings) -> str:
    """Name, size and time of change of the file."""
    return file_fingerprint(Path(settings.path))


def load(settings: Settings, seed: int) -> Dataset:
    """Loads and checks the table: `features` (N, F) float32.

    Raises:
        DataError: no such file or column; text or nothing in a number column, NaN, rows of another
            length, a class with fewer than three rows, one class only; `faults` lists each.
    """
    header, rows = read(Path(settings.path), settings.delimiter)
    columns = _columns(header, settings)
    features, targets, faults = _parse(header, rows, columns, settings)
    labels: tuple[str, ...] = ()
    if settings.task == "classification" and not faults:
        labels = tuple(sorted(set(targets)))
        faults = _class_faults(targets, labels, settings)
    raise_faults(settings.path, faults)
    numbers = np.array([labels.index(text) for text in targets] if labels else [float(text) for text in targets])
    aim = f"to predict '{settings.target}'" if settings.target else "to find clusters in"
    described = f"{len(rows):,} rows of {Path(settings.path).name}, {len(columns)} columns, {aim}."
    shares = (settings.validation, settings.test, settings.fold, seed)
    return dataset(np.array(features, np.float32), numbers, labels, described, shares)


def _columns(header: list[str], settings: Settings) -> list[str]:
    wanted = list(settings.features) or [name for name in header if name != settings.target]
    for name in filter(None, (settings.target, *wanted)):
        if name not in header:
            raise DataError(f"{settings.path} has no column '{name}'.", nearest(name, header))
    if settings.target in wanted or not wanted:
        raise DataError(f"'{settings.target}' cannot be predicted from {', '.join(wanted) or 'nothing'}.")
    return wanted


def _parse(
    header: list[str], rows: list[tuple[int, list[str]]], columns: list[str], settings: Settings
) -> tuple[list[list[float]], list[str], list[str]]:
    """Numbers, targets and faults of every row."""
    name = Path(settings.path).name
    places = [header.index(column) for column in columns]
    target = header.index(settings.target) if settings.target else None
    features, targets, faults = [], [], []
    for line, row in rows:
        if len(row) != len(header):
            faults.append(f"{name}:{line}: {len(row)} cells; the header has {len(header)}")
            continue
        cells = [(columns[i], row[place]) for i, place in enumerate(places)]
        if settings.task == "regression":
            cells.append((settings.target, row[target]))
        bad = [f"{name}:{line}: {column} is {shown(text)}" for column, text in cells if not finite(text)]
        if settings.task == "classification" and row[target].strip().lower() in ("", "nan"):
            bad.append(f"{name}:{line}: {settings.target} is {shown(row[target])}")
        faults += bad
        if not bad:
            features.append([float(row[place]) for place in places])
            targets.append("0" if target is None else row[target].strip())
    return features, targets, faults


def _class_faults(targets: list[str], labels: tuple[str, ...], settings: Settings) -> list[str]:
    name = Path(settings.path).name
    if len(labels) < 2:
        return [f"{name}: '{settings.target}' has one class only, {shown(labels[0])}; two are needed"]
    counts = {label: targets.count(label) for label in labels}
    few = [label for label, count in counts.items() if count < 3]
    if len(few) > len(labels) // 2 and len(labels) > 20:
        return [f"{name}: '{settings.target}' has {len(labels)} different values; add task = \"regression\"?"]
    return [f"{name}: class {shown(label)} has {counts[label]} rows; 3 are needed" for label in few]
