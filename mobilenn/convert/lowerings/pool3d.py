"""3-D max pooling as 2-D max pooling and a maximum over frames."""

from __future__ import annotations

import tensorflow as tf
import tf_keras as keras


class PooledFrames(keras.layers.Layer):
    """The same function as MaxPooling3D, which does not convert to a .tflite.

    Space is pooled by MAX_POOL_2D with the frames as its batch; then each output frame is the
    maximum of the frames of its window.

    Args:
        source: a MaxPooling3D, channels last.

    Shape:
        (1, T, H, W, C) to (1, T', H', W', C), float32.
    """

    def __init__(self, source: keras.layers.MaxPooling3D) -> None:
        super().__init__(name=source.name)
        self.source = source

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Pools (1, T, H, W, C)."""
        span, stride = self.source.pool_size[0], self.source.strides[0]
        padding = self.source.padding.upper()
        frames = tf.reshape(inputs, inputs.shape[1:])
        frames = tf.nn.max_pool2d(frames, self.source.pool_size[1:], self.source.strides[1:], padding)
        made = frames_of(frames.shape[0], span, stride, padding)
        pooled = _take(frames, [rows[0] for rows in made])
        for k in range(1, span):
            pooled = tf.maximum(pooled, _take(frames, [rows[k] for rows in made]))
        return tf.expand_dims(pooled, 0)


def frames_of(count: int, span: int, stride: int, padding: str) -> list[list[int]]:
    """Frames of each output's window; those past an end repeat the end, which a maximum ignores."""
    if padding == "SAME":
        made = -(-count // stride)
        first = -(max((made - 1) * stride + span - count, 0) // 2)
    else:
        made, first = (count - span) // stride + 1, 0
    return [[min(max(first + o * stride + k, 0), count - 1) for k in range(span)] for o in range(made)]


def _take(frames: tf.Tensor, rows: list[int]) -> tf.Tensor:
    """Frames by index: a strided slice where the indices are regular, which every runtime has."""
    step = rows[1] - rows[0] if len(rows) > 1 else 1
    if rows == list(range(frames.shape[0])):
        return frames
    if step > 0 and rows == list(range(rows[0], rows[-1] + 1, step)):
        return frames[rows[0] : rows[-1] + 1 : step]
    return tf.gather(frames, rows)


def lowered(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    """Returns the lowered form of a MaxPooling3D; None for any other layer."""
    return PooledFrames(layer) if isinstance(layer, keras.layers.MaxPooling3D) else None
