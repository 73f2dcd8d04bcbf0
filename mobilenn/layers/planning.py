"""Value iteration over a grid, with rewards, obstacles and moves that are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tf_keras as keras

_NEIGHBOURS = 9  # a cell and those around it


class Planning(keras.layers.Layer):
    """v ← p · max(r, max_a γ · P_a ∗ v), from v = r, a number of times; then γ · P_a ∗ v for each action a.

    r, what a cell is worth, and p, how well it can be entered, are inputs. P_a, where an action leads, is a
    distribution over a cell and its eight neighbours, the same everywhere; it and γ are learned, as is the unit of the
    rewards. Since P_a sums to 1 and γ and p stay below 1, no value grows beyond the largest reward, however often it
    is passed on: the gradients stay tame, and so do the ranges of an int8 file.

    Args:
        actions: number of actions.
        iterations: how many cells far a reward is seen.

    Shape:
        [rewards (N, H, W, 1), passable (N, H, W, 1)] to (N, H, W, actions).

    Reference:
        Tamar et al., Value iteration networks (NIPS 2016), section 4.1. Departs from it: there the kernels are
        unconstrained and obstacles only show in the rewards; here a goal ends the way, so that its reward is not
        collected again and again.
    """

    def __init__(self, actions: int, iterations: int, **options: Any) -> None:
        super().__init__(**options)
        self.actions, self.iterations = actions, iterations

    def build(self, shapes: Sequence[tf.TensorShape]) -> None:
        """Makes the moves, which lead anywhere to begin with, and a discount of 0.95."""
        anywhere = keras.initializers.RandomNormal(stddev=1.0)  # enough to tell the actions apart
        self.moves = self.add_weight("moves", (_NEIGHBOURS, self.actions), initializer=anywhere)
        self.discount = self.add_weight("discount", (), initializer=keras.initializers.Constant(3.0))
        self.unit = self.add_weight("unit", (), initializer="ones")
        super().build(shapes)

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Plans."""
        rewards, passable = inputs
        rewards = rewards * self.unit
        kernel = tf.sigmoid(self.discount) * tf.nn.softmax(self.moves, axis=0)
        kernel = tf.reshape(kernel, (3, 3, 1, self.actions))
        values = rewards
        for _ in range(self.iterations):
            best = tf.reduce_max(tf.nn.conv2d(values, kernel, 1, "SAME"), axis=-1, keepdims=True)
            values = passable * tf.maximum(rewards, best)
        return tf.nn.conv2d(values, kernel, 1, "SAME")

    def get_config(self) -> dict[str, Any]:
        """The layer's settings as plain values."""
        return {**super().get_config(), "actions": self.actions, "iterations": self.iterations}


class AtPlace(keras.layers.Layer):
    """What stands in a grid at one place: the sum over all cells of the grid times a plane that is 1 there, else 0.

    Args:
        plane: its number among the observation's.

    Shape:
        [grid (N, H, W, C), observation (N, H, W, planes)] to (N, C).
    """

    def __init__(self, plane: int, **options: Any) -> None:
        super().__init__(**options)
        self.plane = plane

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Reads."""
        grid, observation = inputs
        return tf.reduce_sum(grid * observation[..., self.plane : self.plane + 1], axis=(1, 2))

    def get_config(self) -> dict[str, Any]:
        """The layer's settings as plain values."""
        return {**super().get_config(), "plane": self.plane}
