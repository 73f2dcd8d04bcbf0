"""From the rules that fire to a score for each item."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class BestRule(keras.layers.Layer):
    """Each item's score is the largest product of a rule's firing, 0 or 1, and what the rule gives the item.

    A maximum and not a sum: it returns a weight to the bit, so that equal confidences stay equal. The weight is
    `confidence`, (rules, items).

    Args:
        items: number of items.

    Shape:
        (N, rules) to (N, items), float32.
    """

    def __init__(self, items: int, **options: Any) -> None:
        super().__init__(**options)
        self.items = items

    def build(self, shape: tf.TensorShape) -> None:
        """Makes the weight."""
        self.confidence = self.add_weight("confidence", (shape[-1], self.items), initializer="random_uniform")
        super().build(shape)

    def call(self, fired: tf.Tensor) -> tf.Tensor:
        """Scores."""
        return tf.reduce_max(tf.expand_dims(fired, -1) * self.confidence, axis=-2)

    def get_config(self) -> dict[str, Any]:
        """The layer's settings as plain values."""
        return {**super().get_config(), "items": self.items}
