"""What a file holds, where it runs, and that no bytes make the reader crash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core import store
from mobilenn.core.artifacts import TensorSpec
from mobilenn.core.errors import ArtifactError
from mobilenn.core.vocabulary import Vocabulary
from mobilenn.tflite.inspect import inspect, precheck
from mobilenn.tflite.package import Package, pack, unpack
from mobilenn.tflite.reader import read


def test_a_model_is_read_field_by_field(flatbuffer, weights):
    contents = read(flatbuffer)
    assert contents.operators == {"FULLY_CONNECTED": 1}
    (signature,) = contents.signatures
    assert signature.inputs == (TensorSpec(name="features", shape=(1, 8), dtype="float32"),)
    assert signature.outputs == (TensorSpec(name="value", shape=(1, 16), dtype="float32"),)
    stored = next(t.weights for t in contents.tensors if t.spec.name == "w")
    np.testing.assert_array_equal(stored.view(np.float32).reshape(16, 8), weights)


def test_inspection_tells_identity_weights_and_package(flatbuffer, tmp_path):
    path = tmp_path / "m.tflite"
    golden = {"features": np.zeros((3, 8), np.float32)}
    path.write_bytes(pack(flatbuffer, Package(labels=("a", "b"), golden_inputs=golden)))
    found = inspect(path)
    assert found.sha256 == store.sha256_file(path)
    assert found.size_bytes == path.stat().st_size
    assert found.precision == "float32"
    assert found.sparsity == 0.5
    assert found.weight_bytes == {"float32": 512}
    assert found.package["labels"] == ("a", "b")
    assert found.package["golden_pairs"] == 3
    assert found.to_dict()["signatures"]["serving_default"]["inputs"][0]["name"] == "features"


def test_a_vocabulary_travels_whole_and_is_shown_as_a_number(flatbuffer, tmp_path):
    vocabulary = Vocabulary.fit(["the lock is open", "the file is closed"], "word", 100).to_dict()
    packed = pack(flatbuffer, Package(preprocessing={"vocabulary": vocabulary, "length": 5}))
    (tmp_path / "m.tflite").write_bytes(packed)
    assert unpack(packed)[1].preprocessing["vocabulary"] == vocabulary
    shown = inspect(tmp_path / "m.tflite").to_dict()["package"]["preprocessing"]
    assert shown == {"vocabulary": {"kind": "word", "lower": True, "tokens": len(vocabulary["tokens"])}, "length": 5}


def test_a_portable_model_has_no_faults(flatbuffer):
    assert precheck(flatbuffer) == []


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"custom": "FlexAdd"}, "custom operator FlexAdd"),
        ({"dynamic": True}, "dynamic shape of 'features'"),
        ({"variable": True}, "variable tensors"),
        ({"signature": False}, "no signature"),
    ],
)
def test_what_a_runtime_would_refuse_is_named(build, weights, options, fault):
    assert precheck(build(weights, **options)) == [fault]


@pytest.mark.parametrize("content", [b"", b"x" * 15, b"\0" * 64, b"\x10\0\0\0TFL3" + b"\xff" * 40])
def test_what_is_no_model_is_one_error(content, tmp_path):
    (tmp_path / "m.tflite").write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        inspect(tmp_path / "m.tflite")
    assert "\n" not in str(caught.value)
    with pytest.raises(ArtifactError, match="cannot be read"):
        inspect(tmp_path / "none.tflite")


@given(data=st.data())
def test_no_damage_makes_the_reader_crash(flatbuffer, data):
    harmed = bytearray(flatbuffer)
    for _ in range(data.draw(st.integers(1, 6))):
        harmed[data.draw(st.integers(8, len(harmed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(16, len(harmed)))
    try:
        read(bytes(harmed[:cut]))
    except ArtifactError as error:
        message = error.message
    else:
        message = ""
    assert "\n" not in message
