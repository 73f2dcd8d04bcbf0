"""The mask that hides padding from attention."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras

HIDDEN = -1e9  # finite: a text that is all padding gives equal weights, where −inf would give NaN


class PaddingMask(keras.layers.Layer):
    """What is added to attention's scores: 0 where there is a token, −1e9 where there is padding, token 0.

    In float32 any score that is added to −1e9 vanishes in its rounding: hidden places that stand beside
    seen ones get the weight 0, and where all are hidden, all get the same.

    Shape:
        (N, T) int32 tokens to (N, T) float32.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Marks padding."""
        tokens = tf.cast(inputs, tf.float32)  # first of all: delegates take what follows, and no comparison
        padding = tf.nn.relu(tf.subtract(1.0, tokens, name="attention_empty"), name="attention_empty")
        return tf.multiply(padding, HIDDEN, name="attention_padding")
