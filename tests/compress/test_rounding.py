"""Fake quantization with a gradient of our own: bit for bit what TensorFlow's computes on a CPU."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_model_optimization.python.core.quantization.keras import quant_ops

from mobilenn import networks
from mobilenn.compress import rounding
from mobilenn.compress.qat import apply_transform
from mobilenn.compress.rounding import fake_quantized, repeatable_rounding

ENDS = st.floats(0, 1e4, width=32).filter(lambda value: value == 0 or value > 1e-3)


def both(values, low, high, per_channel, bits, narrow):
    """What TensorFlow makes of values and their gradient, and what we make of them."""
    kind = "fake_quant_with_min_max_vars_per_channel" if per_channel else "fake_quant_with_min_max_vars"
    theirs = getattr(tf.quantization, kind)
    found = []
    upstream = np.random.default_rng(1).normal(size=values.shape).astype(np.float32)
    for call in (
        lambda seen: theirs(seen, low, high, num_bits=bits, narrow_range=narrow),
        lambda seen: fake_quantized(seen, tf.Variable(low), tf.Variable(high), per_channel, bits, narrow),
    ):
        seen = tf.constant(values)
        with tf.GradientTape() as tape:
            tape.watch(seen)
            made = call(seen)
        found.append((made.numpy(), tape.gradient(made, seen, output_gradients=tf.constant(upstream)).numpy()))
    return found


@given(low=ENDS, high=ENDS, bits=st.sampled_from([2, 4, 8]), narrow=st.booleans(), seed=st.integers(0, 999))
def test_values_and_gradients_are_those_of_tensorflow(low, high, bits, narrow, seed):
    spread = np.random.default_rng(seed).uniform(-1.5, 1.5, 64) * max(low, high, 1e-3)
    values = np.float32([*spread, -low, high, 0.0])
    theirs, ours = both(values, np.float32(-low), np.float32(high), False, bits, narrow)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize("narrow", [True, False])
def test_each_channel_has_its_own_range(narrow):
    values = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    low, high = np.float32([-0.5, 0, -3]), np.float32([0.5, 0, 0.1])
    theirs, ours = both(values, low, high, True, 8, narrow)
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_ends_of_the_moved_range_are_inside():
    low, high = np.float32(-0.33), np.float32(0.71)
    far = tf.quantization.fake_quant_with_min_max_vars([-9.0, 9.0], low, high).numpy()
    near = np.float32([np.nextafter(far[0], np.float32(-9)), np.nextafter(far[1], np.float32(9))])
    theirs, ours = both(np.concatenate([far, near]), low, high, False, 8, False)
    np.testing.assert_array_equal(ours[1], theirs[1])
    assert (ours[1] != 0).tolist() == [True, True, False, False]


def test_tfmot_rounds_by_it_in_the_block_only():
    own, seen = quant_ops._FakeQuantWithMinMaxVars, []

    def broken():
        with repeatable_rounding():
            seen.append(quant_ops._FakeQuantWithMinMaxVars)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert seen == [fake_quantized]
    assert quant_ops._FakeQuantWithMinMaxVars is own


def learned(count=64):
    keras.backend.clear_session()
    keras.utils.set_random_seed(2)
    layers = [keras.layers.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)]
    model = tfmot.quantization.keras.quantize_model(keras.Sequential(layers))
    model.compile("sgd", "mse")
    rows = np.random.default_rng(0).normal(size=(count, 6)).astype(np.float32)
    model.fit(rows, rows[:, :2] * 3, epochs=3, verbose=0)
    return model.get_weights()


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="TensorFlow's own does not repeat there")
def test_a_model_learns_the_same_weights_by_it(monkeypatch):
    called = []

    def counted(*given, **named):
        called.append(given)
        return fake_quantized(*given, **named)

    monkeypatch.setattr(rounding, "fake_quantized", counted)
    with repeatable_rounding():
        ours = learned()
    assert called
    for weight, other in zip(ours, learned(), strict=True):
        np.testing.assert_array_equal(weight, other)


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="TensorFlow's own does not repeat there")
@pytest.mark.parametrize("name", ["alexnet", "vgg"])
def test_whole_networks_have_the_gradients_of_tensorflow(name):
    module = networks.module(name)
    keras.utils.set_random_seed(5)
    model = apply_transform(module.build(replace(module.TINY, dropout=0.0)), "qat")
    shape = (8, *model.inputs[0].shape[1:])
    images = tf.constant(np.random.default_rng(0).integers(0, 256, shape).astype(np.float32))
    model(images, training=True)  # ranges to begin with
    begun, found = model.get_weights(), []
    for block in (repeatable_rounding, contextlib.nullcontext):
        model.set_weights(begun)
        with block(), tf.GradientTape() as tape:
            made = model(images, training=True)
            loss = tf.reduce_sum(made * made * tf.range(1.0, made.shape[-1] + 1.0))
        found.append(tape.gradient(loss, model.trainable_weights))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
