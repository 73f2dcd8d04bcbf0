"""Which layers the techniques work on, and copies that leave the original alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras as keras

from mobilenn.core.errors import ConversionError

_KERNELS = (keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.Dense)
_RECURRENT = (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)


def kernel_layers(model: keras.Model, technique: str, recurrent: bool = False) -> list[str]:
    """Names of the layers whose kernels a technique can work on; the classifier's own is among them.

    Args:
        model: a plain model.
        technique: what the error calls it.
        recurrent: whether it can work on recurrent layers too.

    Raises:
        ConversionError: the model has none.
    """
    names = [layer.name for layer in model.layers if type(layer) in _KERNELS or (recurrent and _is_recurrent(layer))]
    if not names:
        kinds = f"Conv2D, Conv3D, Dense{', LSTM, GRU, SimpleRNN' if recurrent else ''}"
        raise ConversionError(f"{model.name} has no layer that {technique} works on ({kinds}).")
    return names


def _is_recurrent(layer: keras.layers.Layer) -> bool:
    if type(layer) is keras.layers.Bidirectional:
        return layer.merge_mode == "concat" and type(layer.forward_layer) in _RECURRENT
    return type(layer) in _RECURRENT


class BothWays(keras.layers.Layer):
    """What `Bidirectional` computes, of two layers that may stand in wrappers: tfmot refuses it whole."""

    def __init__(self, forward: keras.layers.Layer, backward: keras.layers.Layer, turned: bool, **options: Any) -> None:
        super().__init__(**options)
        self.forward, self.backward, self.turned = forward, backward, turned

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Runs (N, T, F) both ways."""
        forward, backward = (way(inputs, training=training) for way in (self.forward, self.backward))
        return tf.concat([forward, tf.reverse(backward, [1]) if self.turned else backward], axis=-1)


def wrapped(layer: keras.layers.Layer, wrap: Callable[[keras.layers.Layer], keras.layers.Layer]) -> keras.layers.Layer:
    """Puts a layer into tfmot's wrapper; a bidirectional one way by way.

    Args:
        layer: built; it trains inside what is returned, and keeps its weights there.
        wrap: makes the wrapper of a layer.
    """
    if type(layer) is not keras.layers.Bidirectional:
        return wrap(layer)
    turned = layer.backward_layer.return_sequences
    return BothWays(wrap(layer.forward_layer), wrap(layer.backward_layer), turned, name=layer.name)


def copy(model: keras.Model) -> keras.Model:
    """A model of the same structure with weights of its own."""
    made = keras.models.clone_model(model)
    made.set_weights(model.get_weights())
    return made


def with_weights_of(model: keras.Model, source: keras.Model) -> keras.Model:
    """A copy of `model` whose layers take their weights from the layers of the same name in `source`."""
    made = keras.models.clone_model(model)
    for layer in made.layers:
        layer.set_weights(source.get_layer(layer.name).get_weights())
    return made
