"""The plain average of a sequence: what attention has to be better than."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras as keras

from mobilenn.layers.attention_pooling import weighted
from mobilenn.layers.scaled_dot_product import normalised


class MeanPooling(keras.layers.Layer):
    """Attention pooling whose scores are all equal: the mean of the rows that no mask hides.

    Shape:
        [values (N, T, d)], and a mask (N, T) where there is one; to [mean (N, d), weights (N, T)].
    """

    def call(self, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Averages."""
        values, *mask = inputs if isinstance(inputs, list | tuple) else [inputs]
        scores = mask[0] if mask else tf.zeros_like(values[..., 0])
        weights = normalised(scores, None)
        return [weighted(values, weights), weights]
