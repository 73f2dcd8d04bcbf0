"""What is parsed and written again is the same model, in one canonical form."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn.core.errors import ArtifactError
from mobilenn.tflite import writer
from mobilenn.tflite.reader import read
from mobilenn.tflite.writer import parse, serialize


def predict(flatbuffer, values):
    runner = Interpreter(model_content=flatbuffer).get_signature_runner("serving_default")
    return runner(features=values)["value"]


def test_the_model_stays_the_same(flatbuffer, weights):
    made = serialize(parse(flatbuffer))
    values = np.random.default_rng(1).normal(size=(1, weights.shape[1])).astype(np.float32)
    np.testing.assert_array_equal(predict(made, values), predict(flatbuffer, values))
    assert read(made).operators == read(flatbuffer).operators
    assert serialize(parse(made)) == made


def test_constants_stand_at_multiples_of_sixteen(flatbuffer, weights):
    made = serialize(parse(flatbuffer))
    place = made.find(weights.tobytes())
    assert place > 0
    assert place % 16 == 0


def test_names_are_the_signatures_and_carry_no_counters(flatbuffer):
    model = parse(flatbuffer)
    graph = model.subgraphs[0]
    graph.tensors[1].name = b"gru/__inference_standard_gru_5678/kernel"
    first = serialize(model)
    model = parse(flatbuffer)
    model.subgraphs[0].tensors[1].name = b"gru/__inference_standard_gru_99/kernel"
    assert serialize(model) == first
    assert [tensor.spec.name for tensor in read(first).tensors] == ["features", "gru/standard_gru/kernel", "value"]


def test_numbers_that_belong_to_a_layers_name_stay(flatbuffer):
    model = parse(flatbuffer)
    model.subgraphs[0].tensors[1].name = b"conv2d_128/Conv2D;dense_3/MatMul1"
    assert read(serialize(model)).tensors[1].spec.name == "conv2d_128/Conv2D;dense_3/MatMul1"


def test_equal_names_are_told_apart(flatbuffer):
    model = parse(flatbuffer)
    for tensor in model.subgraphs[0].tensors:
        tensor.name = b"value"
    assert [tensor.spec.name for tensor in read(serialize(model)).tensors] == ["features", "value#2", "value"]


def test_metadata_of_the_conversion_is_dropped_and_other_metadata_kept(flatbuffer):
    model = parse(flatbuffer)
    model.metadata = []
    for name in (b"CONVERSION_METADATA", b"min_runtime_version"):
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, 0
        model.metadata.append(entry)
    assert [entry.name for entry in parse(serialize(model)).metadata] == [b"min_runtime_version"]


def test_constants_behind_the_flatbuffer_come_inside(flatbuffer, weights):
    model = parse(flatbuffer)
    behind = schema.BufferT()
    behind.offset = behind.size = 2
    model.buffers = [schema.BufferT(), behind]
    packed = bytearray(flatbuffer_utils.convert_object_to_bytearray(model))
    packed += bytes(-len(packed) % 16)
    buffer = schema.Model.GetRootAs(packed, 0).Buffers(1)
    flatbuffer_utils.update_packed_buffer(buffer, offset=len(packed), size=weights.nbytes)
    made = serialize(parse(bytes(packed) + weights.tobytes()))
    assert schema.Model.GetRootAs(made, 0).Buffers(1).Offset() == 0
    values = np.ones((1, weights.shape[1]), np.float32)
    np.testing.assert_array_equal(predict(made, values), predict(flatbuffer, values))


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 64, b"PK\x03\x04" * 8])
def test_other_files_are_refused(data):
    with pytest.raises(ArtifactError, match="lacks the identifier TFL3"):
        parse(data)


@settings(max_examples=300)
@given(data=st.data())
def test_damage_is_an_error_of_ours_or_a_model(flatbuffer, data):
    flatbuffer = bytearray(flatbuffer)
    for place in data.draw(st.lists(st.integers(8, len(flatbuffer) - 1), min_size=1, max_size=8)):
        flatbuffer[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ArtifactError):
        parse(bytes(flatbuffer))


def test_what_no_flatbuffer_can_hold_is_refused(flatbuffer, monkeypatch):
    monkeypatch.setattr(writer, "MAX_BYTES", 1000)
    with pytest.raises(ArtifactError, match="at most 1000"):
        serialize(parse(flatbuffer))
