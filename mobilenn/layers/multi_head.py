"""The multi-head kernel of attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tf_keras as keras

from mobilenn.layers.scaled_dot_product import attend


class MultiHead(keras.layers.Layer):
    """Cuts projected queries, keys and values into heads, attends in each, and joins what they found.

    The four projections of the paper are dense layers around it, so that they can be pruned and
    quantized like any other; with them it is MultiHead(Q, K, V).

    Args:
        heads: how many; they share the width of queries, keys and values evenly.

    Shape:
        [query (N, Q, h·d), keys (N, T, h·d), values (N, T, h·v)], and a mask (N, T) where there is one;
        to [context (N, Q, h·v), weights (N, h, Q, T)].

    Reference:
        Vaswani et al., Attention Is All You Need (NIPS 2017), section 3.2.2.
    """

    def __init__(self, heads: int, **options: Any) -> None:
        super().__init__(**options)
        self.heads = heads

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Attends in every head."""
        query, keys, values, *mask = inputs
        cut = (self._cut(tensor) for tensor in (query, keys, values))
        context, weights = attend(*cut, tf.reshape(mask[0], (-1, 1, 1, keys.shape[1])) if mask else None)
        joined = tf.transpose(context, (0, 2, 1, 3))
        return [tf.reshape(joined, (-1, query.shape[1], values.shape[2]), name="attention_joined"), weights]

    def _cut(self, tensor: tf.Tensor) -> tf.Tensor:
        """(N, T, h·d) to (N, h, T, d)."""
        length, width = tensor.shape[1:]
        parts = tf.reshape(tensor, (-1, length, self.heads, width // self.heads))
        return tf.transpose(parts, (0, 2, 1, 3))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "heads": self.heads}
