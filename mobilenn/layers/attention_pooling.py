"""Attention pooling: a sequence as the average of its rows, weighted by how much each matters."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras

from mobilenn.layers.scaled_dot_product import normalised


class AttentionPooling(keras.layers.Layer):
    """α = softmax(scores + mask), pooled = Σ_j α_j·h_j; it has no weights of its own.

    The scores come from dense layers before it: uᵀ·tanh(W·h_j + b) is the additive kernel with one learned
    query, whose projection is b; uᵀ·h_j the dot-product kernel with one.

    Shape:
        [values (N, T, d), scores (N, T, 1)], and a mask (N, T) where there is one; to
        [pooled (N, d), weights (N, T)].

    Reference:
        Yang et al., Hierarchical Attention Networks for Document Classification (NAACL 2016), equations 5 to 7.
    """

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Pools."""
        values, scores, *mask = inputs
        weights = normalised(tf.reshape(scores, (-1, scores.shape[1])), mask[0] if mask else None)
        return [weighted(values, weights), weights]


def weighted(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Σ_j weights_j · values_j: (N, T, d) and (N, T) to (N, d)."""
    row = tf.reshape(tf.cast(weights, values.dtype), (-1, 1, values.shape[1]), name="attention_row")
    return tf.reshape(tf.matmul(row, values, name="attention_pooled"), (-1, values.shape[2]))
