"""The scheme clustering: k-means against scikit-learn's, and its limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import KMeans

from mobilenn import data
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Split
from mobilenn.train.clustering import assigned, descend, plus_plus
from mobilenn.train.supervised import train

IRIS = {
    "network": "kmeans",
    "task": "clustering",
    "scheme": "clustering",
    "config": {"features": 4, "clusters": 3},
    "batch_size": 64,  # the default, which the scheme does not use
}


@pytest.fixture
def iris():
    return data.load("iris", {}, 1)


def test_from_the_same_start_it_ends_where_scikit_learn_ends(iris):
    rows = iris.train.inputs["features"].astype(np.float64)
    start = plus_plus(rows, 3, np.random.default_rng(2))
    known = KMeans(3, init=start, n_init=1, tol=0, max_iter=100).fit(rows)
    found = descend(rows, start, 100)
    np.testing.assert_allclose(found.centroids, known.cluster_centers_, rtol=1e-9)
    assert found.course[-1] * len(rows) == pytest.approx(known.inertia_)
    assert list(found.course) == sorted(found.course, reverse=True)


def test_a_centroid_without_rows_goes_to_the_farthest_row():
    rows = np.array([[0.0], [1.0], [2.0], [50.0]])
    found = descend(rows, np.array([[1.0], [900.0], [900.5]]), 20)
    assert found.course[-1] <= 0.25
    assert set(found.nearest) == {0, 1, 2}


def test_starts_are_rows_and_none_is_drawn_twice():
    rows = np.repeat(np.arange(5.0), 30)[:, None]
    for seed in range(10):
        assert sorted(plus_plus(rows, 5, np.random.default_rng(seed))[:, 0]) == [0, 1, 2, 3, 4]


def test_the_network_assigns_rows_and_clusters_bear_the_classes_numbers(request_for, iris):
    events = []
    result = train(request_for(epochs=100, starts=5, **IRIS), iris, events.append)
    rows = iris.train.inputs["features"]
    probabilities, distances = (made.numpy() for made in result.model(rows))
    nearest, squares = assigned(rows.astype(np.float64), result.model.get_layer("distances").centroids.numpy())
    np.testing.assert_array_equal(probabilities.argmax(1), nearest)
    np.testing.assert_allclose(distances.min(1), squares, atol=1e-4)
    assert (nearest == iris.train.targets).mean() > 0.8
    assert result.history["loss"][-1] == pytest.approx(squares.mean(), rel=1e-4)
    assert len(result.history["loss"]) == len(result.history["val_loss"])
    assert events[-1]["metrics"]["loss"] == result.history["loss"][-1]


def test_the_same_seed_gives_the_same_centroids(request_for, iris):
    one, other = (train(request_for(folder=f, **IRIS), iris).model.get_weights()[0] for f in "ab")
    np.testing.assert_array_equal(one, other)


def test_without_labels_any_number_will_do_and_the_largest_cluster_comes_first(request_for, iris):
    unlabelled = replace(
        iris,
        labels=(),
        **{
            part: replace(getattr(iris, part), targets=np.zeros((len(getattr(iris, part)), 1), np.float32))
            for part in ("train", "validation", "test")
        },
    )
    request = request_for(**{**IRIS, "config": {"features": 4, "clusters": 5}})
    found = train(request, unlabelled).model(iris.train.inputs["features"])[0].numpy().argmax(1)
    counts = np.bincount(found, minlength=5)
    assert list(counts) == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer = sgd has no place in the scheme clustering"),
        ({"config": {"features": 4, "clusters": 4}}, "4 outputs, and the data have 3 classes"),
        ({"network": "mlp", "config": {"input_shape": [4], "hidden": [4], "classes": 3}}, "cannot train mlp"),
        ({"scheme": "supervised"}, "no loss to descend"),
    ],
)
def test_what_does_not_fit_is_refused(request_for, iris, change, message):
    with pytest.raises(RecipeError, match=message):
        train(request_for(**{**IRIS, **change}), iris)


def test_fewer_different_rows_than_clusters_are_a_fault_of_the_data(request_for, iris):
    same = Split(inputs={"features": np.ones((9, 4), np.float32)}, targets=np.arange(9) % 3)
    with pytest.raises(DataError, match="fewer than 3 different rows"):
        train(request_for(**IRIS), replace(iris, train=same))
