"""Tables of numbers: splitting, and the scikit-learn sets that need no more than a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, Split

TEST_SEED = 20_240  # the test split is drawn once and for all, whatever the recipe's seed


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How rows are handed out.

    Args:
        validation: share of all rows.
        test: share of all rows; which ones does not depend on the seed.
        fold: which share of that size is tested, from 0: a quarter gives four folds, which together test every row
            once. For tables so small that one split says little; see tools/folds.py.
    """

    validation: float = 0.15
    test: float = 0.25
    fold: int = 0

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        check_fold(self.fold, self.test)


def check_shares(validation: float, test: float) -> None:
    """Raises RecipeError where shares are out of range or leave nothing to train on."""
    if not 0 < validation < 1 or not 0 < test < 1 or validation + test > 0.9:
        message = f"[data] validation is {validation} and test is {test}."
        raise RecipeError(message, "Allowed: each above 0, together at most 0.9.")


def check_fold(fold: int, test: float) -> None:
    """Raises RecipeError where there are not as many test splits of that share."""
    last = folds(test) - 1
    if not 0 <= fold <= last:
        raise RecipeError(f"[data] fold is {fold} and test is {test}.", f"Allowed: 0 to {last}.")


def folds(test: float) -> int:
    """How many test splits of a share there are, none of which has a row of another."""
    return int(1 / test + 1e-9)


def split_rows(
    targets: np.ndarray, validation: float, test: float, seed: int, stratify: bool, fold: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of train, validation and test; each class in proportion where `stratify`.

    A class of two or three rows gives one to the training split first. The test splits of two folds share no row.
    """
    groups = (
        [np.flatnonzero(targets == label) for label in np.unique(targets)] if stratify else [np.arange(len(targets))]
    )
    parts: tuple[list, list, list] = ([], [], [])
    for number, rows in enumerate(groups):
        fixed = np.random.default_rng([TEST_SEED, number]).permutation(rows)
        held = min(max(1, round(test * len(rows))), max(0, len(rows) - 1))
        start, end = (round(fold * test * len(rows)), round((fold + 1) * test * len(rows))) if fold else (0, held)
        rest = np.random.default_rng([seed, number]).permutation(np.delete(fixed, np.s_[start:end]))
        checked = min(max(1, round(validation * len(rows))), max(0, len(rest) - 1))
        for part, chosen in zip(parts, (rest[checked:], rest[:checked], fixed[start:end]), strict=True):
            part.append(np.sort(chosen))
    return tuple(np.sort(np.concatenate(part)) for part in parts)


def dataset(
    features: np.ndarray,
    targets: np.ndarray,
    labels: tuple[str, ...],
    description: str,
    shares: tuple[float, float, int, int],
) -> Dataset:
    """Splits a table; `shares` are validation, test, fold, seed."""
    validation, test, fold, seed = shares
    rows = split_rows(targets, validation, test, seed, bool(labels), fold)
    features = np.asarray(features, np.float32)
    made = np.asarray(targets, np.int64) if labels else np.asarray(targets, np.float32).reshape(len(targets), -1)
    splits = [Split(inputs={"features": features[part]}, targets=made[part]) for part in rows]
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=labels,
        description=description,
        preprocessing={"columns": features.shape[1], "standardised": "inside the graph"},
    )


def from_sklearn(loader: Callable[[], Any], settings: Settings, seed: int, description: str) -> Dataset:
    """A scikit-learn toy set as a Dataset; its target names become the labels."""
    bunch = loader()
    labels = tuple(str(name) for name in getattr(bunch, "target_names", ()))
    shares = (settings.validation, settings.test, settings.fold, seed)
    return dataset(bunch.data, bunch.target, labels, description, shares)
