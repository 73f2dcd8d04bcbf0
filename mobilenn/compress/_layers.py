"""Which layers the techniques work on, and copies that leave the original alone."""

from __future__ import annotations

import tf_keras as keras

from mobilenn.core.errors import ConversionError

_KERNELS = (keras.layers.Conv2D, keras.layers.Conv3D, keras.layers.Dense)


def kernel_layers(model: keras.Model, technique: str) -> list[str]:
    """Names of the layers whose kernels a technique can work on; the classifier's own is among them.

    Raises:
        ConversionError: the model has none.
    """
    names = [layer.name for layer in model.layers if type(layer) in _KERNELS]
    if not names:
        raise ConversionError(f"{model.name} has no layer that {technique} works on (Conv2D, Conv3D, Dense).")
    return names


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
