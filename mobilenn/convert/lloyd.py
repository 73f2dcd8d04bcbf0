"""k-means that goes on where the file runs: Lloyd's update as a signature of builtin operators, with explicit state.

mobilenn.runtime.lloyd is the loop around it; see mobilenn.convert.training for why nothing is kept inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.flatbuffer import function_to_flatbuffer, to_flatbuffer
from mobilenn.convert.lowerings import lower
from mobilenn.convert.training import frozen_part, initial_weights, spec
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Trainable
from mobilenn.runtime.lloyd import CENTROIDS, SHARES, SUMS
from mobilenn.runtime.training import INFER, INITIAL_WEIGHTS, NEXT, PREPARE, PREPARED, TRAIN

DISTANCES = "distances"  # the layer, and what it gives
_LEAST_SHARE = 1e-12  # stands in for none, so that nothing is divided by 0
Tensors = Mapping[str, tf.Tensor]


def centroid_layer(model: keras.Model) -> Any:
    """The layer of a network that compares rows with its weight `centroids`, (clusters, F); None where none does."""
    return next((layer for layer in model.layers if layer.name == DISTANCES and hasattr(layer, CENTROIDS)), None)


def lloyd_parts(model: keras.Model, settings: Trainable) -> dict[str, bytes]:
    """Makes the signatures with which a file moves the centroids of a network.

    `train` assigns rows to centroids and adds them up by cluster; what it gives as the next centroids are the means
    so far. Zeros before the first call of an iteration and the same centroids in all of them make Lloyd's update of
    any number of rows; sums that are kept from one iteration to the next make the mini-batch form.

    Args:
        model: a network with a `centroid_layer`.
        settings: rows of a call; `layers` means nothing here.

    Returns:
        Bare flatbuffers by signature: `prepare`, `train`, `infer` (which gives `distances`), `initial_weights`.

    Reference:
        Lloyd, Least squares quantization in PCM (1982); Sculley, Web-scale k-means clustering (WWW 2010).
    """
    layer = centroid_layer(model)
    centroids = np.asarray(layer.get_weights()[0], np.float32)
    frozen = frozen_part(model, layer.input)
    return {
        PREPARE: to_flatbuffer(frozen, Precision.FLOAT32),
        TRAIN: _train(centroids.shape, settings.batch_size, model.name),
        INFER: _infer(centroids.shape, lower(frozen), model.name),
        INITIAL_WEIGHTS: initial_weights({CENTROIDS: centroids}, model.name),
    }


def squared_distances(rows: tf.Tensor, centroids: tf.Tensor) -> tf.Tensor:
    """(B, F) and (clusters, F) to (B, clusters): by differences, which lose no digits where both are large."""
    return tf.reduce_sum(tf.math.squared_difference(rows[:, None], centroids[None]), axis=2)


def _train(shape: tuple[int, int], batch: int, name: str) -> bytes:
    clusters, width = shape
    specs = {
        PREPARED: spec(PREPARED, (batch, width)),
        "share": spec("share", (batch,)),
        CENTROIDS: spec(CENTROIDS, shape),
        SHARES: spec(SHARES, (clusters,)),
        SUMS: spec(SUMS, shape),
    }

    @tf.function(input_signature=[specs])
    def train(inputs: Tensors) -> dict[str, tf.Tensor]:
        distances = squared_distances(inputs[PREPARED], inputs[CENTROIDS])
        nearest = tf.one_hot(tf.argmin(distances, axis=1, output_type=tf.int32), clusters)
        weighted = nearest * inputs["share"][:, None]
        shares = inputs[SHARES] + tf.reduce_sum(weighted, axis=0)
        sums = inputs[SUMS] + tf.matmul(weighted, inputs[PREPARED], transpose_a=True)
        filled = tf.cast(shares > 0, tf.float32)[:, None]  # a centroid without rows stays where it is
        means = sums / tf.maximum(shares, _LEAST_SHARE)[:, None]
        return {
            "loss": tf.reshape(tf.reduce_sum(tf.reduce_min(distances, axis=1) * inputs["share"]), (1,)),
            f"{NEXT}{CENTROIDS}": filled * means + (1.0 - filled) * inputs[CENTROIDS],
            f"{NEXT}{SHARES}": shares,
            f"{NEXT}{SUMS}": sums,
        }

    names = ["loss", *(f"{NEXT}{key}" for key in (CENTROIDS, SHARES, SUMS))]
    return function_to_flatbuffer(train, names, tf.Module(), f"the training of {name}")


def _infer(shape: tuple[int, int], frozen: keras.Model, name: str) -> bytes:
    pairs = zip(frozen.input_names, frozen.inputs, strict=True)
    inputs_of = {key: spec(key, (1, *tensor.shape[1:]), tensor.dtype) for key, tensor in pairs}
    owner = tf.Module()
    owner.weights = frozen.weights

    @tf.function(input_signature=[{**inputs_of, CENTROIDS: spec(CENTROIDS, shape)}])
    def infer(inputs: Tensors) -> dict[str, tf.Tensor]:
        prepared = frozen.call([inputs[key] for key in frozen.input_names], training=False)
        return {DISTANCES: squared_distances(prepared, inputs[CENTROIDS])}

    return function_to_flatbuffer(infer, [DISTANCES], owner, f"{name} with given centroids")
