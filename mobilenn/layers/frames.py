"""Frames of a clip as a batch of images, so that plain 2-D layers see one at a time."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras as keras


class FramesToBatch(keras.layers.Layer):
    """(N, T, H, W, C) to (N·T, H, W, C).

    In place of Keras' TimeDistributed, whose inner layers neither pruning nor quantization-aware
    training can reach.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Joins clips and frames."""
        return tf.reshape(inputs, (-1, *inputs.shape[2:]))


class BatchToFrames(keras.layers.Layer):
    """(N·T, …) to (N, T, …).

    Args:
        frames: T.
    """

    def __init__(self, frames: int, **options: Any) -> None:
        super().__init__(**options)
        self.frames = frames

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Parts clips and frames again."""
        return tf.reshape(inputs, (-1, self.frames, *inputs.shape[1:]))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "frames": self.frames}
