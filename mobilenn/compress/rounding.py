"""Fake quantization whose gradient repeats bit for bit on a GPU too, where TensorFlow's own refuses to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
from tensorflow_model_optimization.python.core.quantization.keras import quant_ops


@contextmanager
def repeatable_rounding() -> Iterator[None]:
    """Makes tfmot's quantizers round by `fake_quantized` in the block; a training step has to be traced inside.

    The gradient of TensorFlow's operator also sums up, in no fixed order, how the range should move. Where only
    operations that repeat are allowed, it is therefore refused on a GPU, and with it quantization-aware training.
    tfmot's ranges follow the extremes of what they saw, so that nobody needs the sums.
    """
    own = quant_ops._FakeQuantWithMinMaxVars
    quant_ops._FakeQuantWithMinMaxVars = fake_quantized
    try:
        yield
    finally:
        quant_ops._FakeQuantWithMinMaxVars = own


def fake_quantized(
    inputs: tf.Tensor, min_var: Any, max_var: Any, per_channel: bool, num_bits: int, narrow_range: bool
) -> tf.Tensor:
    """Rounds to the steps of a range; what is outside is clipped and passes no gradient on.

    The arguments are named as tfmot hands them over.

    Args:
        inputs: float32 of any shape.
        min_var: the range's lower end, float32: a scalar, or (C,) for the last axis where `per_channel`.
        max_var: its upper end, likewise.
        per_channel: whether each channel of the last axis has a range of its own.
        num_bits: of the steps, 2 to 16.
        narrow_range: whether the lowest step is left out, so that both signs have as many.

    Returns:
        float32 of the inputs' shape. No gradient flows to the range.

    Reference:
        Jacob et al. (CVPR 2018), equation 12 and section 3.1 (the range is moved so that zero is a step).
    """
    quantization = tf.quantization
    operator = (
        quantization.fake_quant_with_min_max_vars_per_channel
        if per_channel
        else quantization.fake_quant_with_min_max_vars
    )

    @tf.custom_gradient
    def rounded(values: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            inside = _inside(values, low, high, num_bits, narrow_range)
            return upstream * tf.cast(inside, upstream.dtype), tf.zeros_like(low), tf.zeros_like(high)

        return operator(values, low, high, num_bits=num_bits, narrow_range=narrow_range), gradient

    return rounded(inputs, tf.convert_to_tensor(min_var), tf.convert_to_tensor(max_var))


def _inside(values: tf.Tensor, low: tf.Tensor, high: tf.Tensor, num_bits: int, narrow_range: bool) -> tf.Tensor:
    """Which values the range holds once zero is one of its steps; an empty range holds all, as in TensorFlow."""
    first, last = float(narrow_range), float((1 << num_bits) - 1)
    scale = (high - low) / (last - first)
    zero = tf.clip_by_value(first - low / scale, first, last)
    below = tf.floor(zero)
    zero = below + tf.cast(zero - below >= 0.5, zero.dtype)  # halves go up; tf.round takes them to even numbers
    held = (values >= (first - zero) * scale) & (values <= (last - zero) * scale)
    return held | ((low == 0) & (high == 0))
