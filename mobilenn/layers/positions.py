"""A trained vector for each place of a sequence, without which attention would not know one order from another."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras


class Positions(keras.layers.Layer):
    """Adds a trained vector to each row of a sequence.

    Shape:
        (N, T, d) in and out.

    Reference:
        Gehring et al., Convolutional Sequence to Sequence Learning (ICML 2017), section 3.1; Dosovitskiy
        et al., An Image is Worth 16x16 Words (ICLR 2021), equation 1, with its deviation of 0.02.
    """

    def build(self, shape: tf.TensorShape) -> None:
        """Makes the table."""
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.table = self.add_weight("table", tuple(shape[1:]), initializer=initializer)
        super().build(shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Adds the table."""
        return inputs + tf.cast(self.table, inputs.dtype)
