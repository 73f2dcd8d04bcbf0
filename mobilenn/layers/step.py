"""The threshold of the first artificial neurons."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras


class Step(keras.layers.Layer):
    """1.0 where the input is at least 0, else 0.0, element by element; its gradient is zero.

    Reference:
        Rosenblatt, The Perceptron (Psychological Review 65, 1958).
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps float32 of any shape to 0.0 and 1.0."""
        return tf.cast(inputs >= 0.0, inputs.dtype)
