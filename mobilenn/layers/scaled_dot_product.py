"""The scaled dot-product kernel of attention."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras


class ScaledDotProduct(keras.layers.Layer):
    """Attention(Q, K, V) = softmax(Q·Kᵀ / √d + mask)·V; it has no weights of its own.

    Shape:
        [query (N, Q, d), keys (N, T, d), values (N, T, v)], and a mask (N, T) that is added to the
        scores where there is one; to [context (N, Q, v), weights (N, Q, T)]. A row of weights sums to 1.

    Reference:
        Vaswani et al., Attention Is All You Need (NIPS 2017), equation 1.
    """

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Attends."""
        query, keys, values, *mask = inputs
        return attend(query, keys, values, tf.reshape(mask[0], (-1, 1, keys.shape[1])) if mask else None)


def attend(query: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, mask: tf.Tensor | None) -> list[tf.Tensor]:
    """Equation 1 over the last two dimensions, which stand behind any number of others.

    The query is scaled, not the scores: that is d values a row in place of T.

    Args:
        query: (…, Q, d).
        keys: (…, T, d).
        values: (…, T, v).
        mask: added to the scores; of a shape that broadcasts to (…, Q, T).

    Returns:
        The context (…, Q, v) and the weights (…, Q, T).
    """
    scaled = tf.multiply(query, query.shape[-1] ** -0.5, name="attention_scaled")
    scores = tf.matmul(scaled, keys, transpose_b=True, name="attention_scores")
    weights = normalised(scores, mask)
    return [tf.matmul(tf.cast(weights, values.dtype), values, name="attention_context"), weights]


def normalised(scores: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """The weights of scores: masked, then through a softmax; float32 whatever the policy, as −1e9 is no float16."""
    scores = tf.cast(scores, tf.float32)
    if mask is not None:
        scores = tf.add(scores, tf.cast(mask, tf.float32), name="attention_masked")
    return tf.nn.softmax(scores, name="attention_weights")
