"""Quantization-aware training of the dense parts of networks that tfmot refuses whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tensorflow_model_optimization.python.core.quantization.keras import quantize_wrapper, quantizers
from tensorflow_model_optimization.quantization.keras import QuantizeConfig

from mobilenn.compress._layers import copy
from mobilenn.core.errors import ConversionError
from mobilenn.layers.token_embedding import TokenEmbedding

_LAYERS = keras.layers
_PARTS = (_LAYERS.Conv2D, _LAYERS.Dense)
# What tfmot's quantization of a whole network has no word for, and what has several outputs.
_REFUSED = (_LAYERS.LayerNormalization, _LAYERS.Embedding, _LAYERS.RNN, _LAYERS.Bidirectional)


_TABLES = (_LAYERS.Embedding, TokenEmbedding)


def is_refused_whole(model: keras.Model) -> bool:
    """Whether a network has layers, such as attention and recurrence, that tfmot cannot quantize around."""
    return any(isinstance(layer, _REFUSED) or isinstance(layer.output, list) for layer in model.layers)


def dense_parts(model: keras.Model) -> list[str]:
    """Names of the layers that can be trained for int8.

    Raises:
        ConversionError: there are none.
    """
    names = [layer.name for layer in model.layers if type(layer) in _PARTS]
    if not names:
        message = f"{model.name} has no layer that quantization-aware training works on (Conv2D, Dense)."
        raise ConversionError(message)
    return names


def note(model: keras.Model) -> str:
    """One sentence on what is trained for int8, and what is not."""
    names = dense_parts(model)
    kernels = {layer.name: sum(w.shape.num_elements() for w in layer.weights) for layer in model.layers}
    share = sum(kernels[name] for name in names) / max(1, sum(kernels.values()))
    said = f"tfmot refuses {model.name} whole: its {len(names)} dense and convolution layers are trained for int8"
    gain = "; that is too little to expect a gain from" if share < 0.05 else ""
    return f"{said} ({share:.0%} of the parameters), the rest is calibrated{gain}."


def table_note(model: keras.Model, step: str) -> str:
    """One sentence where most of a network is tables of vectors, which `step` leaves alone; else empty."""
    counts = {layer: sum(w.shape.num_elements() for w in layer.weights) for layer in model.layers}
    share = sum(count for layer, count in counts.items() if isinstance(layer, _TABLES)) / max(1, sum(counts.values()))
    if share < 0.5:
        return ""
    doing = {"prune": "Pruning", "cluster": "Clustering"}[step]
    return f"{doing} leaves {model.name}'s table of vectors alone, {share:.0%} of its parameters: expect little gain."


def train_parts(model: keras.Model, done: Sequence[str], fit: Any) -> keras.Model:
    """Trains a network with int8's rounding in its dense layers and 2-D convolutions.

    Weights are rounded a channel at a time and the outputs of dense layers as a whole, as the int8 file has
    them. What comes back is a plain float network that has learned to bear it; mobilenn.quantize makes
    the int8 file, with the ranges of all other layers by calibration.

    Args:
        model: a trained model; it is not changed.
        done: the steps before; zeros of `prune` are kept, clusters cannot be.
        fit: takes the wrapped model and a list of callbacks, and trains it.

    Returns:
        A model of the same structure.

    Raises:
        ConversionError: no layer can be trained for int8, or clusters would be lost.

    Reference:
        Jacob et al., Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference (CVPR 2018), section 3.
    """
    if "cluster" in done:
        message = f"Quantization-aware training of the parts of {model.name} would lose its clusters."
        raise ConversionError(message, "Leave cluster or qat out of the variant.")
    names = dense_parts(model)
    masks = {name: model.get_layer(name).kernel.numpy() != 0 for name in names} if "prune" in done else {}

    def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name not in names:
            return layer
        return quantize_wrapper.QuantizeWrapperV2(layer, _Rounding(masks.get(layer.name)), name=layer.name)

    wrapped = keras.models.clone_model(copy(model), clone_function=wrap)
    fit(wrapped, [])
    made = keras.models.clone_model(model)
    for layer in made.layers:
        layer.set_weights(_plain(wrapped.get_layer(layer.name), layer, masks.get(layer.name)))
    return made


def _plain(trained: keras.layers.Layer, layer: keras.layers.Layer, mask: np.ndarray | None) -> list[np.ndarray]:
    """A trained layer's weights in the order of a plain one's, without what the wrapper has added."""
    if not isinstance(trained, quantize_wrapper.QuantizeWrapperV2):
        return trained.get_weights()
    known = {_short(weight): weight.numpy() for weight in trained.weights}
    if mask is not None:
        known["kernel"] = known["kernel"] * mask
    return [known[_short(weight)] for weight in layer.weights]


def _short(weight: Any) -> str:
    return weight.name.rsplit("/", 1)[-1].split(":")[0]


class _Rounding(QuantizeConfig):
    """A layer's kernel a channel at a time, and the outputs of a dense layer, in eight bits."""

    def __init__(self, mask: np.ndarray | None) -> None:
        self.kernel = _Kernel(mask)
        self.output = quantizers.MovingAverageQuantizer(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return [(layer.kernel, self.kernel)]

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[tf.Tensor]) -> None:
        layer.kernel = quantize_weights[0]

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Nothing to set: the activation is inside the output."""

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        # A convolution's range is that of its normalisation, which the file folds into it.
        return [self.output] if type(layer) is _LAYERS.Dense else []

    def get_config(self) -> dict[str, Any]:
        return {}


class _Kernel(quantizers.LastValueQuantizer):
    """Rounds a kernel, a channel at a time; what a mask hides is zero and stays so."""

    def __init__(self, mask: np.ndarray | None) -> None:
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)
        self.mask = mask

    def __call__(self, inputs: tf.Tensor, training: Any, weights: Any, **options: Any) -> tf.Tensor:
        seen = inputs if self.mask is None else inputs * tf.constant(self.mask, inputs.dtype)
        return super().__call__(seen, training, weights, **options)
