"""Layers against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.layers.dropout import Dropout, reseed
from mobilenn.layers.lrn import LocalResponseNormalization
from mobilenn.layers.step import Step


def formula(a, n, k, alpha, beta):
    """Krizhevsky (2012), section 3.3, channel by channel."""
    out = np.empty_like(a)
    channels = a.shape[-1]
    for c in range(channels):
        low, high = max(0, c - n // 2), min(channels - 1, c + n // 2)
        out[..., c] = a[..., c] / (k + alpha * (a[..., low : high + 1] ** 2).sum(-1)) ** beta
    return out


@settings(max_examples=15)
@given(
    st.integers(1, 12),
    st.sampled_from([1, 3, 5, 7]),
    st.sampled_from([1.0, 2.0]),
    st.sampled_from([1e-4, 0.1]),
    st.sampled_from([0.5, 0.75]),
)
def test_lrn_is_the_papers_formula(channels, n, k, alpha, beta):
    values = np.random.default_rng(0).normal(size=(2, 3, 3, channels)).astype(np.float32) * 5
    found = LocalResponseNormalization(n=n, k=k, alpha=alpha, beta=beta)(values)
    np.testing.assert_allclose(found, formula(values, n, k, alpha, beta), rtol=2e-5, atol=1e-6)


def test_lrn_survives_its_config_and_half_precision():
    layer = LocalResponseNormalization(n=3, k=1.0, alpha=0.5, beta=0.5)
    again = LocalResponseNormalization.from_config(layer.get_config())
    assert (again.n, again.k, again.alpha, again.beta) == (3, 1.0, 0.5, 0.5)
    large = tf.fill((1, 2, 2, 4), tf.constant(300.0, tf.float16))
    made = LocalResponseNormalization(dtype="mixed_float16")(large)
    assert np.isfinite(made.numpy()).all()


def masks(model, steps, *numbers):
    reseed(model, *numbers)
    call = tf.function(lambda: model(tf.ones((1, 64)), training=True))
    return np.stack([call().numpy() for _ in range(steps)])


def two_dropouts():
    inputs = keras.layers.Input((64,))
    first = Dropout(0.5, name="a")(inputs)
    return keras.Model(inputs, [first, Dropout(0.5, name="b")(inputs)])


def test_reseeded_masks_repeat_and_differ_by_number_and_layer():
    model = keras.Sequential([keras.layers.Input((64,)), Dropout(0.5)])
    first, again, other = masks(model, 3, 7, 0), masks(model, 3, 7, 0), masks(model, 3, 7, 1)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1]).any()
    pair = two_dropouts()
    reseed(pair, 7, 0)
    a, b = pair(tf.ones((1, 64)), training=True)
    assert (a.numpy() != b.numpy()).any()


def test_dropout_is_the_identity_outside_training():
    values = np.ones((2, 8), np.float32)
    np.testing.assert_array_equal(Dropout(0.5)(values, training=False), values)


def test_dropout_survives_its_config():
    assert Dropout.from_config(Dropout(0.3, name="x").get_config()).rate == 0.3


@pytest.mark.parametrize(("value", "expected"), [(-0.1, 0.0), (0.0, 1.0), (3.0, 1.0)])
def test_the_step_is_one_from_zero_up(value, expected):
    assert float(Step()(tf.constant([value]))[0]) == expected
