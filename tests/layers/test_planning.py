"""Value iteration: with moves that lead where they should, values are powers of the discount."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn.environments._breadth_first import MOVES, distances
from mobilenn.environments.maze import draw
from mobilenn.layers.planning import AtPlace, Planning

LARGE = 50.0


def planning(iterations, discount=0.9):
    """A layer that knows where up, right, down and left lead."""
    layer = Planning(len(MOVES), iterations)
    layer.build([(None, 9, 9, 1), (None, 9, 9, 1)])
    moves = np.zeros((9, len(MOVES)), np.float32)
    for action, (down, right) in enumerate(MOVES):
        moves[(1 + down) * 3 + 1 + right, action] = LARGE
    layer.set_weights([moves, np.float32(np.log(discount / (1 - discount))), np.float32(1.0)])
    return layer


def grids(seed):
    """A maze, the steps to its goal, and what the layer reads: what cells are worth, which can be entered."""
    free = draw(5, 0.2, np.random.default_rng(seed))
    steps = distances(free, (4, 4))
    worth = np.zeros((1, 9, 9, 1), np.float32)
    worth[0, 4, 4] = 1
    return free, steps, worth, free.astype(np.float32)[None, ..., None]


@pytest.mark.parametrize("seed", range(5))
def test_values_are_powers_of_the_discount_by_the_steps_to_the_goal(seed):
    free, steps, worth, passable = grids(seed)
    found = planning(60)([worth, passable]).numpy()[0]
    for row, column in np.argwhere(free):
        for action, (down, right) in enumerate(MOVES):
            to = (row + down, column + right)
            inside = min(to) >= 0 and max(to) < 9 and free[to]
            expected = 0.9 ** (steps[to] + 1) if inside else 0.0
            assert found[row, column, action] == pytest.approx(expected, abs=1e-5)


def test_a_goal_is_seen_as_far_as_there_are_iterations():
    _, steps, worth, passable = grids(1)
    found = planning(7)([worth, passable]).numpy()[0].max(-1)
    assert (found[(steps > 0) & (steps <= 8)] > 0.3).all()
    assert (found[steps > 8] < 1e-6).all()


def test_no_value_grows_beyond_the_largest_reward_whatever_was_learned():
    keras.utils.set_random_seed(3)
    layer = Planning(4, 200)
    generator = np.random.default_rng(3)
    worth, passable = generator.random((2, 3, 9, 9, 1)).astype(np.float32)
    found = layer([worth, passable]).numpy()
    assert found.min() >= 0
    assert (found.max((1, 2, 3)) <= worth.max((1, 2, 3))).all()


def test_every_weight_is_learned_through_all_iterations():
    keras.utils.set_random_seed(3)
    layer = Planning(4, 40)
    _, _, worth, passable = grids(2)
    with tf.GradientTape() as tape:
        lost = tf.reduce_sum(layer([worth, passable])[:, 0, 0])
    for gradient in tape.gradient(lost, layer.trainable_weights):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0


def test_a_place_is_read_out_of_the_grid():
    generator = np.random.default_rng(5)
    grid = generator.random((2, 4, 5, 3)).astype(np.float32)
    observation = generator.random((2, 4, 5, 2)).astype(np.float32)
    observation[..., 1] = 0
    observation[0, 3, 1, 1] = observation[1, 0, 4, 1] = 1
    np.testing.assert_allclose(AtPlace(1)([grid, observation]), [grid[0, 3, 1], grid[1, 0, 4]])


def test_layers_come_back_from_their_settings():
    for layer in (Planning(4, 7), AtPlace(2)):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
