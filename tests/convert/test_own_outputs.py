"""Outputs that nothing would write, or that are one tensor: an operator of their own makes them run everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn.convert import flatbuffer as conversion
from mobilenn.convert.flatbuffer import function_to_flatbuffer, to_flatbuffer
from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision
from mobilenn.quantize import quantize_flatbuffer
from mobilenn.runtime.host import HostSession
from mobilenn.tflite.edits import own_outputs
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.reader import read
from mobilenn.tflite.writer import parse, serialize

WEIGHTS = np.float32([0, 1, 2, 3])
GIVEN = {"x": np.float32([[1, -2, 3, 4], [5, 6, -7, 8]])}
FUNCTIONS = {
    "an input alone": lambda x: {"a": tf.identity(x)},
    "an input beside another output": lambda x: {"a": tf.identity(x), "b": x * 2.0},
    "a product with one": lambda x: {"a": x * 1.0},
    "one tensor twice": lambda x: {"a": x * WEIGHTS, "b": x * WEIGHTS},
    "an input twice": lambda x: {"a": tf.identity(x), "b": tf.identity(x)},
    "a constant": lambda x: {"a": tf.constant(WEIGHTS[np.newaxis]), "b": x + 1.0},
}


def made(name):
    spec = tf.TensorSpec((1, 4), tf.float32, name="x")
    function = tf.function(lambda given: FUNCTIONS[name](given["x"]), input_signature=[{"x": spec}])
    return function_to_flatbuffer(function, list(FUNCTIONS[name](tf.zeros((1, 4)))), tf.Module(), name)


def ran(flatbuffer, tmp_path, api):
    path = tmp_path / "made.tflite"
    path.write_bytes(flatbuffer)
    with HostSession(path, api=api) as session:
        return session.predict(GIVEN)


@pytest.mark.parametrize("api", ["interpreter", "compiled_model"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_runtime_gives_every_output(name, api, tmp_path):
    flatbuffer = made(name)
    assert precheck(flatbuffer) == []
    rows = [FUNCTIONS[name](tf.constant(row[np.newaxis])) for row in GIVEN["x"]]
    for output, values in ran(flatbuffer, tmp_path, api).items():
        np.testing.assert_array_equal(values, np.concatenate([np.asarray(row[output]) for row in rows]))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_an_operator_of_its_own_an_output_is_refused(name, monkeypatch):
    monkeypatch.setattr(conversion, "own_outputs", lambda model: None)
    with pytest.raises(ConversionError, match=r"no operator of its own writes '[ab]'"):
        made(name)


def test_a_scalar_that_is_handed_on_is_refused():
    spec = tf.TensorSpec((), tf.float32, name="rate")
    function = tf.function(lambda rate: {"a": tf.identity(rate), "b": rate * 2.0}, input_signature=[spec])
    with pytest.raises(ConversionError, match="no operator of its own writes 'a'"):
        function_to_flatbuffer(function, ["a", "b"], tf.Module(), "a scalar")


def test_what_grows_is_left_as_it_is():
    spec = tf.TensorSpec((None, 4), tf.float32, name="x")
    function = tf.function(lambda x: {"a": tf.identity(x), "b": x * 2.0}, input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    flatbuffer = bytes(converter.convert())
    model = parse(flatbuffer)
    own_outputs(model)
    assert read(serialize(model)).unwritten == read(flatbuffer).unwritten != ()


def test_what_has_its_operator_is_left_alone():
    model = keras.Sequential([keras.layers.Input((4,), name="x"), keras.layers.Dense(2, name="value")])
    flatbuffer = to_flatbuffer(model, Precision.FLOAT32)
    assert read(flatbuffer).operators == {"FULLY_CONNECTED": 1}
    assert read(flatbuffer).unwritten == ()


@pytest.mark.parametrize("api", ["interpreter", "compiled_model"])
def test_a_quantized_file_keeps_what_it_hands_on(api, tmp_path):
    source = keras.layers.Input((4,), name="x")
    value = keras.layers.Dense(16, name="value")(source)
    model = keras.Model(source, [value, keras.layers.Activation("linear", name="seen")(source)])
    quantized = quantize_flatbuffer(to_flatbuffer(model, Precision.FLOAT32), Precision.DYNAMIC_INT8)
    assert precheck(quantized) == []
    np.testing.assert_array_equal(ran(quantized, tmp_path, api)["seen"], GIVEN["x"])
