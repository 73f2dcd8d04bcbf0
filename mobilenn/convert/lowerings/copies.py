"""Copies of layers, also of those that tfmot has wrapped, and what follows a layer in its graph."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tf_keras as keras


class Replacement(NamedTuple):
    """A new layer, not built yet, and the weights it gets once it is."""

    layer: keras.layers.Layer
    weights: list[np.ndarray]


def is_wrapper(layer: Any) -> bool:
    """Whether a layer is tfmot's QuantizeWrapper; told by its parts, so that tfmot need not be imported."""
    return isinstance(layer, keras.layers.Wrapper) and hasattr(layer, "quantize_config")


def unwrapped(model: keras.Model) -> Iterator[tuple[str, keras.layers.Layer]]:
    """Yields each layer's name in the model, and the layer, taken out of tfmot's wrapper where it has one."""
    for layer in model.layers:
        yield layer.name, layer.layer if is_wrapper(layer) else layer


def config_of(layer: keras.layers.Layer) -> dict[str, Any]:
    """A layer's config for a copy whose weights will be set.

    Mixed-precision policies, which do not convert, give way to float32, and random initial
    weights, which take seconds for a dense layer of 100 million, to zeros.
    """
    config = layer.get_config()
    if layer.dtype_policy.compute_dtype != layer.dtype_policy.variable_dtype:
        config["dtype"] = layer.dtype_policy.variable_dtype
    return {key: "zeros" if value and key.endswith("_initializer") else value for key, value in config.items()}


def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A new layer of the same kind, with weights yet to be set."""
    return type(layer).from_config(config_of(layer))


def rewrapped(replacement: Replacement, layer: keras.layers.Layer) -> Replacement:
    """Puts a replacement into the wrapper, if any, of the layer that it replaces, with what that has learned."""
    if not is_wrapper(layer):
        return replacement
    learned = layer.get_weights()[len(layer.layer.get_weights()) :]
    return Replacement(type(layer)(replacement.layer, layer.quantize_config), [*replacement.weights, *learned])


def identity(name: str) -> Replacement:
    """What takes the place of a layer that another one has swallowed."""
    return Replacement(keras.layers.Activation("linear", name=name), [])


def only_successor(layer: keras.layers.Layer, model: keras.Model) -> keras.layers.Layer | None:
    """The layer that alone reads a layer's output; None where there are more, or the output is the model's."""
    if len(layer.outbound_nodes) != 1 or len(layer.inbound_nodes) != 1 or layer.name in model.output_names:
        return None
    return layer.outbound_nodes[0].layer


def scope_of(model: keras.Model) -> Any:
    """A context in which every class that the model's wrapped layers mention can be found by name."""
    wrappers = [layer for layer in model.submodules if is_wrapper(layer)]
    if not wrappers:
        return contextlib.nullcontext()
    from tensorflow_model_optimization.quantization.keras import quantize_scope

    mentioned = [type(part) for w in wrappers for part in (w, w.layer, w.quantize_config)]
    return quantize_scope({kind.__name__: kind for kind in mentioned})
