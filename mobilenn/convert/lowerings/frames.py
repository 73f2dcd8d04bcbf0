"""Windows over the frames of a clip, in operators of at most five dimensions."""

from __future__ import annotations

import tensorflow as tf


def fold(clip: tf.Tensor) -> tf.Tensor:
    """(N, T, H, W, C) → (N·T, H, W, C): the frames become the batch."""
    return tf.reshape(clip, (-1, *clip.shape[2:]))


def unfold(frames: tf.Tensor, count: int) -> tf.Tensor:
    """(N·count, H, W, C) → (N, count, H, W, C)."""
    return tf.reshape(frames, (-1, count, *frames.shape[1:]))


def window_count(length: int, size: int, step: int, spread: int = 1) -> int:
    """Number of windows of `size` frames, `spread` apart, that fit into `length` frames at every `step`."""
    return (length - (size - 1) * spread - 1) // step + 1


def windows(clip: tf.Tensor, size: int, step: int, spread: int = 1) -> list[tf.Tensor]:
    """The first, second, … frame of every window: `size` tensors (N, T', H, W, C)."""
    reach = (window_count(clip.shape[1], size, step, spread) - 1) * step + 1
    return [clip[:, j * spread : j * spread + reach : step] for j in range(size)]


def same_padding(length: int, size: int, step: int, spread: int = 1) -> tuple[int, int]:
    """Frames that «same» padding adds before and after, as TensorFlow counts them."""
    missing = max((-(-length // step) - 1) * step + (size - 1) * spread + 1 - length, 0)
    return missing // 2, missing - missing // 2


def zero_padded(clip: tf.Tensor, size: int, step: int, spread: int = 1) -> tf.Tensor:
    """Adds the black frames of «same» padding."""
    padding = same_padding(clip.shape[1], size, step, spread)
    return tf.pad(clip, ((0, 0), padding, (0, 0), (0, 0), (0, 0))) if any(padding) else clip


def edge_padded(clip: tf.Tensor, size: int, step: int) -> tf.Tensor:
    """Repeats the first and last frame where «same» padding adds frames.

    No maximum changes by that, since every window with an added frame holds the edge frame too,
    and no infinity enters the graph, which would ruin the range of an int8 tensor.
    """
    before, after = same_padding(clip.shape[1], size, step)
    parts = [clip[:, :1]] * before + [clip] + [clip[:, -1:]] * after
    return tf.concat(parts, axis=1) if len(parts) > 1 else clip
