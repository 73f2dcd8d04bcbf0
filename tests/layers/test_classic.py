"""Distances and the surest rule, against their formulas."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.layers.best_rule import BestRule
from mobilenn.layers.squared_distances import SquaredDistances


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 99))
def test_distances_are_squared_differences(features, points, seed):
    generator = np.random.default_rng(seed)
    rows, centroids = generator.normal(size=(7, features)), generator.normal(size=(points, features))
    layer = SquaredDistances(points)
    layer.build((None, features))
    layer.set_weights([centroids.astype(np.float32)])
    expected = ((rows[:, None] - centroids) ** 2).sum(-1)
    np.testing.assert_allclose(layer(rows.astype(np.float32)), expected, atol=1e-5)
    assert SquaredDistances.from_config(layer.get_config()).points == points


def test_a_row_on_a_centroid_is_no_less_than_nothing_away():
    layer = SquaredDistances(1)
    layer.build((None, 3))
    row = np.array([[1234.567, -0.1, 77.7]], np.float32)
    layer.set_weights([row])
    assert layer(row).numpy() >= 0


def test_the_surest_of_the_rules_that_fire_comes_through_to_the_bit():
    layer = BestRule(2)
    layer.build((None, 3))
    layer.set_weights([np.array([[0.3, 0], [0.7, 0.1], [0.9, 0.2]], np.float32)])
    found = layer(np.array([[1, 1, 0], [0, 0, 0]], np.float32)).numpy()
    np.testing.assert_array_equal(found, np.array([[0.7, 0.1], [0, 0]], np.float32))
    assert BestRule.from_config(layer.get_config()).items == 2
