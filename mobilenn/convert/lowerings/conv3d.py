"""3-D convolution as 2-D convolution over the frames that its kernel spans."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf
import tf_keras as keras


class StackedFrames(keras.layers.Layer):
    """The same function as Conv3D, as a CONV_2D whose batch is the frames.

    A kernel of kt frames over C channels is a 2-D kernel over kt·C channels, once the kt frames
    that it spans are stacked channel-wise. CONV_3D is float-only in a .tflite and is not
    delegated; CONV_2D is both.

    Args:
        source: a Conv3D with dilation 1 and one group.
        norm: a BatchNormalization over its output, to be folded into kernel and bias.

    Shape:
        (1, T, H, W, C) to (1, T', H', W', C'), float32.
    """

    def __init__(self, source: keras.layers.Conv3D, norm: keras.layers.BatchNormalization | None = None) -> None:
        super().__init__(name=source.name)
        self.source, self.norm = source, norm

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolves (1, T, H, W, C)."""
        span, stride = self.source.kernel_size[0], self.source.strides[0]
        padding = self.source.padding.upper()
        frames = tf.reshape(inputs, inputs.shape[1:])
        count = frames.shape[0]
        if padding == "SAME":
            made = -(-count // stride)
            total = max((made - 1) * stride + span - count, 0)
            frames = tf.pad(frames, [[total // 2, total - total // 2], [0, 0], [0, 0], [0, 0]])
        else:
            made = (count - span) // stride + 1
        reach = (made - 1) * stride + 1
        stacked = tf.concat([frames[k : k + reach : stride] for k in range(span)], axis=-1)
        kernel, bias = self._folded()
        output = tf.nn.bias_add(tf.nn.conv2d(stacked, kernel, self.source.strides[1:], padding), bias)
        return tf.expand_dims(self.source.activation(output), 0)

    def _folded(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Kernel (kh, kw, kt·C, C') and bias (C'), with the batch normalisation inside."""
        source = self.source
        kernel = tf.transpose(source.kernel, [1, 2, 0, 3, 4])
        height, width, span, channels, filters = kernel.shape
        kernel = tf.reshape(kernel, [height, width, span * channels, filters])
        bias = source.bias if source.use_bias else tf.zeros([filters])
        if self.norm is None:
            return kernel, bias
        scale = tf.math.rsqrt(self.norm.moving_variance + self.norm.epsilon)
        scale = scale * self.norm.gamma if self.norm.scale else scale
        shift = self.norm.beta if self.norm.center else 0.0
        return kernel * scale, (bias - self.norm.moving_mean) * scale + shift


def lowered(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    """Returns the lowered form of a Conv3D; None for any other layer, or for one with dilation or groups."""
    if (
        not isinstance(layer, keras.layers.Conv3D)
        or layer.groups != 1
        or any(rate != 1 for rate in layer.dilation_rate)
    ):
        return None
    return StackedFrames(layer)


def foldable_norms(model: keras.Model) -> Mapping[str, keras.layers.Layer]:
    """Finds batch normalisations that can be folded into the linear Conv3D before them.

    Returns:
        By name of each such Conv3D its BatchNormalization, and by name of the latter the Conv3D.
    """
    found: dict[str, keras.layers.Layer] = {}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.BatchNormalization):
            continue
        before = layer.inbound_nodes[0].inbound_layers
        linear = isinstance(before, keras.layers.Conv3D) and before.activation is keras.activations.linear
        if linear and len(before.outbound_nodes) == 1 and lowered(before) is not None:
            found |= {before.name: layer, layer.name: before}
    return found


def fold(layer: keras.layers.Layer, folded: Mapping[str, keras.layers.Layer]) -> keras.layers.Layer:
    """Returns a Conv3D with its normalisation folded in, or the identity in the normalisation's place."""
    if isinstance(layer, keras.layers.Conv3D):
        return StackedFrames(layer, folded[layer.name])
    return keras.layers.Activation("linear", name=layer.name)
