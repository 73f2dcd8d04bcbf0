"""The four steps against automatic differentiation, and three ways to descend."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.core.errors import RecipeError
from mobilenn.train import backpropagation as bp

ACTIVATIONS = {"relu": tf.nn.relu, "tanh": tf.tanh, "sigmoid": tf.sigmoid, "linear": tf.identity}


def make(sizes, seed):
    generator = np.random.default_rng(seed)
    weights = []
    for wide, high in itertools.pairwise(sizes):
        weights += [generator.normal(size=(wide, high)) / np.sqrt(wide), generator.normal(size=high) * 0.1]
    return weights


def automatic(weights, inputs, targets, activation, kind):
    """Loss and gradients by tf.GradientTape."""
    variables = [tf.Variable(weight) for weight in weights]
    with tf.GradientTape() as tape:
        made = tf.constant(inputs)
        for layer in range(0, len(variables), 2):
            made = made @ variables[layer] + variables[layer + 1]
            made = made if layer == len(variables) - 2 else ACTIVATIONS[activation](made)
        if kind == "mean_squared_error":
            value = tf.reduce_mean((made - targets) ** 2)
        else:
            value = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, made))
    return float(value), [gradient.numpy() for gradient in tape.gradient(value, variables)]


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 7), min_size=2, max_size=5),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.sampled_from(["softmax_cross_entropy", "mean_squared_error"]),
    st.integers(1, 9),
    st.integers(0, 1000),
)
def test_gradients_equal_automatic_differentiation(sizes, activation, kind, count, seed):
    weights = make(sizes, seed)
    generator = np.random.default_rng(seed + 1)
    inputs = generator.normal(size=(count, sizes[0]))
    classes = kind == "softmax_cross_entropy"
    targets = generator.integers(0, sizes[-1], count) if classes else generator.normal(size=(count, sizes[-1]))
    outputs = bp.forward(weights, inputs, activation)
    value, gradient = bp.loss(outputs[-1], targets, kind)
    found = bp.backward(weights, outputs, gradient, activation)
    expected_value, expected = automatic(weights, inputs, targets, activation, kind)
    assert value == pytest.approx(expected_value, abs=1e-6)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def rings(count=240):
    """Two classes that no line separates."""
    generator = np.random.default_rng(3)
    angle, targets = generator.uniform(0, 2 * np.pi, count), np.arange(count) % 2
    radius = 1.0 + targets + generator.normal(size=count) * 0.1
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), targets


@pytest.mark.parametrize(
    ("descent", "rate", "epochs"), [("batch", 0.5, 400), ("mini_batch", 0.2, 60), ("stochastic", 0.05, 20)]
)
def test_each_descent_learns_what_no_line_separates(descent, rate, epochs):
    inputs, targets = rings()
    config = bp.BackpropagationConfig(
        descent=descent, learning_rate=rate, momentum=0.5, epochs=epochs, activation="tanh"
    )
    weights, history = bp.train(make([2, 16, 2], 0), (inputs, targets), config)
    made = bp.forward(weights, inputs, "tanh")[-1].argmax(1)
    assert (made == targets).mean() > 0.97
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    assert len(history["loss"]) == epochs


@pytest.mark.parametrize(("descent", "steps"), [("batch", 1), ("mini_batch", 4), ("stochastic", 50)])
def test_an_epoch_sees_every_sample_once(descent, steps):
    config = bp.BackpropagationConfig(descent=descent, batch_size=16)
    rows = list(bp.batches(50, config, seed=1, epoch=2))
    assert len(rows) == steps
    assert sorted(np.concatenate(rows)) == list(range(50))


def test_the_order_is_a_function_of_seed_and_epoch():
    config = bp.BackpropagationConfig(descent="stochastic")
    first, again, other = (np.concatenate(list(bp.batches(30, config, 1, epoch))) for epoch in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_training_repeats_bit_for_bit_and_leaves_its_input_alone():
    inputs, targets = rings()
    start = make([2, 4, 2], 0)
    kept = [weight.copy() for weight in start]
    config = bp.BackpropagationConfig(epochs=3)
    first, _ = bp.train(start, (inputs, targets), config, seed=9)
    second, _ = bp.train(start, (inputs, targets), config, seed=9)
    for a, b, c, d in zip(first, second, start, kept, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(c, d)


@pytest.mark.parametrize("values", [{"learning_rate": 0.0}, {"momentum": 1.0}, {"batch_size": 0}, {"epochs": 0}])
def test_values_out_of_range_are_named(values):
    with pytest.raises(RecipeError, match=next(iter(values))):
        bp.BackpropagationConfig(**values)
