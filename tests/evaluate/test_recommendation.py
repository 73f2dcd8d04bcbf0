"""Recall, and what it is held against."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import data
from mobilenn.data import Split
from mobilenn.evaluate import baseline, evaluate
from mobilenn.evaluate.recommendation import recall


def test_recall_counts_the_first_places_only():
    scores = np.array([[0.1, 0.5, 0.4], [0.3, 0.3, 0.4]])
    assert recall(scores, np.array([2, 1]), 1) == 0.0
    assert recall(scores, np.array([2, 0]), 2) == 1.0  # of equal ones the smaller number first
    assert recall(scores, np.array([2, 1]), 2) == 0.5


def test_items_liked_before_are_not_recommended():
    liked = np.eye(12, dtype=np.float32)[:2]
    scores = np.tile(np.linspace(1, 0.1, 12), (2, 1))
    split = Split(inputs={"liked": liked}, targets=np.array([10, 11]))
    found = evaluate("recommendation", lambda _: {"probabilities": scores}, split, tuple("abcdefghijkl"))
    assert (found.metric, found.value, found.higher_is_better) == ("recall_at_10", 0.5, True)
    assert found.details == {"recall_at_1": 0.0, "recall_at_3": 0.0, "coverage": pytest.approx(11 / 12)}


def test_least_squares_recommends_better_than_popularity():
    ratings = data.load("ratings", {"users": 500}, 1)
    assert baseline("recommendation", "linear", ratings) > baseline("recommendation", "popularity", ratings)
