"""Local response normalisation as a 1×1 convolution and a few element-wise operators."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.layers.lrn import LocalResponseNormalization


class LoweredLRN(keras.layers.Layer):
    """The same function as LocalResponseNormalization, from operators that delegates accelerate.

    The sum over neighbouring channels is a 1×1 convolution with a band matrix that holds α, and
    s^−β for β = 0.75 is r·√r with r = 1/√s. The stock operator is scalar code with a power in it.

    Args:
        source: the layer to replace.

    Shape:
        (N, H, W, C) in and out, float32.
    """

    def __init__(self, source: LocalResponseNormalization) -> None:
        super().__init__(name=source.name)
        self.n, self.k, self.alpha, self.beta = source.n, source.k, source.alpha, source.beta

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Normalises (N, H, W, C)."""
        kernel = tf.constant(band(inputs.shape[-1], self.n, self.alpha))
        scale = tf.nn.bias_add(tf.nn.conv2d(inputs * inputs, kernel, 1, "VALID"), tf.fill([inputs.shape[-1]], self.k))
        if self.beta == 0.75:
            root = tf.math.rsqrt(scale)
            return inputs * (root * tf.sqrt(root))
        if self.beta == 0.5:
            return inputs * tf.math.rsqrt(scale)
        return inputs * tf.pow(scale, -self.beta)


def band(channels: int, n: int, alpha: float) -> np.ndarray:
    """The 1×1 kernel (1, 1, C, C) float32 that sums n neighbouring channels, times α."""
    distance = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels)))
    return np.where(distance <= n // 2, alpha, 0.0).astype(np.float32)[None, None]


def lowered(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    """Returns the lowered form of a LocalResponseNormalization; None for any other layer."""
    return LoweredLRN(layer) if isinstance(layer, LocalResponseNormalization) else None
