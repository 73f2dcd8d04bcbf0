"""Losses and metrics against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn.core.errors import RecipeError
from mobilenn.train.objective import SEQUENCES, TokenAccuracy, main_output, make_loss, make_metrics, target_scale

TARGETS = np.array([0, 2, 1])
PREDICTED = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]], np.float32)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_with_smoothed_labels(smoothing: float) -> None:
    loss = make_loss("classification", TARGETS, smoothing)(tf.constant(TARGETS), tf.constant(PREDICTED))
    wanted = np.eye(3)[TARGETS] * (1 - smoothing) + smoothing / 3
    np.testing.assert_allclose(loss, -(wanted * np.log(PREDICTED)).sum(axis=1), rtol=1e-5)


def test_squared_error_counts_in_units_of_the_variance() -> None:
    targets = np.random.default_rng(0).normal(50, [10, 0.1], (400, 2)).astype(np.float32)
    loss = make_loss("regression", targets, 0.0)
    mean = np.broadcast_to(targets.mean(axis=0), targets.shape)
    np.testing.assert_allclose(tf.reduce_mean(loss(targets, tf.constant(mean))), 1.0, rtol=1e-4)


def test_a_constant_target_has_scale_one() -> None:
    np.testing.assert_array_equal(target_scale(np.full((5, 2), 3.0)), [1.0, 1.0])


def model(*names: str) -> keras.Model:
    inputs = keras.layers.Input((2,))
    return keras.Model(inputs, [keras.layers.Dense(2, name=name)(inputs) for name in names])


def test_the_main_output_is_found_behind_a_prefix() -> None:
    assert main_output(model("head", "probabilities"), "classification") == "probabilities"
    assert main_output(model("quant_value"), "regression") == "quant_value"


@pytest.mark.parametrize(("task", "named"), [("regression", "value"), ("clasification", "classification")])
def test_what_cannot_be_judged_is_refused(task: str, named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        main_output(model("probabilities"), task)


@pytest.mark.parametrize("task", SEQUENCES)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_padding_counts_neither_in_the_loss_nor_in_the_accuracy(task: str, smoothing: float) -> None:
    generator = np.random.default_rng(0)
    true = np.array([[1, 2, 0], [3, 0, 0]])
    predicted = generator.dirichlet(np.ones(4), (2, 3)).astype(np.float32)
    found = make_loss(task, true, smoothing)(tf.constant(true), tf.constant(predicted))
    logs = np.log(predicted)
    places = [(0, 0, 1), (0, 1, 2), (1, 0, 3)]
    losses = [-(1 - smoothing) * logs[place] - smoothing * logs[place[:2]].mean() for place in places]
    np.testing.assert_allclose(tf.reduce_mean(found), np.mean(losses), rtol=1e-5)
    assert not found.numpy()[true == 0].any()
    (accuracy,) = make_metrics(task)
    accuracy.update_state(tf.constant(true), tf.constant(predicted))
    np.testing.assert_allclose(accuracy.result(), np.mean([predicted[p[:2]].argmax() == p[2] for p in places]))


def test_accuracy_of_tokens_weighs_batches_by_their_tokens() -> None:
    metric = TokenAccuracy()
    sure = np.eye(3, dtype=np.float32)
    metric.update_state(tf.constant([[1, 1, 1, 0]]), tf.constant(sure[[[1, 1, 1, 1]]]))
    metric.update_state(tf.constant([[2, 0, 0, 0]]), tf.constant(sure[[[1, 1, 1, 1]]]))
    assert float(metric.result()) == 0.75


def test_a_batch_of_padding_costs_nothing() -> None:
    loss = make_loss("translation", np.zeros((1, 2), int), 0.0)
    found = loss(tf.constant([[0, 0]]), tf.fill((1, 2, 3), 1 / 3))
    assert not found.numpy().any()
