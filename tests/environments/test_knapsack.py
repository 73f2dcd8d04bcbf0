"""The knapsack: what is packed fits, masks say so, and scores are shares of the optimum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn import environments
from mobilenn.core.errors import RecipeError
from mobilenn.environments._packing import best_value, bound, greedy_order, greedy_value
from mobilenn.environments.knapsack import SPREAD, VALUE_PER_WEIGHT, WEIGHTS, Settings, draw


@given(st.integers(0, 2**28), st.integers(2, 14), st.floats(0.01, 1.0))
def test_an_episode_packs_only_what_fits_until_nothing_does(seed, items, capacity):
    environment = environments.make("knapsack", {"items": items, "capacity": capacity})
    observation, done, total = environment.reset(seed), False, 0.0
    weights, values = environment.weights, environment.values
    fitting = [item for item in greedy_order(weights, values) if environment.legal()[item]]
    hoped = bound(weights[fitting], values[fitting], environment.capacity)
    generator = np.random.default_rng(seed)
    while not done:
        np.testing.assert_array_equal(observation[:, 0, -1], environment.legal())
        assert observation.min() >= 0
        assert observation.max() <= 1
        item = int(generator.choice(np.flatnonzero(environment.legal())))
        room = environment.room()
        step = environment.step(item)
        assert environment.room() == room - environment.weights[item] >= 0
        assert not environment.legal()[item]
        assert step.reward <= 1e-9
        observation, done, total = step.observation, step.done, total + step.reward
    assert not environment.legal().any()
    assert environment.score() == pytest.approx(total + hoped / environment.best)
    assert 0 < environment.score() <= environment.optimum() == 1


def test_the_guide_packs_what_the_rule_of_thumb_packs():
    environment = environments.make("knapsack")
    for seed in environments.seeds("test", 50):
        environment.reset(seed)
        while environment.legal().any():
            environment.step(environment.guide())
        weights, values, capacity = environment.weights, environment.values, environment.capacity
        greedy = greedy_value(weights, values, capacity) / best_value(weights, values, capacity)
        assert environment.score() == pytest.approx(greedy)


def test_values_are_weakly_correlated_with_weights_and_something_always_fits():
    generator = np.random.default_rng(3)
    for _ in range(200):
        weights, values, capacity = draw(Settings(items=5, capacity=0.05), generator)
        assert weights.min() >= WEIGHTS[0]
        assert weights.max() <= WEIGHTS[1]
        assert values.min() >= 1
        assert (abs(values - VALUE_PER_WEIGHT * weights) <= SPREAD).all()
        assert capacity >= weights.min()


def test_pictures_have_one_size_and_show_what_is_packed():
    environment = environments.make("knapsack")
    pictures = []
    for seed in environments.seeds("test", 5):
        environment.reset(seed)
        pictures.append(environment.frame())
        environment.step(environment.guide())
        pictures.append(environment.frame())
        assert (pictures[-1] != pictures[-2]).any()
    assert len({picture.shape for picture in pictures}) == 1


@pytest.mark.parametrize("changed", [{"items": 1}, {"capacity": 0.0}])
def test_a_setting_out_of_range_is_refused(changed):
    with pytest.raises(RecipeError, match=next(iter(changed))):
        environments.make("knapsack", changed)
