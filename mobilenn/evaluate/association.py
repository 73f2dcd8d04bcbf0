"""Exact match: the share of baskets for which a network suggests what mlxtend's rules suggest."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.evaluate import Evaluation, Figure, Predict
from mobilenn.evaluate._rules import best_items, mine

FIGURES = {
    "exact_match": Figure(),
    "recall": Figure(),
    "popular_recall": Figure(),
    "fired": Figure(),
}


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `probabilities`, (N, items), by its suggestions: the `most` largest values above 0.

    They are held against all rules that mlxtend finds in the training baskets, applied one by one in plain Python.
    The details hold `rules`, their number; `recall`, the share of baskets whose held-out item is among the
    suggestions; `popular_recall`, what suggesting the most frequent items reaches; and `fired`, the share of
    baskets with a suggestion at all.

    Args:
        split: its `context` holds `baskets` (training baskets, (M, items) bool), `support`, `confidence`, `most`.
    """
    known = split.context
    baskets, most = np.asarray(split.inputs["basket"]) > 0, known["most"]
    suggested = [suggestions(row, most) for row in np.asarray(predict(split.inputs)["probabilities"])]
    rules = mine(known["baskets"], known["support"], known["confidence"])
    expected = [best_items(rules, np.flatnonzero(basket).tolist(), most) for basket in baskets]
    frequency = np.where(baskets, -1.0, known["baskets"].mean(0))
    popular = [suggestions(row, most) for row in frequency]
    details = {
        "rules": len(rules),
        "recall": _recall(suggested, split.targets),
        "popular_recall": _recall(popular, split.targets),
        "fired": float(np.mean([bool(items) for items in suggested])),
    }
    value = float(np.mean([one == other for one, other in zip(suggested, expected, strict=True)]))
    return Evaluation(metric="exact_match", value=value, higher_is_better=True, details=details)


def suggestions(scores: np.ndarray, most: int) -> list[int]:
    """The items with the largest scores above 0, (items,); of equal ones the smaller number first."""
    order = np.argsort(-scores, kind="stable")[:most]
    return [int(item) for item in order if scores[item] > 0]


def _recall(suggested: list[list[int]], held_out: np.ndarray) -> float:
    return float(np.mean([item in items for item, items in zip(held_out.tolist(), suggested, strict=True)]))
