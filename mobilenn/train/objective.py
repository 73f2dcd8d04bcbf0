"""Loss and metrics of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.core.errors import RecipeError, nearest

MAIN_OUTPUT = {"classification": "probabilities", "regression": "value"}
Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def main_output(model: keras.Model, task: str) -> str:
    """Returns the output that the task judges.

    Args:
        model: compression may have put a prefix before its outputs' names.
        task: `classification` or `regression`.

    Raises:
        RecipeError: the task is unknown, or the network has no such output.
    """
    if task not in MAIN_OUTPUT:
        raise RecipeError(f"Supervised training knows no task '{task}'.", nearest(task, MAIN_OUTPUT))
    wanted = MAIN_OUTPUT[task]
    for name in model.output_names:
        if name == wanted or name.endswith(f"_{wanted}"):
            return name
    outputs = ", ".join(model.output_names)
    raise RecipeError(f"The task {task} needs an output '{wanted}'; {model.name} has {outputs}.")


def make_loss(task: str, targets: np.ndarray, label_smoothing: float) -> Loss:
    """Returns the loss of every output.

    Args:
        task: `classification` takes cross-entropy; `regression` takes the squared error in units of
            the targets' variance, so that 1 is what predicting the mean would cost and the learning
            rate need not follow the unit.
        targets: the training split's, (N,) or (N, d).
        label_smoothing: share spread evenly over all classes.
    """
    if task == "regression":
        scale = tf.constant(target_scale(targets), tf.float32)
        return lambda true, predicted: tf.reduce_mean(tf.square((predicted - true) / scale), axis=-1)
    if not label_smoothing:
        return keras.losses.sparse_categorical_crossentropy

    def smoothed(true: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        spread = tf.one_hot(tf.cast(tf.reshape(true, [-1]), tf.int32), predicted.shape[-1])
        return keras.losses.categorical_crossentropy(spread, predicted, label_smoothing=label_smoothing)

    return smoothed


def make_metrics(task: str) -> list[Any]:
    """Returns the main output's metrics: accuracy, or none beside a loss that already says it all."""
    return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")] if task == "classification" else []


def target_scale(targets: np.ndarray) -> np.ndarray:
    """Standard deviation of each target, (d,); 1 where a target never changes."""
    scale = np.asarray(targets, np.float64).std(axis=0)
    return np.where(scale > 0, scale, 1.0)
