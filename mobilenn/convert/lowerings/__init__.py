"""Exact rewrites that make a network fast, or convertible at all, on a phone: one per file.

Each file has `rewrites(model)`: by layer name, what to put in that layer's place. Recurrent layers
have several forms, between which the pipeline chooses by timing them.
"""

from __future__ import annotations

from typing import Any

import tf_keras as keras

from mobilenn.convert.lowerings import conv3d, lrn, pool3d, recurrent
from mobilenn.convert.lowerings.copies import Replacement, copied, rewrapped, scope_of
from mobilenn.core.errors import ConversionError

_REWRITES = (lrn.rewrites, conv3d.rewrites, pool3d.rewrites)


def lower(model: keras.Model, form: str = "hoisted") -> keras.Model:
    """Returns a copy of a model with each layer in the form that runs best in a .tflite.

    The copy computes the same function in float32, whatever policy the model was built under, and
    is meant for inference. tfmot's wrappers of quantization-aware training stay around the layers
    that they quantize, rewritten or not.

    Args:
        model: a functional or sequential model, built, plain or quantization-aware; it stays as it is.
        form: of the recurrent layers, one of `recurrent.FORMS`.

    Returns:
        A model with the same inputs and outputs, in the same order, and weights of its own.

    Raises:
        ConversionError: the model has no layer graph, or a layer that cannot be made again from
            its config.
    """
    plan: dict[str, Replacement] = recurrent.rewrites(model, form)
    for rewrites in _REWRITES:
        plan |= rewrites(model)
    made: list[tuple[keras.layers.Layer, Any]] = []

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.Model):
            return lower(layer, form)
        planned = plan.get(layer.name)
        new, weights = rewrapped(planned, layer) if planned else Replacement(copied(layer), layer.get_weights())
        made.append((new, weights))
        return new

    try:
        with scope_of(model):
            lowered = keras.models.clone_model(model, clone_function=clone)
        for layer, weights in made:
            layer.set_weights(weights)
    except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:300]
        message = f"Model '{model.name}' cannot be copied layer by layer: {reason}"
        raise ConversionError(message, "Allowed: functional models of layers that have get_config.") from error
    return lowered
