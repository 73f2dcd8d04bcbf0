"""NDCG against scikit-learn's, and what it is held against."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from mobilenn import data
from mobilenn.data import Split
from mobilenn.evaluate import baseline, evaluate
from mobilenn.evaluate.ranking import ndcg


@given(st.integers(2, 12), st.integers(1, 15), st.integers(0, 99))
def test_ndcg_is_scikit_learns(documents, places, seed):
    generator = np.random.default_rng(seed)
    grades = generator.integers(0, 5, (6, documents))
    grades[:, 0] = 1  # something is relevant
    scores = generator.permuted(np.tile(np.arange(documents), (6, 1)), axis=1)
    assert ndcg(scores, grades, places) == pytest.approx(ndcg_score(2**grades - 1, scores, k=places))


def test_lists_without_anything_relevant_do_not_count():
    grades = np.array([[0, 0, 0], [0, 1, 0]])
    assert ndcg(np.array([[3, 2, 1], [1, 2, 3]]), grades, 10) == pytest.approx(1 / np.log2(3))
    assert ndcg(np.zeros((2, 3)), np.zeros((2, 3)), 10) == 0.0


def test_a_network_that_sorts_by_grade_is_perfect():
    grades = np.array([[0.0, 2, 1], [4, 0, 4]])
    split = Split(inputs={"features": np.zeros((2, 3, 1))}, targets=grades)
    found = evaluate("ranking", lambda _: {"value": grades * 3 - 7}, split, ())
    assert (found.metric, found.value, found.higher_is_better) == ("ndcg_at_10", 1.0, True)
    assert found.details == {"ndcg_at_1": 1.0, "ndcg_at_3": 1.0, "best_first": 1.0}


def test_least_squares_sorts_better_than_popularity():
    queries = data.load("queries", {"queries": 200}, 1)
    assert baseline("ranking", "linear", queries) > baseline("ranking", "popularity", queries) + 0.2
