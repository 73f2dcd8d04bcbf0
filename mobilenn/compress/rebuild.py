"""A stored KerasModel back to a model: by our own code, never by what a file says."""

from __future__ import annotations

import tf_keras as keras

from mobilenn import networks
from mobilenn.compress.qat import apply_transform
from mobilenn.core import store
from mobilenn.core.artifacts import KerasModel
from mobilenn.networks._weights import load_weights


def rebuild(artifact: KerasModel) -> keras.Model:
    """Builds the network, replays its transforms, and sets its weights.

    Raises:
        ArtifactError: the weights are missing, damaged or of another network.
        RecipeError: the network or its config are unknown.
    """
    store.check_sha256(artifact.path, artifact.sha256)
    model = networks.make(artifact.network, artifact.config)
    for transform in artifact.transforms:
        model = apply_transform(model, transform)
    load_weights(model, artifact.path)
    return model
