"""NDCG: how far up a list what is relevant stands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from mobilenn.evaluate import Evaluation, Figure, Predict
from mobilenn.evaluate._linear import foretold

FIGURES = {
    "ndcg_at_10": Figure(),
    "ndcg_at_1": Figure(),
    "ndcg_at_3": Figure(),
    "best_first": Figure(),
}
PLACES = 10


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `value`, (N, documents), by the mean NDCG of the first ten places.

    The details hold `ndcg_at_1` and `ndcg_at_3`, and `best_first`, the share of lists on whose first place a document
    of the list's highest grade stands.
    """
    scores, grades = np.asarray(predict(split.inputs)["value"], np.float64), np.asarray(split.targets, np.float64)
    first = np.take_along_axis(grades, scores.argmax(1)[:, None], 1)[:, 0]
    details = {
        "ndcg_at_1": ndcg(scores, grades, 1),
        "ndcg_at_3": ndcg(scores, grades, 3),
        "best_first": float((first == grades.max(1)).mean()),
    }
    value = ndcg(scores, grades, PLACES)
    return Evaluation(metric="ndcg_at_10", value=value, higher_is_better=True, details=details)


def ndcg(scores: np.ndarray, grades: np.ndarray, places: int) -> float:
    """Normalised discounted cumulative gain, averaged over the lists that hold anything relevant; 0 without any.

    Args:
        scores: (N, documents); of equal ones the earlier document stands first.
        grades: (N, documents), 0 and more.
        places: that count.

    Reference:
        Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques (2002); gains 2^grade − 1 as in
        Burges et al. (ICML 2005).
    """
    gains = 2.0**grades - 1
    discounts = 1 / np.log2(np.arange(min(places, grades.shape[1])) + 2)
    order = np.argsort(-scores, axis=1, kind="stable")[:, : len(discounts)]
    found = np.take_along_axis(gains, order, 1) @ discounts
    ideal = -np.sort(-gains, axis=1)[:, : len(discounts)] @ discounts
    counted = ideal > 0
    return float((found[counted] / ideal[counted]).mean()) if counted.any() else 0.0


def popularity(dataset: Any) -> float:
    """NDCG of sorting the test lists by the documents' popularity alone."""
    column = dataset.preprocessing["columns"].index("popularity")
    return ndcg(np.asarray(dataset.test.inputs["features"])[..., column], np.asarray(dataset.test.targets), PLACES)


def linear(dataset: Any) -> float:
    """NDCG of sorting the test lists by the grade that least squares foretells, document by document."""
    flat = SimpleNamespace(train=_documents(dataset.train), test=_documents(dataset.test))
    scores = foretold(flat, flat.train.targets[:, None])
    return ndcg(scores.reshape(dataset.test.targets.shape), np.asarray(dataset.test.targets), PLACES)


BASELINES = {"linear": linear, "popularity": popularity}


def _documents(split: Any) -> SimpleNamespace:
    """The documents of all lists as the rows of a table."""
    features = np.asarray(split.inputs["features"])
    rows = features.reshape(-1, features.shape[-1])
    return SimpleNamespace(inputs={"features": rows}, targets=np.asarray(split.targets).reshape(-1))
