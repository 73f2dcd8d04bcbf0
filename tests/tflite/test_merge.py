"""Several flatbuffers become one, share what is equal, and come apart again."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.core.errors import ArtifactError
from mobilenn.tflite.merge import merge, signature_keys, split
from mobilenn.tflite.reader import read
from mobilenn.tflite.writer import parse, serialize

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(0, 3))
KEYS = ("encode", "decode_step", "stream")


def ran(flatbuffer, key, values):
    return Interpreter(model_content=flatbuffer).get_signature_runner(key)(features=values)["value"]


def dense(build, shape):
    outside, inside, seed = shape
    weights = np.random.default_rng(seed).normal(size=(outside, inside)).astype(np.float32)
    return build(weights), weights


@given(st.lists(SHAPES, min_size=1, max_size=3))
@settings(max_examples=30)
def test_every_signature_computes_what_its_part_did(build, shapes):
    made = [dense(build, shape) for shape in shapes]
    parts = dict(zip(KEYS, (flatbuffer for flatbuffer, _ in made), strict=False))
    whole = merge(parts)
    assert [signature.key for signature in read(whole).signatures] == list(parts)
    for key, (flatbuffer, weights) in zip(parts, made, strict=True):
        values = np.random.default_rng(9).normal(size=(1, weights.shape[1])).astype(np.float32)
        np.testing.assert_array_equal(ran(whole, key, values), ran(flatbuffer, "serving_default", values))


@given(st.lists(SHAPES, min_size=1, max_size=3))
@settings(max_examples=30)
def test_taking_apart_and_putting_together_gives_the_same_bytes(build, shapes):
    parts = dict(zip(KEYS, (dense(build, shape)[0] for shape in shapes), strict=False))
    whole = merge(parts)
    apart = split(whole)
    assert list(apart) == list(parts)
    assert merge(apart) == whole
    assert serialize(parse(whole)) == whole
    for key, part in apart.items():
        values = np.ones((1, read(part).signatures[0].inputs[0].shape[1]), np.float32)
        np.testing.assert_array_equal(ran(part, "serving_default", values), ran(whole, key, values))


def test_what_is_equal_is_stored_once(build):
    weights = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    one = build(weights)
    whole = merge({"first": one, "second": one})
    assert whole.count(weights.tobytes()) == 1
    model = parse(whole)
    assert len(model.buffers) == 2
    assert len(model.operatorCodes) == 1
    assert len(whole) < 1.2 * len(one)


def calling(build, weights):
    """A model whose main graph calls another one three times over, as a WHILE would."""
    model = parse(build(weights))
    inner = model.subgraphs[0]
    outer = parse(build(weights)).subgraphs[0]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.WHILE
    code.version = 1
    model.operatorCodes.append(code)
    call = schema.OperatorT()
    call.opcodeIndex, call.inputs, call.outputs = 1, [0], [0]
    call.builtinOptionsType, call.builtinOptions = schema.BuiltinOptions.WhileOptions, schema.WhileOptionsT()
    call.builtinOptions.condSubgraphIndex, call.builtinOptions.bodySubgraphIndex = 1, 2
    outer.operators = [call, *outer.operators]
    model.subgraphs = [outer, inner, parse(build(weights)).subgraphs[0]]
    return serialize(model)


def test_graphs_that_operators_call_are_renumbered_and_left_out_where_nobody_calls_them(build):
    weights = np.eye(3, dtype=np.float32)
    looped, plain = calling(build, weights), build(2 * weights)
    model = parse(merge({"plain": plain, "looped": looped}))
    assert len(model.subgraphs) == 4
    options = model.subgraphs[1].operators[0].builtinOptions
    assert (options.condSubgraphIndex, options.bodySubgraphIndex) == (2, 3)
    assert [signature.subgraphIndex for signature in model.signatureDefs] == [0, 1]
    apart = split(merge({"plain": plain, "looped": looped}))
    assert len(parse(apart["plain"]).subgraphs) == 1
    assert parse(apart["looped"]).subgraphs[0].operators[0].builtinOptions.bodySubgraphIndex == 2
    assert merge(apart) == merge({"plain": plain, "looped": looped})


def test_what_cannot_be_merged_or_split_is_one_error(build, flatbuffer, weights):
    with pytest.raises(ArtifactError, match="no flatbuffer"):
        merge({})
    with pytest.raises(ArtifactError, match="'a' has 0 signatures"):
        merge({"a": build(weights, signature=False)})
    with pytest.raises(ArtifactError, match="'b' has 2 signatures"):
        merge({"b": merge({"x": flatbuffer, "y": flatbuffer})})
    with pytest.raises(ArtifactError, match="no signature"):
        split(build(weights, signature=False))
    with pytest.raises(ArtifactError, match=r"not a \.tflite"):
        split(b"text")


def test_a_graph_that_is_not_there_is_one_error(build):
    model = parse(calling(build, np.eye(3, dtype=np.float32)))
    model.subgraphs[0].operators[0].builtinOptions.bodySubgraphIndex = 9
    with pytest.raises(ArtifactError, match="calls a graph that is not there"):
        split(serialize(model))


def test_names_of_signatures_in_order(flatbuffer):
    assert signature_keys(parse(merge({"b": flatbuffer, "a": flatbuffer}))) == ["b", "a"]
