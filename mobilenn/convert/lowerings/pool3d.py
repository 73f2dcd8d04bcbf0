"""3-D pooling as 2-D pooling and a maximum, or a mean, over frames.

Where a stride exceeds the window under «same» padding, TensorFlow's 3-D kernels on CPU may begin a
pixel later than their rule says; these forms keep the rule.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.lowerings.copies import Replacement, config_of, unwrapped
from mobilenn.convert.lowerings.frames import edge_padded, fold, same_padding, unfold, windows, zero_padded


class FramewiseMaxPooling3D(keras.layers.MaxPooling3D):
    """MaxPooling3D in builtin operators; a .tflite has none for it.

    Shape:
        (N, T, H, W, C) → (N, T', H', W', C), float32.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Pools (N, T, H, W, C): each frame first, which leaves fewer values for the maximum over frames."""
        (time, *size), (step, *steps) = self.pool_size, self.strides
        pooled = tf.nn.max_pool2d(fold(inputs), size, steps, self.padding.upper())
        clip = unfold(pooled, inputs.shape[1])
        if self.padding == "same":
            clip = edge_padded(clip, time, step)
        return functools.reduce(tf.maximum, windows(clip, time, step))


class FramewiseAveragePooling3D(keras.layers.AveragePooling3D):
    """AveragePooling3D in builtin operators; a .tflite has none for it.

    Shape:
        (N, T, H, W, C) → (N, T', H', W', C), float32.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Pools (N, T, H, W, C); «same» padding does not count as values, as in TensorFlow."""
        (time, *size), (step, *steps) = self.pool_size, self.strides
        pooled = tf.nn.avg_pool2d(fold(inputs), size, steps, self.padding.upper())
        clip = unfold(pooled, inputs.shape[1])
        if self.padding == "same":
            clip = zero_padded(clip, time, step)
        total = functools.reduce(tf.add, windows(clip, time, step))
        return total * (1 / _counts(inputs.shape[1], time, step, self.padding)) if time > 1 else total


def _counts(length: int, size: int, step: int, padding: str) -> np.ndarray:
    """Number of real frames in every window, shaped to divide (N, T', H, W, C)."""
    before, after = same_padding(length, size, step) if padding == "same" else (0, 0)
    real = np.pad(np.ones(length, np.float32), (before, after))
    starts = range(0, len(real) - size + 1, step)
    return np.array([real[start : start + size].sum() for start in starts], np.float32).reshape((1, -1, 1, 1, 1))


_FRAMEWISE = {
    keras.layers.MaxPooling3D: FramewiseMaxPooling3D,
    keras.layers.AveragePooling3D: FramewiseAveragePooling3D,
}


def rewrites(model: keras.Model) -> dict[str, Replacement]:
    """Replaces every MaxPooling3D and AveragePooling3D, except channels-first ones."""
    return {
        name: Replacement(_FRAMEWISE[type(layer)].from_config(config_of(layer)), [])
        for name, layer in unwrapped(model)
        if type(layer) in _FRAMEWISE and layer.data_format == "channels_last"
    }
