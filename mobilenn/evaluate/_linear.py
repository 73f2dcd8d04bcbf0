"""The straight line through a table: what any network on it has to be better than."""

from __future__ import annotations

from typing import Any

import numpy as np


def foretold(dataset: Any, targets: np.ndarray) -> np.ndarray:
    """Least squares on the training split's standardised columns, applied to the test split.

    Args:
        dataset: with `train` and `test`; every input is taken, row by row.
        targets: of the training split, (N, d).

    Returns:
        (M, d) float64, a row for each of the test split.

    Reference:
        Gauss, Theoria combinationis observationum (1823).
    """
    known, asked = standardised(dataset)
    line, *_ = np.linalg.lstsq(_with_offset(known), np.asarray(targets, np.float64), rcond=None)
    return _with_offset(asked) @ line


def standardised(dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    """Columns of the training and the test split, less the former's mean and over its deviation; (N, F), (M, F)."""
    known, asked = _columns(dataset.train), _columns(dataset.test)
    mean, scale = known.mean(0), known.std(0)
    scale = np.where(scale > 0, scale, 1.0)  # a column that never changes says nothing
    return (known - mean) / scale, (asked - mean) / scale


def _columns(split: Any) -> np.ndarray:
    rows = np.arange(len(split.targets))
    return np.concatenate(
        [np.asarray(array[rows], np.float64).reshape(len(rows), -1) for _, array in sorted(split.inputs.items())], 1
    )


def _with_offset(columns: np.ndarray) -> np.ndarray:
    return np.concatenate([columns, np.ones((len(columns), 1))], 1)
