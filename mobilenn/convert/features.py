"""A classifier with a second output: what its last layer sees."""

from __future__ import annotations

import tf_keras as keras

from mobilenn.core.errors import RecipeError

LAST = "logits"


def with_features(model: keras.Model) -> keras.Model:
    """Returns the model with the output `features` beside its own: the input of its layer `logits`, flat.

    Raises:
        RecipeError: the model has no such layer, or it does not read a vector.
    """
    layer = next((layer for layer in model.layers if layer.name == LAST), None)
    if layer is None or len(layer.input.shape) != 2:
        message = f"The network {model.name} cannot judge: it has no dense layer '{LAST}' at its end."
        raise RecipeError(message, 'Such as: judge.network = "vgg".')
    features = keras.layers.Activation("linear", dtype="float32", name="features")(layer.input)
    return keras.Model(model.inputs, [*model.outputs, features], name=model.name)
