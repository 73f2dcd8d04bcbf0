"""The class token of a transformer encoder: a trained row, put before a sequence to gather what it says."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras


class ClassToken(keras.layers.Layer):
    """Puts a trained row before each sequence.

    Shape:
        (N, T, d) to (N, 1 + T, d).

    Reference:
        Dosovitskiy et al., An Image is Worth 16x16 Words (ICLR 2021), equation 1.
    """

    def build(self, shape: tf.TensorShape) -> None:
        """Makes the row."""
        self.token = self.add_weight("token", (1, 1, shape[-1]), initializer="zeros")
        super().build(shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Puts it first."""
        token = tf.cast(self.token, inputs.dtype)
        return tf.concat([tf.tile(token, (tf.shape(inputs)[0], 1, 1)), inputs], axis=1)


class TokenWeights(keras.layers.Layer):
    """How much the class token attends to each other row, the mean over heads; sums to 1.

    Shape:
        weights (N, h, 1 + T, 1 + T) of self-attention to (N, T).
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Reads the first row, without what the token gives itself."""
        others = tf.reduce_mean(inputs[:, :, 0, 1:], axis=1)
        return others / tf.reduce_sum(others, axis=-1, keepdims=True)
