"""Auto MPG: fuel consumption of cars, a table that travels with mlxtend."""

from __future__ import annotations

from mobilenn.data import Dataset, package_fingerprint
from mobilenn.data._tables import Settings, dataset

__all__ = ["Settings", "fingerprint", "load"]


def fingerprint(settings: Settings) -> str:
    """Names the library that carries the table, and its version."""
    return package_fingerprint("mlxtend")


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the table: `features` (N, 7) float32, miles per gallon as the target."""
    from mlxtend.data import autompg_data

    features, targets = autompg_data()  # the last column is the name of the car, read as NaN
    description = "392 cars of 1970 to 1982, seven attributes each, and their miles per gallon; real."
    shares = (settings.validation, settings.test, settings.fold, seed)
    return dataset(features[:, :7], targets, (), description, shares)
