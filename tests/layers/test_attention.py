"""Attention's layers against formulas written out in numpy, and against Keras' own."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.layers.additive_attention import AdditiveAttention
from mobilenn.layers.attention_pooling import AttentionPooling
from mobilenn.layers.class_token import ClassToken, TokenWeights
from mobilenn.layers.frames import BatchToFrames, FramesToBatch
from mobilenn.layers.mean_pooling import MeanPooling
from mobilenn.layers.multi_head import MultiHead
from mobilenn.layers.padding_mask import HIDDEN, PaddingMask
from mobilenn.layers.positions import Positions
from mobilenn.layers.scaled_dot_product import ScaledDotProduct

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 6))


def drawn(*shapes, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape).astype(np.float32) for shape in shapes]


def masked(count, length, seed=0):
    """Masks that leave each sample at least one row, and hide some."""
    seen = np.random.default_rng(seed).integers(0, 2, (count, length))
    seen[:, 0] = 1
    return ((1 - seen) * HIDDEN).astype(np.float32), seen.astype(bool)


def softmax(scores):
    risen = np.exp(scores - scores.max(-1, keepdims=True))
    return risen / risen.sum(-1, keepdims=True)


def equation_1(query, keys, values, mask):
    """Vaswani (2017), equation 1, row by row."""
    weights = np.stack(
        [
            np.stack([softmax(np.array([q @ k for k in ks]) / np.sqrt(len(q)) + m) for q in qs])
            for qs, ks, m in zip(query, keys, mask, strict=True)
        ]
    )
    return np.einsum("nqt,ntv->nqv", weights, values), weights


@settings(max_examples=15)
@given(SIZES, st.integers(1, 8))
def test_the_scaled_dot_product_is_equation_1(size, width):
    count, rows, columns = size
    query, keys, values = drawn((count, rows, width), (count, columns, width), (count, columns, 3))
    mask, _ = masked(count, columns)
    expected = equation_1(query, keys, values, mask)
    for found, wanted in zip(ScaledDotProduct()([query, keys, values, mask]), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_it_is_keras_attention_of_scaled_queries():
    query, keys, values = drawn((2, 4, 8), (2, 5, 8), (2, 5, 3))
    mask, seen = masked(2, 5)
    found = ScaledDotProduct()([query, keys, values, mask])[0]
    wanted = keras.layers.Attention()([query * 8**-0.5, values, keys], mask=[None, seen])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@settings(max_examples=15)
@given(SIZES, st.sampled_from([(1, 4), (2, 4), (3, 6)]))
def test_many_heads_are_as_many_kernels_side_by_side(size, shared):
    (count, rows, columns), (heads, width) = size, shared
    query, keys, values = drawn((count, rows, width), (count, columns, width), (count, columns, 2 * heads))
    mask, _ = masked(count, columns)
    parts = [np.split(tensor, heads, axis=-1) for tensor in (query, keys, values)]
    each = [equation_1(q, k, v, mask) for q, k, v in zip(*parts, strict=True)]
    context, weights = MultiHead(heads)([query, keys, values, mask])
    np.testing.assert_allclose(context, np.concatenate([c for c, _ in each], -1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(weights, np.stack([w for _, w in each], 1), rtol=1e-4, atol=1e-5)


def test_with_its_projections_it_is_keras_multi_head_attention():
    rows, source = drawn((2, 4, 6), (2, 5, 6))
    mask, seen = masked(2, 5)
    stock = keras.layers.MultiHeadAttention(2, 3)
    wanted, weights = stock(rows, source, attention_mask=seen[:, None], return_attention_scores=True)
    kernels = [w.numpy() for w in stock.weights]  # query, key, value, output: kernel and bias each
    query, keys, values = (
        tensor @ kernels[2 * i].reshape(6, 6) + kernels[2 * i + 1].reshape(6)
        for i, tensor in enumerate((rows, source, source))
    )
    context, found = MultiHead(2)([query, keys, values, mask])
    np.testing.assert_allclose(context.numpy() @ kernels[6].reshape(6, 6) + kernels[7], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found, weights, rtol=1e-4, atol=1e-5)


@settings(max_examples=15)
@given(SIZES, st.integers(1, 8))
def test_the_additive_kernel_is_equation_6(size, units):
    count, rows, columns = size
    query, keys, values = drawn((count, rows, units), (count, columns, units), (count, columns, 3))
    mask, _ = masked(count, columns)
    layer = AdditiveAttention()
    context, weights = layer([query, keys, values, mask])
    v = layer.v.numpy()[:, 0]
    scores = np.array([[[v @ np.tanh(q + k) for k in ks] for q in qs] for qs, ks in zip(query, keys, strict=True)])
    wanted = softmax(scores + mask[:, None])
    np.testing.assert_allclose(weights, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(context, np.einsum("nqt,ntv->nqv", wanted, values), rtol=1e-4, atol=1e-5)


def test_it_is_keras_additive_attention():
    query, keys, values = drawn((2, 4, 8), (2, 5, 8), (2, 5, 8))
    mask, seen = masked(2, 5)
    stock = keras.layers.AdditiveAttention()
    stock([query, values, keys])
    layer = AdditiveAttention()
    layer([query, keys, values, mask])
    layer.v.assign(np.arange(8, dtype=np.float32)[:, None] / 8)
    stock.scale.assign(layer.v[:, 0])
    wanted = stock([query, values, keys], mask=[None, seen])
    np.testing.assert_allclose(layer([query, keys, values, mask])[0], wanted, rtol=1e-4, atol=1e-5)


def test_pooling_is_the_weighted_average_and_equal_scores_are_the_mean():
    values, scores = drawn((2, 5, 3), (2, 5, 1))
    mask, seen = masked(2, 5)
    pooled, weights = AttentionPooling()([values, scores, mask])
    wanted = softmax(scores[..., 0] + mask)
    np.testing.assert_allclose(weights, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pooled, np.einsum("nt,ntd->nd", wanted, values), rtol=1e-4, atol=1e-6)
    mean, equal = MeanPooling()([values, mask])
    np.testing.assert_allclose(mean, [row[kept].mean(0) for row, kept in zip(values, seen, strict=True)], atol=1e-6)
    np.testing.assert_allclose(AttentionPooling()([values, scores * 0, mask])[0], mean, atol=1e-6)
    np.testing.assert_allclose(equal.numpy().sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(MeanPooling()([values])[0], values.mean(1), atol=1e-6)


def test_padding_is_hidden_and_a_text_of_padding_alone_gives_equal_weights():
    tokens = np.array([[3, 1, 70_000, 0, 0], [0, 0, 0, 0, 0]], np.int32)
    mask = PaddingMask()(tokens)
    np.testing.assert_array_equal(mask, [[0, 0, 0, HIDDEN, HIDDEN], [HIDDEN] * 5])
    values, scores, query = drawn((2, 5, 4), (2, 5, 1), (2, 2, 4))
    additive = AdditiveAttention()
    for weights in (
        AttentionPooling()([values, scores, mask])[1],
        MeanPooling()([values, mask])[1],
        ScaledDotProduct()([query, values, values, mask])[1][:, 0],
        MultiHead(2)([query, values, values, mask])[1][:, 1, 0],
        additive([query, values, values, mask])[1][:, 1],
    ):
        assert (weights.numpy()[0, 3:] == 0).all()
        np.testing.assert_allclose(weights.numpy().sum(-1), 1, atol=1e-6)
        np.testing.assert_array_equal(weights[1], [np.float32(0.2)] * 5)


def test_places_are_told_apart_and_a_class_token_stands_first():
    (rows,) = drawn((2, 3, 4))
    layer = Positions()
    np.testing.assert_allclose(layer(rows), rows + layer.table.numpy(), atol=1e-6)
    assert layer.table.numpy().std() == pytest.approx(0.02, abs=0.02)
    token = ClassToken()
    found = token(rows)
    token.token.assign(np.ones((1, 1, 4)))
    np.testing.assert_array_equal(found[:, 0], np.zeros((2, 4)))
    np.testing.assert_array_equal(token(rows)[:, 0], np.ones((2, 4)))
    np.testing.assert_array_equal(found[:, 1:], rows)


def test_what_the_class_token_gives_others_sums_to_one():
    weights = softmax(drawn((2, 3, 5, 5))[0])
    found = TokenWeights()(weights)
    wanted = weights[:, :, 0, 1:].mean(1)
    np.testing.assert_allclose(found, wanted / wanted.sum(-1, keepdims=True), rtol=1e-5)


def test_frames_become_a_batch_and_come_back():
    (clip,) = drawn((2, 3, 4, 5, 1))
    joined = FramesToBatch()(clip)
    np.testing.assert_array_equal(joined[4], clip[1, 1])
    np.testing.assert_array_equal(BatchToFrames(3)(joined), clip)


@pytest.mark.parametrize("layer", [MultiHead(3, name="x"), BatchToFrames(4, name="x")])
def test_layers_survive_their_config(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_half_precision_stays_finite_behind_a_mask():
    query, keys = (tensor.astype(np.float16) for tensor in drawn((1, 2, 4), (1, 3, 4)))
    mask = np.array([[0, HIDDEN, HIDDEN]], np.float32)
    layer = MultiHead(2, dtype="mixed_float16")
    for found in layer([query, keys, keys, mask]):
        assert np.isfinite(found.numpy()).all()
