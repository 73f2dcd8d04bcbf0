"""Loss and metrics of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.core.errors import RecipeError, nearest
from mobilenn.core.vocabulary import PAD
from mobilenn.train.config import OWN_SCHEMES

SEQUENCES = ("translation", "summarisation", "language_model")  # tasks whose targets are tokens, padded with 0
MAIN_OUTPUT = {
    "classification": "probabilities",
    "recommendation": "probabilities",
    "regression": "value",
    "ranking": "value",
    **dict.fromkeys((*SEQUENCES, *OWN_SCHEMES), "probabilities"),
    "generation": "image",
    "control": "values",
}
Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def main_output(model: keras.Model, task: str) -> str:
    """Returns the output that the task judges.

    Args:
        model: compression may have put a prefix before its outputs' names.
        task: a key of `MAIN_OUTPUT`.

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
        task: `classification` and `recommendation` take cross-entropy; `regression` takes the squared error in units of
            the targets' variance, so that 1 is what predicting the mean would cost and the learning
            rate need not follow the unit; `ranking` takes RankNet's pairs; sequences take the cross-entropy of
            their tokens, without padding.
        targets: the training split's, (N,) or (N, d); of sequences tokens, (N, T).
        label_smoothing: share spread evenly over all classes.

    Raises:
        RecipeError: a task that no gradient teaches.
    """
    if task in OWN_SCHEMES:
        hint = f'Set train.scheme = "{OWN_SCHEMES[task]}".'
        raise RecipeError(f"The task {task} has no loss to descend.", hint)
    if task in SEQUENCES:
        return lambda true, predicted: token_loss(true, predicted, label_smoothing)
    if task == "ranking":
        return ranknet_loss
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
    if task in SEQUENCES:
        return [TokenAccuracy(name="accuracy")]
    return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")] if task == "classification" else []


def ranknet_loss(true: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Logistic loss of the score differences, averaged over a list's pairs of different grade.

    Args:
        true: (N, documents) grades.
        predicted: (N, documents) scores.

    Returns:
        (N,) float32; 0 for a list of equal grades.

    Reference:
        Burges et al., Learning to rank using gradient descent (ICML 2005), equation 3 with P̄ = 1.
    """
    true = tf.cast(true, predicted.dtype)
    better = tf.cast(true[:, :, tf.newaxis] > true[:, tf.newaxis, :], predicted.dtype)
    difference = predicted[:, :, tf.newaxis] - predicted[:, tf.newaxis, :]
    lost = tf.reduce_sum(better * tf.nn.softplus(-difference), axis=(1, 2))
    return lost / tf.maximum(tf.reduce_sum(better, axis=(1, 2)), 1.0)


def token_loss(true: tf.Tensor, predicted: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
    """Cross-entropy of each token, so weighted that its mean is the mean over tokens that are no padding.

    Args:
        true: (N, T) tokens, 0 where there is padding.
        predicted: (N, T, V) probabilities.
        label_smoothing: share of each label spread evenly over the vocabulary.

    Returns:
        (N, T) float32.
    """
    loss = keras.losses.sparse_categorical_crossentropy(true, predicted)
    if label_smoothing:
        even = -tf.reduce_mean(tf.math.log(tf.maximum(predicted, keras.backend.epsilon())), axis=-1)
        loss = (1 - label_smoothing) * loss + label_smoothing * even
    counts = tf.cast(tf.not_equal(true, PAD), loss.dtype)
    return loss * counts / tf.maximum(tf.reduce_mean(counts), keras.backend.epsilon())


class TokenAccuracy(keras.metrics.Mean):
    """Share of tokens, padding left out, that are the most probable ones."""

    def update_state(self, true: tf.Tensor, predicted: tf.Tensor, sample_weight: Any = None) -> Any:
        """Counts a batch: (N, T) tokens, (N, T, V) probabilities."""
        true = tf.cast(true, tf.int64)
        right = tf.cast(tf.equal(tf.argmax(predicted, axis=-1), true), tf.float32)
        return super().update_state(right, sample_weight=tf.cast(tf.not_equal(true, PAD), tf.float32))


def target_scale(targets: np.ndarray) -> np.ndarray:
    """Standard deviation of each target, (d,); 1 where a target never changes."""
    scale = np.asarray(targets, np.float64).std(axis=0)
    return np.where(scale > 0, scale, 1.0)
