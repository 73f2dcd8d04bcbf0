"""From the values of all actions to the best one that is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tf_keras as keras

FORBIDDEN = 1e9  # taken off the value of an action that is not allowed: more than any value


class BestAction(keras.layers.Layer):
    """The number of the largest value among the allowed actions, the first of equal ones.

    Args:
        masked: whether the observation comes as a second input and says what is allowed: a table by its last numbers,
            a grid by its last channel; see mobilenn.environments.Environment.

    Shape:
        [(N, actions)], or that and the observation (N, F) or (N, H, W, C), to (N,) int32.
    """

    def __init__(self, masked: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.masked = masked

    def call(self, seen: Sequence[tf.Tensor]) -> tf.Tensor:
        """Chooses."""
        values, *observation = seen if isinstance(seen, list | tuple) else [seen]
        if self.masked:
            values = values + FORBIDDEN * (allowed(observation[0], values.shape[-1]) - 1.0)
        return tf.argmax(values, axis=-1, output_type=tf.int32)

    def get_config(self) -> dict[str, Any]:
        """The layer's settings as plain values."""
        return {**super().get_config(), "masked": self.masked}


def allowed(observation: tf.Tensor, actions: int) -> tf.Tensor:
    """1 for each action that is allowed, 0 for the others: (…, actions) from a table (…, F) or a grid (…, H, W, C)."""
    if len(observation.shape) > 2:
        return tf.reshape(observation[..., -1], (-1, actions))
    return observation[:, -actions:]
