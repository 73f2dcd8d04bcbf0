"""Saying a word of the source, beside saying one of the vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras


class Copying(keras.layers.Layer):
    """Mixes two ways to say a token: p = g·p_vocabulary + (1 − g)·Σ of the attention on its places in the source.

    A sum over equal indices is what SCATTER_ND does, so the copy costs one small operator.

    Shape:
        [probabilities (N, T, V), attention (N, T, S), source (N, S) int32, gate g (N, T, 1)] to (N, T, V); each row
        sums to 1 where those that came in did.

    Reference:
        See, Liu and Manning, Get To The Point: Summarization with Pointer-Generator Networks (ACL 2017),
        equation 9, for words of the vocabulary.
    """

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Mixes."""
        said, attention, source, gate = inputs
        steps, size = said.shape[1:]
        count = said.shape[0] or tf.shape(said)[0]
        rows = tf.range(count * steps)[:, tf.newaxis]  # one row of probabilities a step
        words = tf.reshape(tf.repeat(source, steps, axis=0), (-1, source.shape[1])) if steps > 1 else source
        places = tf.reshape(rows * size + words, (-1, 1))
        weights = tf.reshape(attention * (1.0 - gate), (-1,))
        copied = tf.scatter_nd(places, weights, tf.reshape(count * steps * size, (1,)))
        return said * gate + tf.reshape(copied, (-1, steps, size))
