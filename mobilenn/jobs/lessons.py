"""A golden lesson: a few steps on the golden inputs: of descent, as Keras takes them, or Lloyd's, as numpy does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mobilenn.core.errors import ConversionError
from mobilenn.core.recipe import Trainable
from mobilenn.runtime.training import steady_rate

STEPS, MOMENTUM = 5, 0.5
TRIES, SHRINK = 10, 4.0  # of the learning rate, until the loss falls


def lesson(model: Any, settings: Trainable, inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Teaches Keras' network something else on its golden inputs, all of them in each step.

    Args:
        model: the network; it stays as it is.
        settings: how many of its dense layers are trained.
        inputs: raw golden inputs by name, (K, …).

    Returns:
        JSON-ready: `targets` (K class indices in turn, or what the network says and one more), `learning_rate`,
        `momentum`, and `losses`, each before its step. Of a network with centroids, `losses` alone: the mean
        squared distances before each of Lloyd's iterations.

    Raises:
        ConversionError: the network has no trainable end, or no rate lowers its loss.
    """
    import tf_keras as keras

    from mobilenn.convert.head import find_head, head_model
    from mobilenn.convert.lloyd import centroid_layer

    layer = centroid_layer(model)
    if layer is not None:
        return {"losses": _lloyd(_found(model, layer.input, inputs), layer.get_weights()[0])}
    head = find_head(model, settings.layers)
    found = _found(model, head.source, inputs)
    pupil = head_model(head)
    if head.layers[-1].activation == "softmax":
        targets, kind = np.arange(len(found)) % len(head.layers[-1].kernel), "sparse_categorical_crossentropy"
    else:
        targets, kind = np.asarray(pupil(found)) + 1, "mse"
    rate, weights = steady_rate(found), pupil.get_weights()
    for _ in range(TRIES):
        pupil.set_weights(weights)
        pupil.compile(keras.optimizers.SGD(rate, MOMENTUM), kind)
        losses = [float(pupil.train_on_batch(found, targets)) for _ in range(STEPS)]
        if losses[-1] < losses[0]:
            return {"targets": targets.tolist(), "learning_rate": rate, "momentum": MOMENTUM, "losses": losses}
        rate /= SHRINK
    raise ConversionError(f"{model.name} does not learn: no learning rate from {rate:.2g} lowers its loss.")


def _found(model: Any, source: Any, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """What a tensor of the network holds for the inputs, (K, width)."""
    import tf_keras as keras

    frozen = keras.Model(model.inputs, source)
    pairs = zip(model.input_names, model.inputs, strict=True)
    return np.asarray(frozen([np.asarray(inputs[name], tensor.dtype.name) for name, tensor in pairs]))


def _lloyd(rows: np.ndarray, centroids: np.ndarray) -> list[float]:
    """Mean squared distances to the nearest centroid before each iteration; a centroid without rows stays."""
    rows, centroids, losses = rows.astype(np.float64), centroids.astype(np.float64), []
    for _ in range(STEPS):
        distances = np.square(rows[:, None] - centroids).sum(axis=2)
        losses.append(float(distances.min(axis=1).mean()))
        nearest = distances.argmin(axis=1)
        for cluster in np.unique(nearest):
            centroids[cluster] = rows[nearest == cluster].mean(axis=0)
    return losses
