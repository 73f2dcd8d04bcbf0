"""A trained sequence network in the form in which it runs: one model a signature, with the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tf_keras as keras

from mobilenn import networks
from mobilenn.core.errors import ConversionError
from mobilenn.core.records import from_dict


def step_models(network: str, config: Mapping[str, Any], model: keras.Model) -> dict[str, keras.Model]:
    """Builds what a network's `steps` offers and gives it the weights of a trained model.

    Args:
        network: a name or a path, as `mobilenn.networks` takes it.
        config: the network's Config as plain values.
        model: the trained network.

    Returns:
        By signature: a functional model. Nothing where the network does not run in steps.

    Raises:
        ConversionError: a layer of the steps is not one of the model's, as after quantization-aware training.
    """
    module = networks.module(network)
    if not hasattr(module, "steps"):
        return {}
    trained = {layer.name: layer for layer in model.layers}
    made = module.steps(from_dict(module.Config, config, "[config]"))
    for part in made.values():
        for layer in part.layers:
            if not layer.weights:
                continue
            weights = trained[layer.name].get_weights() if layer.name in trained else []
            if [w.shape for w in weights] != [tuple(w.shape) for w in layer.weights]:
                message = f"The layer '{layer.name}' of {part.name} is not that of the trained {model.name}."
                raise ConversionError(message, "Allowed: float32, float16 and dynamic_int8 variants without QAT.")
            layer.set_weights(weights)
    return made
