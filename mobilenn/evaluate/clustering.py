"""Inertia: how closely the rows of a cluster lie together."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.evaluate import Evaluation, Figure, Predict

FIGURES = {
    "inertia": Figure(higher_is_better=False),
    "own_inertia": Figure(higher_is_better=False),
    "adjusted_rand_index": Figure(where="the data have labels"),
}
ROOM = 1.01  # how much of scikit-learn's inertia a network may have
STARTS = 10


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `probabilities`, (N, clusters): each row belongs to its most probable cluster.

    The inertia is the sum of squared distances of the split's rows to the mean of their cluster's rows: it depends
    on who stands with whom alone, not on what the file itself says of distances. The details hold
    `adjusted_rand_index` against the labels, where there are some (1 is the same partition, 0 what chance would give),
    `cluster_sizes`, and `own_inertia`, the sum of the `distances` that the file gives.

    Reference:
        Hubert and Arabie, Comparing partitions (1985), equation 5.
    """
    found = predict(split.inputs)
    nearest = np.asarray(found["probabilities"]).argmax(-1)
    distances = np.asarray(found["distances"], np.float64)
    details: dict[str, Any] = {
        "cluster_sizes": np.bincount(nearest, minlength=distances.shape[-1]).tolist(),
        "own_inertia": float(distances[np.arange(len(nearest)), nearest].sum()),
    }
    if labels:
        details["adjusted_rand_index"] = adjusted_rand_index(np.asarray(split.targets), nearest)
    value = inertia(_rows(split), nearest)
    return Evaluation(metric="inertia", value=value, higher_is_better=False, details=details)


def inertia(rows: np.ndarray, clusters: np.ndarray) -> float:
    """Sum of squared distances to the means of clusters; (N, F) and (N,)."""
    parts = (rows[clusters == number] for number in np.unique(clusters))
    return float(sum(((part - part.mean(0)) ** 2).sum() for part in parts))


def adjusted_rand_index(one: np.ndarray, other: np.ndarray) -> float:
    """How far two partitions of the same rows agree, beyond chance: at most 1; both (N,)."""
    first, second = (np.unique(part, return_inverse=True)[1] for part in (one, other))
    shared = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(shared, (first, second), 1)
    together, apart, across = (_pairs(counts) for counts in (shared, shared.sum(1), shared.sum(0)))
    chance = apart * across / max(_pairs(np.array([len(one)])), 1.0)
    most = (apart + across) / 2
    return 1.0 if most == chance else float((together - chance) / (most - chance))


def within_1_percent_of_scikit_learn(dataset: Any) -> float:
    """1.01 times the test split's inertia under scikit-learn's KMeans, fitted to the training split."""
    from sklearn.cluster import KMeans

    if not dataset.labels:
        raise RecipeError("The number of clusters is not known from data without labels.", "Leave the baseline out.")
    known = KMeans(len(dataset.labels), n_init=STARTS, random_state=0).fit(_rows(dataset.train))
    rows = _rows(dataset.test)
    return ROOM * inertia(rows, known.predict(rows))


BASELINES = {"within_1_percent_of_scikit_learn": within_1_percent_of_scikit_learn}


def _rows(split: Any) -> np.ndarray:
    return np.asarray(split.inputs["features"][np.arange(len(split.targets))], np.float64)


def _pairs(counts: np.ndarray) -> float:
    return float((counts * (counts - 1) / 2).sum())
