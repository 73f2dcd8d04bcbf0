"""Layers of decoders, step by step against a whole text, and copying against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.layers.causal import Cache, Causal, HeadMean, Next, Places, waves
from mobilenn.layers.cell import GruStep
from mobilenn.layers.copying import Copying
from mobilenn.layers.token_embedding import TokenEmbedding


def normal(seed, *shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


@given(st.integers(0, 99), st.integers(1, 6), st.sampled_from([1, 2]))
@settings(max_examples=15)
def test_a_place_sees_itself_and_what_stands_before_it(seed, length, heads):
    query, keys, values = (normal(seed + i, 2, length, 4) for i in range(3))
    layer = Causal(heads)
    context, weights = layer([query, keys, values])
    assert weights.shape == (2, heads, length, length)
    assert np.abs(np.triu(weights, 1)).max() == 0
    np.testing.assert_allclose(tf.reduce_sum(weights, -1), 1, rtol=1e-5)
    caches = [tf.zeros((2, length, 4)), tf.zeros((2, length, 4))]
    for place in range(length):
        here = tf.fill((2, 1), place)
        rows = (keys[:, place : place + 1], values[:, place : place + 1])
        caches = [Cache()([cache, row, here]) for cache, row in zip(caches, rows, strict=True)]
        step, _ = layer([query[:, place : place + 1], *caches, here])
        np.testing.assert_allclose(step[:, 0], context[:, place], atol=1e-5)


def test_a_cache_that_is_full_stays_as_it_is():
    cache = normal(0, 1, 3, 4)
    np.testing.assert_array_equal(Cache()([cache, normal(1, 1, 1, 4), tf.constant([[3]])]), cache)


def test_places_step_by_step_are_those_of_a_whole_text():
    vectors, layer = normal(0, 2, 5, 6), Places(7)
    whole = layer(vectors)
    for place in range(5):
        step = layer([vectors[:, place : place + 1], tf.fill((2, 1), place)])
        np.testing.assert_array_equal(step[:, 0], whole[:, place])
    assert float(whole[0, 0, 0]) == pytest.approx(float(vectors[0, 0, 0]) * 6**0.5, rel=1e-6)
    angle = 3 / 10_000 ** (1 / 3)
    np.testing.assert_allclose(waves(4, 6)[3, [1, 4]], [np.sin(angle), np.cos(angle)])
    assert Places.from_config(layer.get_config()).length == 7


@given(st.integers(0, 99), st.integers(1, 3), st.integers(1, 3), st.integers(1, 5))
@settings(max_examples=20)
def test_copying_follows_its_equation(seed, rows, steps, length):
    generator = np.random.default_rng(seed)
    size = 6
    said = generator.dirichlet(np.ones(size), (rows, steps)).astype(np.float32)
    attention = generator.dirichlet(np.ones(length), (rows, steps)).astype(np.float32)
    source = generator.integers(0, size, (rows, length)).astype(np.int32)
    gate = generator.random((rows, steps, 1)).astype(np.float32)
    expected = gate * said
    for row in range(rows):
        for step in range(steps):
            for place, token in enumerate(source[row]):
                expected[row, step, token] += (1 - gate[row, step, 0]) * attention[row, step, place]
    found = Copying()([said, attention, source, gate])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(found, -1), 1, atol=1e-5)


def test_a_step_is_what_the_layer_does():
    layer = keras.layers.GRU(5, return_sequences=True)
    inputs, state = normal(0, 2, 4, 3), normal(1, 2, 5)
    whole = layer(inputs, initial_state=state)
    step = GruStep(5)
    step([inputs[:, 0], state])
    step.set_weights(layer.get_weights())
    for place in range(4):
        state = step([inputs[:, place], state])
        np.testing.assert_allclose(state, whole[:, place], atol=1e-6)


def test_one_table_reads_and_says():
    layer = TokenEmbedding(9, 4)
    read = layer(tf.constant([[1, 8]]))
    assert read.shape == (1, 2, 4)
    np.testing.assert_array_equal(read[0], layer.table.numpy()[[1, 8]])
    vectors = normal(3, 2, 3, 4)
    np.testing.assert_allclose(layer(vectors), vectors @ tf.transpose(layer.table) + layer.bias, rtol=1e-5)
    again = TokenEmbedding.from_config(layer.get_config())
    assert (again.vocabulary, again.width) == (9, 4)


def test_heads_are_averaged_and_places_counted():
    weights = normal(0, 2, 3, 4, 5)
    np.testing.assert_allclose(HeadMean()(weights), weights.numpy().mean(1), rtol=1e-5)
    np.testing.assert_array_equal(Next()(tf.constant([[3]])), [[4]])
