"""How far a row of numbers lies from each of some points, by one product of matrices."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class SquaredDistances(keras.layers.Layer):
    """‖x − c‖² = ‖x‖² − 2 x·c + ‖c‖² for each centroid c; the weight is `centroids`, (points, F).

    Differences of large squares: far from 0, in float32, the last digits are lost, and what would come out below 0
    is 0. Columns that lie far from 0 should be centred first.

    Args:
        points: number of centroids.

    Shape:
        (N, F) to (N, points), float32, in squared units of the columns.
    """

    def __init__(self, points: int, **options: Any) -> None:
        super().__init__(**options)
        self.points = points

    def build(self, shape: tf.TensorShape) -> None:
        """Makes the centroids, around 0 until training places them."""
        self.centroids = self.add_weight("centroids", (self.points, shape[-1]), initializer="random_normal")
        super().build(shape)

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        """Measures."""
        own = tf.reduce_sum(rows * rows, axis=-1, keepdims=True)
        theirs = tf.reduce_sum(self.centroids * self.centroids, axis=-1)
        return tf.nn.relu(own + theirs - 2.0 * tf.matmul(rows, self.centroids, transpose_b=True))

    def get_config(self) -> dict[str, Any]:
        """The layer's settings as plain values."""
        return {**super().get_config(), "points": self.points}
