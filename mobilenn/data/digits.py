"""Digits: 8×8 pictures as a table of sixty-four columns, which travels with scikit-learn."""

from __future__ import annotations

from mobilenn.data import Dataset, package_fingerprint
from mobilenn.data._tables import Settings, from_sklearn

__all__ = ["Settings", "fingerprint", "load"]


def fingerprint(settings: Settings) -> str:
    """Names the library that carries the table, and its version."""
    return package_fingerprint("scikit-learn")


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the table; `features` (N, 64) float32, 0 to 16."""
    from sklearn.datasets import load_digits

    described = "1,797 handwritten digits, the ink in each of 8×8 places, 0 to 16; real."
    return from_sklearn(load_digits, settings, seed, described)
