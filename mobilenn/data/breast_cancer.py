"""Breast cancer: a table that travels with scikit-learn."""

from __future__ import annotations

from mobilenn.data import Dataset, package_fingerprint
from mobilenn.data._tables import Settings, from_sklearn

__all__ = ["Settings", "fingerprint", "load"]


def fingerprint(settings: Settings) -> str:
    """Names the library that carries the table, and its version."""
    return package_fingerprint("scikit-learn")


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the table; `features` (N, F) float32."""
    from sklearn.datasets import load_breast_cancer

    return from_sklearn(
        load_breast_cancer,
        settings,
        seed,
        "569 tumours, benign or malignant, thirty measurements of cell nuclei each; real.",
    )
