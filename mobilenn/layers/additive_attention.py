"""The additive kernel of attention."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras

from mobilenn.layers.scaled_dot_product import normalised


class AdditiveAttention(keras.layers.Layer):
    """e_ij = vᵀ·tanh(W·s_i + U·h_j), α_i = softmax(e_i + mask), c_i = Σ_j α_ij·h_j.

    W·s and U·h are dense layers before it, so that they can be pruned and quantized like any other;
    its own weight is v.

    Shape:
        [projected query W·s (N, Q, u), projected keys U·h (N, T, u), values h (N, T, d)], and a mask
        (N, T) where there is one; to [context (N, Q, d), weights (N, Q, T)].

    Reference:
        Bahdanau, Cho and Bengio, Neural Machine Translation by Jointly Learning to Align and Translate
        (ICLR 2015), equations 5 and 6 and appendix A.1.2.
    """

    def build(self, shapes: Sequence[tf.TensorShape]) -> None:
        """Makes v."""
        self.v = self.add_weight("v", (shapes[0][-1], 1), initializer="glorot_uniform")
        super().build(shapes)

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Attends."""
        query, keys, values, *mask = inputs
        rows, columns, units = query.shape[1], keys.shape[1], keys.shape[2]
        query = tf.reshape(query, (-1, rows, 1, units))
        summed = tf.tanh(tf.add(query, tf.reshape(keys, (-1, 1, columns, units)), name="attention_sum"))
        scores = tf.matmul(tf.reshape(summed, (-1, units)), tf.cast(self.v, summed.dtype), name="attention_scores")
        hidden = tf.reshape(mask[0], (-1, 1, columns)) if mask else None
        weights = normalised(tf.reshape(scores, (-1, rows, columns)), hidden)
        return [tf.matmul(tf.cast(weights, values.dtype), values, name="attention_context"), weights]
