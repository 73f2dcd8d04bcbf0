"""Diabetes: a table that travels with scikit-learn."""

from __future__ import annotations

from mobilenn.data import Dataset, package_fingerprint
from mobilenn.data._tables import Settings, from_sklearn

__all__ = ["Settings", "fingerprint", "load"]


def fingerprint(settings: Settings) -> str:
    """Names the library that carries the table, and its version."""
    return package_fingerprint("scikit-learn")


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the table; `features` (N, F) float32."""
    from sklearn.datasets import load_diabetes

    return from_sklearn(
        load_diabetes,
        settings,
        seed,
        "442 patients, ten baseline measurements each, and the progression after a year; real.",
    )
