"""Exact rewrites that make a network fast, or convertible at all, on a phone: one per file."""

from __future__ import annotations

from collections.abc import Callable

import tf_keras as keras

from mobilenn.convert.lowerings import conv3d, lrn, pool3d

# Each returns the layer to put in place of the one it is given, or None to leave it.
_LOWERINGS: tuple[Callable[[keras.layers.Layer], keras.layers.Layer | None], ...] = (
    lrn.lowered,
    conv3d.lowered,
    pool3d.lowered,
)


def lower(model: keras.Model) -> keras.Model:
    """Returns the same function with each layer in the form that runs best in a .tflite.

    The new model shares the weights of the old one; it is meant for inference and conversion.

    Args:
        model: a functional model, plain or quantization-aware.
    """
    folded = conv3d.foldable_norms(model)

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name in folded:
            return conv3d.fold(layer, folded)
        inner = getattr(layer, "layer", layer)  # tfmot wraps what it quantizes
        made = (lowering(inner) for lowering in _LOWERINGS)
        return next((new for new in made if new is not None), layer)

    return keras.models.clone_model(model, clone_function=clone)
