"""The datasets, one per file, found by module name; each yields numpy."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from mobilenn.core.errors import DataError, MissingExtraError, RecipeError, nearest
from mobilenn.core.records import from_dict, to_dict


class ArrayLike(Protocol):
    """What a split's inputs may be: a numpy array, or one that decodes rows when they are asked for."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any) -> np.ndarray: ...


@dataclass(frozen=True, kw_only=True)
class Split:
    """One part of a dataset.

    Args:
        inputs: raw values by input name, (N, ...): images uint8 NHWC 0..255, clips uint8 NTHWC,
            tables float32 (N, F), baskets float32 (N, items) of 0 and 1,
            sound int16 (N, samples), frames float32 (N, T, F), tokens int32 (N, T).
        targets: class indices int64 (N,), values to predict float32 (N, d), or tokens int32 (N, T).
        context: what the task's judge needs beside them, such as the training baskets that rules come from.
    """

    inputs: Mapping[str, ArrayLike]
    targets: np.ndarray
    context: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Three splits and what a card says of them.

    Args:
        train, validation: what choices are made on.
        test: held out; looked at once per report.
        labels: class names; empty for regression.
        description: one sentence: what it is, how many, real or generated.
        preprocessing: what was done before the network's input, JSON-ready.
    """

    train: Split
    validation: Split
    test: Split
    labels: tuple[str, ...]
    description: str
    preprocessing: Mapping[str, Any]


def names() -> tuple[str, ...]:
    """The datasets that mobilenn can load, sorted; imports none of them."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_")))


def load(name: str, settings: Mapping[str, Any], seed: int) -> Dataset:
    """Loads a dataset.

    Args:
        name: a name of `names()`.
        settings: the recipe's [data] table without `name`.
        seed: of the split into train and validation; the test split never depends on it.

    Raises:
        RecipeError: an unknown name or key.
        DataError: the data are missing or faulty; `faults` lists where.
        MissingExtraError: the library that carries the data is not installed.
    """
    module, parsed = _module(name, settings)
    try:
        return module.load(parsed, seed)
    except ModuleNotFoundError as error:
        message = f"Dataset '{name}' needs {error.name}, which is not installed."
        raise MissingExtraError(message, "Type: pip install 'mobilenn[data]'") from None


def check(name: str, settings: Mapping[str, Any]) -> None:
    """Raises what is wrong with a dataset's settings as far as they themselves can tell.

    Raises:
        RecipeError: an unknown name or key, or a value out of range.
        DataError: what the dataset's own check of what it is made from finds.
    """
    module, parsed = _module(name, settings)
    own = getattr(module, "check", None)
    if own is not None:
        own(parsed)


def settings(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A dataset's settings as plain values, with those that are not given.

    Raises:
        RecipeError: an unknown name or key, or a value out of range.
    """
    return to_dict(_module(name, values)[1])


def fingerprint(name: str, settings: Mapping[str, Any]) -> str:
    """Identifies a dataset's content for the stage cache, without loading it.

    Raises:
        RecipeError: an unknown name or key.
        DataError: the user's own data are not there.
    """
    module, parsed = _module(name, settings)
    return module.fingerprint(parsed)


def _module(name: str, settings: Mapping[str, Any]) -> tuple[ModuleType, Any]:
    if name not in names():
        raise RecipeError(f"There is no dataset '{name}'.", nearest(name, names()))
    module = importlib.import_module(f"mobilenn.data.{name}")
    return module, from_dict(module.Settings, settings, "[data]")


def package_fingerprint(package: str) -> str:
    """Fingerprint of data that a library carries: its name and version."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        message = f"This dataset comes with {package}, which is not installed."
        raise MissingExtraError(message, "Type: pip install 'mobilenn[data]'") from None


def validate(dataset: Dataset) -> None:
    """Checks loaded splits before training.

    Raises:
        DataError: an empty split, NaN or infinity, a class index without a label, a class without
            training rows, or inputs whose shapes differ between splits; `faults` lists each.
    """
    faults: list[str] = []
    shapes = {name: array.shape[1:] for name, array in dataset.train.inputs.items()}
    for part in ("train", "validation", "test"):
        split = getattr(dataset, part)
        if len(split) == 0:
            faults.append(f"{part}: no rows")
            continue
        faults += [f"{part}: {fault}" for fault in _split_faults(split, shapes, dataset.labels)]
    if dataset.labels and not faults and "seeds" not in dataset.train.context:  # an action need not occur in episodes
        present = set(np.unique(dataset.train.targets).tolist())
        absent = [label for index, label in enumerate(dataset.labels) if index not in present]
        faults += [f"train: class '{label}' has no rows" for label in absent]
    if faults:
        raise DataError(f"The data cannot be trained on: {len(faults)} faults.", faults=faults)


def _split_faults(split: Split, shapes: Mapping[str, tuple[int, ...]], labels: tuple[str, ...]) -> list[str]:
    faults = []
    for name, array in split.inputs.items():
        if len(array) != len(split):
            faults.append(f"{name} has {len(array)} rows for {len(split)} targets")
        if array.shape[1:] != shapes.get(name):
            faults.append(f"{name} has shape {array.shape[1:]}, the training split's has {shapes.get(name)}")
        if isinstance(array, np.ndarray) and array.dtype.kind == "f":
            bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
            faults += [f"row {row}: {name} is not finite" for row in bad[:20]]
    if labels:
        bad = np.flatnonzero((split.targets < 0) | (split.targets >= len(labels)))
        faults += [f"row {row}: class {split.targets[row]} has no label" for row in bad[:20]]
    elif not np.isfinite(split.targets).all():
        rows = np.flatnonzero(~np.isfinite(split.targets.reshape(len(split), -1)).all(axis=1))
        faults += [f"row {row}: the target is not finite" for row in rows[:20]]
    return faults


def representative(split: Split, count: int, seed: int) -> list[dict[str, np.ndarray]]:
    """Draws calibration samples, class by class in turn, so that none is left out.

    Args:
        split: the training split.
        count: number of samples; at most the split's.
        seed: of the draw.

    Returns:
        One dictionary a sample: input name to (1, ...), float32 or, of tokens, int32.
    """
    order = np.random.default_rng([seed, 77]).permutation(len(split))
    if split.targets.ndim == 1:
        targets = split.targets[order]
        rank = np.zeros(len(order), np.int64)
        for label in np.unique(targets):
            rows = np.flatnonzero(targets == label)
            rank[rows] = np.arange(len(rows))
        order = order[np.lexsort((targets, rank))]
    picked = order[:count]
    inputs = {name: array[picked] for name, array in split.inputs.items()}
    inputs = {name: a if a.dtype == np.int32 else a.astype(np.float32) for name, a in inputs.items()}
    return [{name: array[i : i + 1] for name, array in inputs.items()} for i in range(len(picked))]


def golden(split: Split, count: int) -> dict[str, np.ndarray]:
    """Picks evenly spaced rows as the inputs of golden pairs: raw values by input name, (count, ...)."""
    rows = np.linspace(0, len(split) - 1, min(count, len(split))).round().astype(np.int64)
    return {name: array[rows] for name, array in split.inputs.items()}
