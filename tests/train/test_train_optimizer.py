"""Optimizers and schedules against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn.train.config import FitConfig
from mobilenn.train.optimizer import make_optimizer, make_schedule, state


def rates(settings: FitConfig, steps_per_epoch: int) -> list[float]:
    schedule = make_schedule(settings, steps_per_epoch)
    steps = range(settings.epochs * steps_per_epoch)
    return [float(schedule(step)) if callable(schedule) else schedule for step in steps]


def test_constant_stays() -> None:
    assert rates(FitConfig(epochs=2, learning_rate=0.5), 2) == [0.5] * 4


def test_cosine_falls_from_the_peak_towards_zero() -> None:
    found = rates(FitConfig(epochs=2, learning_rate=0.5, schedule="cosine"), 5)
    np.testing.assert_allclose(found, [0.25 * (1 + math.cos(math.pi * step / 10)) for step in range(10)], atol=1e-6)


def test_step_divides_by_ten_twice() -> None:
    found = rates(FitConfig(epochs=8, learning_rate=1.0, schedule="step"), 1)
    np.testing.assert_allclose(found, [1, 1, 1, 1, 1, 0.1, 0.1, 0.01], rtol=1e-6)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step"])
def test_warmup_rises_linearly_and_then_the_schedule_begins(schedule: str) -> None:
    settings = FitConfig(epochs=5, learning_rate=1.0, schedule=schedule, warmup_epochs=1)
    found = rates(settings, 4)
    np.testing.assert_allclose(found[:4], [0.25, 0.5, 0.75, 1.0], rtol=1e-6)
    np.testing.assert_allclose(
        found[4:], rates(FitConfig(epochs=4, learning_rate=1.0, schedule=schedule), 4), rtol=1e-6
    )


def test_decay_spares_biases_and_scales() -> None:
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    optimizer = make_optimizer(FitConfig(optimizer="sgd", learning_rate=0.5, weight_decay=0.1), 1)
    optimizer.apply_gradients([(tf.zeros_like(weight), weight) for weight in model.trainable_variables])
    kernel, *others = (weight.numpy() for weight in model.trainable_variables)
    np.testing.assert_allclose(kernel, 1 - 0.5 * 0.1, rtol=1e-6)
    assert all((other == 1).all() for other in others)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_without_decay_a_weight_without_a_gradient_stays(name: str) -> None:
    weight = tf.Variable([2.0], name="a/kernel")
    optimizer = make_optimizer(FitConfig(optimizer=name, learning_rate=0.5, weight_decay=0.0), 1)
    optimizer.apply_gradients([(tf.constant([0.0]), weight)])
    assert weight.numpy() == [2.0]


def test_gradients_are_clipped_by_their_global_norm() -> None:
    weights = [tf.Variable([0.0], name="a/kernel"), tf.Variable([0.0], name="b/kernel")]
    optimizer = make_optimizer(FitConfig(optimizer="sgd", learning_rate=1.0, clip_norm=1.0), 1)
    optimizer.apply_gradients(zip([tf.constant([3.0]), tf.constant([4.0])], weights, strict=True))
    np.testing.assert_allclose([weight.numpy()[0] for weight in weights], [-0.6, -0.8], rtol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_an_optimizer_goes_on_from_its_state(name: str) -> None:
    """Two steps equal one step, its state moved to a new optimizer, and another step."""

    def stepped(optimizer: object, weight: tf.Variable, gradient: float) -> None:
        optimizer.apply_gradients([(tf.constant([gradient]), weight)])

    settings = FitConfig(optimizer=name, learning_rate=0.1, schedule="cosine", epochs=3)
    weight, twin = tf.Variable([1.0], name="kernel"), tf.Variable([1.0], name="kernel")
    first, second = make_optimizer(settings, 1), make_optimizer(settings, 1)
    stepped(first, weight, 0.3)
    second.build([twin])
    twin.assign(weight)
    for variable, value in zip(state(second), [v.numpy() for v in state(first)], strict=True):
        variable.assign(value)
    stepped(first, weight, -0.7)
    stepped(second, twin, -0.7)
    assert weight.numpy() == twin.numpy()


def test_the_loss_scale_is_part_of_the_state() -> None:
    weight = tf.Variable([1.0], name="kernel")
    plain, scaled = (make_optimizer(FitConfig(), 1, loss_scaling=scaling) for scaling in (False, True))
    plain.build([weight])
    scaled.build([weight])
    assert len(state(scaled)) == len(state(plain)) + 2
    assert any(variable.numpy() == scaled.loss_scale.numpy() for variable in state(scaled) if variable.shape.rank == 0)
