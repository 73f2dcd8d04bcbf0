"""Recall: how often an item that a user likes is among those that are recommended."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.evaluate import Evaluation, Figure, Predict
from mobilenn.evaluate._linear import foretold

FIGURES = {
    "recall_at_10": Figure(),
    "recall_at_1": Figure(),
    "recall_at_3": Figure(),
    "coverage": Figure(),
}
PLACES = 10


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `probabilities`, (N, items), by the share of users whose held-out item is among the ten largest.

    Items that the user is known to like are left out first. The details hold `recall_at_1`, `recall_at_3`; and
    `coverage`, the share of all items that are recommended to anyone.
    """
    scores = _unseen(predict(split.inputs)["probabilities"], split)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :PLACES]
    details = {
        "recall_at_1": recall(scores, split.targets, 1),
        "recall_at_3": recall(scores, split.targets, 3),
        "coverage": len(np.unique(order)) / scores.shape[1],
    }
    value = recall(scores, split.targets, PLACES)
    return Evaluation(metric="recall_at_10", value=value, higher_is_better=True, details=details)


def recall(scores: np.ndarray, held_out: np.ndarray, places: int) -> float:
    """Share of rows whose held-out item is among the `places` largest; (N, items) and (N,)."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :places]
    return float((order == np.asarray(held_out)[:, None]).any(1).mean())


def popularity(dataset: Any) -> float:
    """Recall at 10 of recommending what most training users like."""
    counts = np.bincount(dataset.train.targets, minlength=len(dataset.labels)).astype(np.float64)
    scores = np.tile(counts, (len(dataset.test.targets), 1))
    return recall(_unseen(scores, dataset.test), dataset.test.targets, PLACES)


def linear(dataset: Any) -> float:
    """Recall at 10 of least squares from the liked items to the one held out."""
    scores = foretold(dataset, np.eye(len(dataset.labels))[dataset.train.targets])
    return recall(_unseen(scores, dataset.test), dataset.test.targets, PLACES)


BASELINES = {"linear": linear, "popularity": popularity}


def _unseen(scores: np.ndarray, split: Any) -> np.ndarray:
    """Scores with those of liked items below all others."""
    return np.where(np.asarray(split.inputs["liked"]) > 0, -np.inf, np.asarray(scores, np.float64))
