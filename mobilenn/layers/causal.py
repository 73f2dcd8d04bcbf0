"""Attention that sees no further than the place it stands at: over a whole text, or step by step over a cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.layers.multi_head import MultiHead
from mobilenn.layers.padding_mask import HIDDEN
from mobilenn.layers.scaled_dot_product import attend


class Causal(MultiHead):
    """Multi-head attention in which place t sees the places 0 to t.

    Shape:
        [query (N, T, d), keys (N, T, d), values (N, T, d)] to [context (N, T, d), weights (N, h, T, T)];
        with a place (N, 1) int32 behind them, the one query (N, 1, d) stands there.

    Reference:
        Vaswani et al., Attention Is All You Need (NIPS 2017), section 3.2.3.
    """

    def mask(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """0 where a query may look, −1e9 where not: (N or 1, 1, Q, T)."""
        query, keys, _, *place = inputs
        places = tf.range(keys.shape[1])
        here = place[0][:, tf.newaxis] if place else tf.range(query.shape[1])[tf.newaxis, :, tf.newaxis]
        beyond = tf.cast(tf.clip_by_value(places - here, 0, 1), tf.float32)
        return tf.multiply(beyond, HIDDEN, name="attention_beyond")[:, tf.newaxis]

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Attends in every head."""
        query, keys, values = inputs[:3]
        context, weights = attend(*(self._cut(tensor) for tensor in (query, keys, values)), self.mask(inputs))
        joined = tf.transpose(context, (0, 2, 1, 3))
        return [tf.reshape(joined, (-1, query.shape[1], values.shape[2]), name="attention_joined"), weights]


class Cache(keras.layers.Layer):
    """Writes one row of a cache that holds zeros there.

    Shape:
        [cache (N, T, d), row (N, 1, d), place (N, 1) int32] to (N, T, d); a place past the end changes nothing.
    """

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Adds the row at its place."""
        cache, row, place = inputs
        here = tf.one_hot(place, cache.shape[1], dtype=row.dtype)  # (N, 1, T)
        return cache + tf.reshape(here, (-1, cache.shape[1], 1)) * row


class Next(keras.layers.Layer):
    """The place after a place: (N, 1) int32 in and out."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Counts on."""
        return inputs + 1


class HeadMean(keras.layers.Layer):
    """The mean of the heads' weights: (N, h, T, S) to (N, T, S)."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Averages."""
        return tf.reduce_mean(inputs, axis=1)


class Places(keras.layers.Layer):
    """Scales token vectors by √d and adds the sines and cosines of their places.

    Args:
        length: the most places.

    Shape:
        (N, T, d), or [(N, 1, d), place (N, 1) int32], to the shape of the vectors; d even.

    Reference:
        Vaswani et al., Attention Is All You Need (NIPS 2017), sections 3.4 and 3.5.
    """

    def __init__(self, length: int, **options: Any) -> None:
        super().__init__(**options)
        self.length = length

    def call(self, inputs: Any) -> tf.Tensor:
        """Adds each place's wave."""
        vectors, place = inputs if isinstance(inputs, list | tuple) else (inputs, None)
        table = tf.constant(waves(self.length, vectors.shape[2]), vectors.dtype)
        added = table[tf.newaxis, : vectors.shape[1]] if place is None else tf.gather(table, place)
        return vectors * vectors.shape[2] ** 0.5 + added

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "length": self.length}


def waves(length: int, width: int) -> np.ndarray:
    """The sines, then the cosines, of places 0 to length − 1 at width / 2 wavelengths: (length, width) float64."""
    angles = np.arange(length)[:, None] / 10_000 ** (np.arange(width // 2) / (width // 2))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
