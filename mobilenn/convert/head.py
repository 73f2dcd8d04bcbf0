"""The dense layers at a network's end, told apart from what stands before them: what a file can train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tf_keras as keras

from mobilenn.core.errors import ConversionError
from mobilenn.layers.dropout import Dropout

HIDDEN = ("relu", "tanh", "sigmoid", "linear")  # activations whose derivative is written out
LOSSES: Mapping[str, Literal["cross_entropy", "squared_error"]] = {
    "softmax": "cross_entropy",
    "linear": "squared_error",
}  # by the activation of the output
RANK = 2  # of what a dense layer of a head reads: samples and values
_LAYERS = keras.layers
_PASSED = (Dropout, _LAYERS.Dropout)  # the identity outside Keras' own training


@dataclass(frozen=True, kw_only=True)
class DenseLayer:
    """A layer y = f(x Kᵀ + b).

    Args:
        name: of the Keras layer.
        activation: f, one of HIDDEN; of the last layer one of LOSSES.
        kernel: K, (out, in) float32: the order in which a .tflite stores it, so that it is stored once.
        bias: b, (out,) float32; None where the layer has none.
    """

    name: str
    activation: str
    kernel: np.ndarray
    bias: np.ndarray | None

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Kernel and bias by the names that signatures give them."""
        found = {f"{self.name}_kernel": self.kernel}
        return found if self.bias is None else {**found, f"{self.name}_bias": self.bias}


@dataclass(frozen=True, kw_only=True)
class Head:
    """Dense layers one after the other, up to the network's output.

    Args:
        source: the Keras tensor that the first of them reads, (B, width).
        layers: first to last.
        output: name of the network's output.
    """

    source: Any
    layers: tuple[DenseLayer, ...]
    output: str

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """All weights by name, first layer first."""
        return {name: value for layer in self.layers for name, value in layer.weights.items()}


def find_head(model: keras.Model, count: int = 0) -> Head:
    """Finds the trainable end of a network.

    Args:
        model: a functional network with one output.
        count: dense layers wanted, counted from the output; 0 for all there are.

    Raises:
        ConversionError: there are fewer; names the layer that is none, or whose gradient is not written out.
    """
    if len(model.outputs) != 1:
        named = ", ".join(model.output_names)
        raise ConversionError(
            f"{model.name} cannot be trained by its file: it has the outputs {named}.", "Allowed: one."
        )
    found: list[DenseLayer] = []
    source, after = None, "linear"  # what is done to the values that the layer gives
    layer: Any = model.get_layer(model.output_names[0])
    while len(layer.inbound_nodes) == 1 and (not count or len(found) < count):
        own = _activation(layer)
        if type(layer) is _LAYERS.Dense:
            activation = own if after == "linear" else after
            if "linear" not in (own, after) or not _known(activation, found) or len(layer.input_shape) != RANK:
                break
            found.insert(0, _dense(layer, activation))
            source, after = layer.input, "linear"
        elif own is not None and "linear" in (own, after):
            after = own if after == "linear" else after
        elif type(layer) not in _PASSED:
            break
        layer = layer.inbound_nodes[0].inbound_layers
    if not found or len(found) < count:
        raise _refused(model, layer, len(found), count)
    return Head(source=source, layers=tuple(found), output=model.output_names[0])


def head_model(head: Head, blank: bool = False) -> keras.Model:
    """The head as a Keras network of its own, which reads what the frozen part gives.

    Args:
        head: as `find_head` gave it.
        blank: whether the last layer starts from zeros.
    """
    model = keras.Sequential([_LAYERS.Input(head.source.shape[1:])])
    for layer in head.layers:
        new = _LAYERS.Dense(len(layer.kernel), activation=layer.activation, use_bias=layer.bias is not None)
        model.add(new)
        gain = 0.0 if blank and layer is head.layers[-1] else 1.0
        new.set_weights([gain * value.T for value in layer.weights.values()])
    return model


def _refused(model: keras.Model, layer: Any, found: int, count: int) -> ConversionError:
    kind = type(layer).__name__
    activation = _activation(layer)
    what = f"{kind}, {activation}" if activation else kind
    wanted = f"; {count} dense layers are asked for and {found} follow it" if count else ""
    message = (
        f"{model.name} cannot be trained by its file: no gradient of its layer '{layer.name}' ({what}) is written out"
    )
    allowed = f"Allowed: dense layers, {', '.join(HIDDEN)}, up to an output that is {' or '.join(LOSSES)}."
    return ConversionError(f"{message}{wanted}.", allowed)


def _known(activation: str | None, found: list[DenseLayer]) -> bool:
    return activation in (HIDDEN if found else LOSSES)


def _activation(layer: Any) -> str | None:
    """Name of what a layer puts its values through; None where it is no dense layer and no activation."""
    if type(layer) is _LAYERS.ReLU:
        plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
        return "relu" if plain else None
    if type(layer) is _LAYERS.Softmax:
        return "softmax"
    if type(layer) not in (_LAYERS.Dense, _LAYERS.Activation):
        return None
    return getattr(layer.activation, "__name__", type(layer.activation).__name__)


def _dense(layer: Any, activation: str) -> DenseLayer:
    kernel, *bias = (np.asarray(weight, np.float32) for weight in layer.get_weights())
    kernel = np.ascontiguousarray(kernel.T)
    return DenseLayer(name=layer.name, activation=activation, kernel=kernel, bias=bias[0] if bias else None)
