"""Inertia and agreement of partitions, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.cluster import KMeans

from mobilenn import data
from mobilenn.core.errors import RecipeError
from mobilenn.data import Split
from mobilenn.evaluate import baseline, evaluate
from mobilenn.evaluate.clustering import adjusted_rand_index, inertia


@given(st.integers(1, 6), st.integers(1, 6), st.integers(2, 40), st.integers(0, 99))
def test_agreement_is_scikit_learns(first, second, count, seed):
    generator = np.random.default_rng(seed)
    one, other = generator.integers(0, first, count), generator.integers(0, second, count)
    assert adjusted_rand_index(one, other) == pytest.approx(metrics.adjusted_rand_score(one, other))


def test_inertia_is_scikit_learns_where_its_centroids_are_the_means():
    rows = data.load("iris", {}, 1).train.inputs["features"].astype(np.float64)
    known = KMeans(3, n_init=3, random_state=0, tol=0).fit(rows)
    assert inertia(rows, known.labels_) == pytest.approx(known.inertia_)


def test_the_most_probable_cluster_counts():
    rows = np.array([[0.0], [2.0], [10.0], [14.0]], np.float32)
    split = Split(inputs={"features": rows}, targets=np.array([0, 0, 1, 1]))
    made = {"probabilities": np.eye(3)[[0, 0, 2, 2]], "distances": np.full((4, 3), 2.5)}
    found = evaluate("clustering", lambda _: made, split, ("near", "far", "nowhere"))
    assert (found.metric, found.value, found.higher_is_better) == ("inertia", 10.0, False)
    assert found.details == {"cluster_sizes": [2, 0, 2], "own_inertia": 10.0, "adjusted_rand_index": 1.0}
    assert "adjusted_rand_index" not in evaluate("clustering", lambda _: made, split, ()).details


def test_the_bar_is_one_per_cent_above_scikit_learns():
    table = data.load("iris", {}, 1)
    known = KMeans(3, n_init=10, random_state=0).fit(table.train.inputs["features"])
    rows = table.test.inputs["features"].astype(np.float64)
    bar = baseline("clustering", "within_1_percent_of_scikit_learn", table)
    assert bar == pytest.approx(1.01 * inertia(rows, known.predict(table.test.inputs["features"])))
    with pytest.raises(RecipeError, match="without labels"):
        baseline("clustering", "within_1_percent_of_scikit_learn", data.load("diabetes", {}, 1))
