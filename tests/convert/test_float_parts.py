"""What an int8 file of a network with attention computes on integers, and what it leaves in floats."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import networks
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.precision import Precision
from mobilenn.quantize import quantize_flatbuffer
from mobilenn.tflite.edits import operators
from mobilenn.tflite.float_parts import float_operators
from mobilenn.tflite.writer import parse

FLOAT, INT8 = 0, 9  # of the schema's TensorType


@pytest.fixture(scope="module")
def flatbuffer():
    module = networks.module("text_attention")
    return to_flatbuffer(module.build(module.TINY), Precision.FLOAT32)


def types(model, *kinds):
    return {graph.tensors[op.outputs[0]].type for graph, op in operators(model, *kinds)}


def samples():
    generator = np.random.default_rng(0)
    return [{"tokens": generator.integers(0, 20, (1, 7), np.int32)} for _ in range(16)]


def test_products_of_attention_and_normalisations_stay_float_and_dense_layers_do_not(flatbuffer):
    made = parse(quantize_flatbuffer(flatbuffer, Precision.INT8, samples()))
    slow = ("BATCH_MATMUL", "SQUARED_DIFFERENCE", "RSQRT", "MEAN", "SOFTMAX")
    assert all(types(made, kind) == {FLOAT} for kind in slow)
    assert types(made, "FULLY_CONNECTED", "GATHER") == {INT8}


def test_every_operator_of_a_normalisation_is_found(flatbuffer):
    model = parse(flatbuffer)
    kept = float_operators(model)
    parts = [name for name in kept if name.startswith("block1_norm1/")]
    assert len(set(parts)) == 10
    assert not any(name.startswith(("block1_dense1/", "logits/", "embedding/")) for name in kept)


def test_a_table_of_vectors_is_int8_where_only_weights_are(flatbuffer):
    for precision in (Precision.DYNAMIC_INT8, Precision.INT4):
        made = parse(quantize_flatbuffer(flatbuffer, precision))
        assert types(made, "GATHER") == {INT8}
        assert types(made, "ADD", "BATCH_MATMUL") == {FLOAT}
