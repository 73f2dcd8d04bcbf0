"""Random shifts and flips of images and clips, from draws made per sample and epoch."""

from __future__ import annotations

import tensorflow as tf

from mobilenn.train.config import Augment


def draw(count: int, key: tf.Tensor, settings: Augment) -> tf.Tensor:
    """Draws an epoch's changes for every sample of the split.

    Args:
        count: samples in the split.
        key: (2,) int64, a function of seed and epoch.
        settings: how far to shift, whether to flip.

    Returns:
        (count, 3) int32: rows down, columns right, and 1 where the sample is mirrored.
    """
    reach, flips = settings.shift_pixels, 2 if settings.horizontal_flip else 1
    uniform = tf.random.stateless_uniform([count, 3], key, None, None, tf.int32, alg="philox")
    return tf.math.floormod(uniform, [2 * reach + 1, 2 * reach + 1, flips]) - [reach, reach, 0]


def augment(samples: tf.Tensor, draws: tf.Tensor, settings: Augment) -> tf.Tensor:
    """Shifts and mirrors images; tensors of another rank pass unchanged.

    Args:
        samples: (N, H, W, C) images or (N, T, H, W, C) clips, any dtype.
        draws: (N, 3) rows of `draw`.
        settings: what may change.

    Returns:
        The same shape and dtype; pixels shifted in from outside repeat the edge.
    """
    rank = samples.shape.rank
    if rank not in (4, 5):
        return samples
    height, width = samples.shape[rank - 3], samples.shape[rank - 2]
    if settings.shift_pixels:
        rows = tf.clip_by_value(tf.range(height) - draws[:, :1], 0, height - 1)
        samples = tf.gather(samples, rows, axis=rank - 3, batch_dims=1)
    columns = tf.clip_by_value(tf.range(width) - draws[:, 1:2], 0, width - 1)
    columns = tf.where(draws[:, 2:] == 1, width - 1 - columns, columns)
    return tf.gather(samples, columns, axis=rank - 2, batch_dims=1)
