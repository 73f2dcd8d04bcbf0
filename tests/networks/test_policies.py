"""Policies that are built for what they choose among: items in any order, grids of any size."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import environments
from mobilenn.core.errors import RecipeError
from mobilenn.networks import item_policy, planner


def test_another_order_of_the_items_gives_the_values_in_that_order():
    keras.utils.set_random_seed(2)
    model = item_policy.build(item_policy.TINY)
    generator = np.random.default_rng(2)
    observation = generator.random((4, 5, 1, 3)).astype(np.float32)
    observation[..., -1] = 1
    order = generator.permutation(5)
    values, action = (made.numpy() for made in model(observation))
    moved, chosen = (made.numpy() for made in model(observation[:, order]))
    np.testing.assert_allclose(moved, values[:, order], atol=1e-5)
    np.testing.assert_array_equal(order[chosen], action)


def test_an_item_that_is_not_allowed_is_not_chosen():
    keras.utils.set_random_seed(2)
    model = item_policy.build(item_policy.Config())
    environment = environments.make("knapsack")
    for seed in environments.seeds("train", 10):
        observation, done = environment.reset(seed), False
        while not done:
            action = int(model(observation[None])[1].numpy()[0])
            assert environment.legal()[action]
            step = environment.step(action)
            observation, done = step.observation, step.done


def test_what_a_planner_learned_on_small_grids_works_on_large_ones():
    small = planner.build(planner.Config(observation_shape=(5, 5, 3), iterations=10))
    large = planner.build(planner.Config(observation_shape=(13, 13, 3), iterations=90))
    assert [w.shape for w in small.weights] == [w.shape for w in large.weights]
    small.get_layer("rewards").set_weights([np.float32([[[[-9], [0], [18]]]]), np.float32([-9])])
    small.get_layer("passable").set_weights([np.float32([[[[18], [0], [0]]]]), np.float32([-9])])
    moves = np.zeros((9, 4), np.float32)
    moves[[1, 5, 7, 3], range(4)] = 50
    small.get_layer("planning").set_weights([moves, np.float32(3.0), np.float32(1.0)])
    large.set_weights(small.get_weights())
    environment = environments.make("maze", {"cells": 7, "max_steps": 90})
    for seed in environments.seeds("train", 5):
        observation, done = environment.reset(seed), False
        shortest = environment.shortest()
        for _ in range(shortest):
            step = environment.step(int(large(observation[None])[1].numpy()[0]))
            observation, done = step.observation, step.done
        assert done
        assert environment.score() == 1


OUT_OF_RANGE = ({"agent": 3}, {"iterations": 0}, {"actions": 10}, {"observation_shape": (9, 1, 3)})


@pytest.mark.parametrize("changed", OUT_OF_RANGE)
def test_a_planner_that_cannot_be_is_refused(changed):
    with pytest.raises(RecipeError, match=next(iter(changed))):
        planner.Config(**changed)


@pytest.mark.parametrize("changed", [{"items": 1}, {"features": 1}, {"heads": 5}])
def test_an_item_policy_that_cannot_be_is_refused(changed):
    with pytest.raises(RecipeError, match=next(iter(changed))):
        item_policy.Config(**changed)
