"""3-D convolution as 2-D convolution over stacked frames."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.lowerings.copies import Replacement, config_of, identity, only_successor, unwrapped
from mobilenn.convert.lowerings.frames import fold, unfold, window_count, windows, zero_padded


class StackedConv3D(keras.layers.Conv3D):
    """Conv3D in operators that have int8 kernels.

    Each output frame sees kt input frames: stacked along the channels, they make the same sum a
    2-D convolution with kt·C input channels, of the frames as a batch. CONV_3D exists in .tflite,
    but in float only, and no delegate takes it. Where a stride exceeds the kernel under «same»
    padding, TensorFlow's Conv3D on CPU may begin a pixel later than its rule says; this keeps the rule.

    Shape:
        (N, T, H, W, C) → (N, T', H', W', filters), float32.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolves (N, T, H, W, C)."""
        (time, height, width), (step, *steps), (spread, *spreads) = self.kernel_size, self.strides, self.dilation_rate
        same = self.padding == "same"
        frames = zero_padded(inputs, time, step, spread) if same else inputs
        count = window_count(frames.shape[1], time, step, spread)
        stacked = tf.concat(windows(frames, time, step, spread), axis=-1) if (time, step) != (1, 1) else frames
        # (time, height, width, C, filters) → (height, width, time·C, filters), in the order of the stack
        kernel = tf.transpose(self.kernel, (1, 2, 0, 3, 4))
        kernel = tf.reshape(kernel, (height, width, time * inputs.shape[-1], self.filters))
        made = tf.nn.conv2d(fold(stacked), kernel, steps, self.padding.upper(), dilations=spreads)
        if self.use_bias:
            made = tf.nn.bias_add(made, self.bias)
        return unfold(self.activation(made), count)


def rewrites(model: keras.Model) -> dict[str, Replacement]:
    """Replaces every Conv3D, except grouped or channels-first ones, and folds what follows it into it."""
    plan: dict[str, Replacement] = {}
    for name, layer in unwrapped(model):
        if type(layer) is keras.layers.Conv3D and layer.groups == 1 and layer.data_format == "channels_last":
            plan |= _with_successors(name, layer, model)
    return plan


def _with_successors(name: str, layer: keras.layers.Conv3D, model: keras.Model) -> dict[str, Replacement]:
    """The replacement of one convolution and of the batch normalisation and ReLU that it swallows.

    The converter would fold them into a 2-D convolution, but does not see through the reshape
    between the two.
    """
    config, weights, swallowed = {**config_of(layer), "use_bias": True}, _kernel_and_bias(layer), []
    follower = only_successor(layer, model) if layer.activation is keras.activations.linear else None
    if _is_channel_norm(follower):
        weights = _normalised(*weights, follower)
        swallowed.append(follower.name)
        follower = only_successor(follower, model)
    if follower is not None and _is_plain_relu(follower):
        config["activation"] = "relu"
        swallowed.append(follower.name)
    return {name: Replacement(StackedConv3D.from_config(config), weights)} | {s: identity(s) for s in swallowed}


def _kernel_and_bias(layer: keras.layers.Conv3D) -> list[np.ndarray]:
    weights = layer.get_weights()
    return weights if layer.use_bias else [*weights, np.zeros(layer.filters, np.float32)]


def _is_channel_norm(layer: keras.layers.Layer | None) -> bool:
    return type(layer) is keras.layers.BatchNormalization and list(layer.axis) == [4]


def _is_plain_relu(layer: keras.layers.Layer) -> bool:
    if type(layer) is keras.layers.ReLU:
        return layer.max_value is None and not layer.negative_slope and not layer.threshold
    return type(layer) is keras.layers.Activation and layer.activation is keras.activations.relu


def _normalised(kernel: np.ndarray, bias: np.ndarray, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    """Kernel and bias of a convolution with the batch normalisation of its output folded in."""
    scale = 1 / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    scale = scale * norm.gamma.numpy() if norm.scale else scale
    shift = norm.beta.numpy() if norm.center else 0.0
    return [kernel * scale, (bias - norm.moving_mean.numpy()) * scale + shift]
