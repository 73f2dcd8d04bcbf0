"""Keras model in, portable bytes out, the same ones every time."""

from __future__ import annotations

import hashlib
import inspect as inspection
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn import networks
from mobilenn.compress.qat import apply_transform
from mobilenn.convert.flatbuffer import output_names, to_flatbuffer
from mobilenn.core.errors import ConversionError
from mobilenn.core.precision import Precision
from mobilenn.layers.lrn import LocalResponseNormalization
from mobilenn.quantize import quantize_flatbuffer
from mobilenn.runtime.host import HostSession
from mobilenn.tflite.inspect import inspect, precheck
from mobilenn.tflite.reader import read

layers = keras.layers


def small(seed=3, size=12, name="small"):
    """A classifier with a convolution, a local response normalisation and dense layers."""
    keras.utils.set_random_seed(seed)
    image = layers.Input((size, size, 2), name="image")
    made = layers.Rescaling(1 / 255, name="rescale")(image)
    made = layers.Conv2D(6, 3, activation="relu", name="conv1")(made)
    made = LocalResponseNormalization(k=1.0, alpha=0.1, name="lrn1")(made)
    made = layers.Conv2D(4, 3, padding="same", name="conv2")(layers.MaxPooling2D(name="pool1")(made))
    made = layers.Dense(3, name="logits")(layers.Flatten(name="flatten")(made))
    return keras.Model(image, layers.Activation("softmax", name="probabilities")(made), name=name)


def pixels(count=4, size=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 2)).astype(np.float32)


def samples(count=4):
    return [{"image": image[None]} for image in pixels(count)]


def run(flatbuffer, tmp_path, **inputs):
    path = tmp_path / "model.tflite"
    path.write_bytes(flatbuffer)
    with HostSession(path) as session:
        return session.predict(inputs)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [(Precision.FLOAT32, 1e-6), (Precision.FLOAT16, 2e-3), (Precision.INT16X8, 1e-2)]
)
def test_it_computes_what_keras_computes(precision, tolerance, tmp_path):
    model = small()
    flatbuffer = to_flatbuffer(model, precision, samples())
    assert precheck(flatbuffer) == []
    contents = read(flatbuffer)
    (signature,) = contents.signatures
    assert signature.key == "serving_default"
    ends = [(spec.name, spec.shape, spec.dtype) for spec in (*signature.inputs, *signature.outputs)]
    assert ends == [("image", (1, 12, 12, 2), "float32"), ("probabilities", (1, 3), "float32")]
    assert "LOCAL_RESPONSE_NORMALIZATION" not in contents.operators
    found = run(flatbuffer, tmp_path, image=pixels())["probabilities"]
    np.testing.assert_allclose(found, model(pixels()).numpy(), atol=tolerance)


def test_precisions_store_what_they_say(tmp_path):
    model, sizes = small(size=24), {}
    for precision in (Precision.FLOAT32, Precision.FLOAT16, Precision.INT16X8):
        shaped = [{"image": image[None]} for image in pixels(2, 24)]
        path = tmp_path / f"{precision}.tflite"
        path.write_bytes(to_flatbuffer(model, precision, shaped))
        sizes[precision] = path.stat().st_size
        assert inspect(path).precision == precision.value
    assert sizes[Precision.INT16X8] < sizes[Precision.FLOAT16] < sizes[Precision.FLOAT32]


def test_several_inputs_and_outputs_keep_their_names(tmp_path):
    first, second = layers.Input((3,), name="zebra"), layers.Input((3,), name="ape")
    joined = layers.Concatenate(name="joined")([first, layers.Dense(4, name="wide")(second)])
    model = keras.Model([first, second], [layers.Dense(2, name="value")(joined), joined])
    values = {name: np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32) for name in ("zebra", "ape")}
    found = run(to_flatbuffer(model, Precision.FLOAT32), tmp_path, **values)
    expected = model([values["zebra"], values["ape"]])
    assert set(found) == {"value", "joined"}
    np.testing.assert_allclose(found["value"], expected[0], atol=1e-6)
    np.testing.assert_allclose(found["joined"], expected[1], atol=1e-6)


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.FLOAT16, Precision.INT16X8])
def test_bytes_depend_on_the_model_alone(precision):
    first = to_flatbuffer(small(), precision, samples())
    to_flatbuffer(small(seed=4, size=10, name="another"), Precision.FLOAT32)
    assert to_flatbuffer(small(name="renamed"), precision, samples()) == first
    assert to_flatbuffer(small(seed=5), precision, samples()) != first


def test_bytes_of_loops_carry_no_counters():
    def looped():
        keras.utils.set_random_seed(1)
        steps = layers.Input((5, 3), name="steps")
        return keras.Model(steps, layers.Dense(2, name="value")(layers.GRU(4, name="gru")(steps)))

    first = to_flatbuffer(looped(), Precision.FLOAT32)
    assert to_flatbuffer(looped(), Precision.FLOAT32) == first
    contents = read(first)
    assert contents.operators["WHILE"] == 1
    assert not [t.spec.name for t in contents.tensors if re.search(r"__inference|_\d{3,}|Partitioned", t.spec.name)]


def alexnet_digests():
    """SHA-256 of tiny AlexNet as float32, and quantized from there."""
    alexnet = networks.module("alexnet")
    keras.utils.set_random_seed(2)
    source = to_flatbuffer(alexnet.build(alexnet.TINY), Precision.FLOAT32)
    image = np.random.default_rng(0).integers(0, 256, read(source).signatures[0].inputs[0].shape)
    made = [quantize_flatbuffer(source, p, [{"image": image}]) for p in (Precision.INT8, Precision.DYNAMIC_INT8)]
    return [hashlib.sha256(flatbuffer).hexdigest() for flatbuffer in (source, *made)]


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_bytes_are_the_same_in_a_fresh_process(hash_seed):
    body = [inspection.getsource(alexnet_digests), "print(*alexnet_digests())"]
    names = ("to_flatbuffer", "quantize_flatbuffer", "Precision", "read")
    imports = [f"from {globals()[name].__module__} import {name}" for name in names]
    program = "\n".join(
        ["import hashlib, numpy as np", "from mobilenn import networks", "import tf_keras as keras", *imports, *body]
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", program]
    fresh = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment).stdout
    to_flatbuffer(small(), Precision.FLOAT32)
    assert alexnet_digests() == fresh.split()


def trained_qat():
    wrapped = apply_transform(small(), "qat")
    wrapped.compile("sgd", "sparse_categorical_crossentropy")
    wrapped.fit(pixels(16), np.arange(16) % 3, epochs=2, verbose=0)
    return wrapped


def test_a_quantization_aware_model_takes_pixels_and_runs_on_integers(tmp_path):
    model = trained_qat()
    flatbuffer = to_flatbuffer(model, Precision.INT8)
    contents = read(flatbuffer)
    (source,), (target,) = contents.signatures[0].inputs, contents.signatures[0].outputs
    assert (source.name, source.dtype, source.scale, source.zero_point) == ("image", "uint8", 1.0, 0)
    assert (target.name, target.dtype) == ("probabilities", "float32")
    floats = [t.spec.name for t in contents.tensors if t.spec.dtype == "float32" and t.weights.size > 64]
    assert all("lrn_energy" in name for name in floats)
    found = run(flatbuffer, tmp_path, image=pixels())["probabilities"]
    np.testing.assert_allclose(found, model(pixels(), training=False), atol=0.05)
    assert to_flatbuffer(model, Precision.INT8) == flatbuffer


def test_wrapped_outputs_get_their_own_names_back():
    features = layers.Input((4,), name="features")
    plain = keras.Model(features, layers.Dense(2, name="value")(features))
    wrapped = apply_transform(plain, "qat")
    assert wrapped.output_names == ["quant_value"]
    assert output_names(wrapped) == output_names(plain) == ["value"]
    assert read(to_flatbuffer(wrapped, Precision.INT8)).signatures[0].outputs[0].name == "value"


def with_lambda(function):
    features = layers.Input((4,), name="features")
    return keras.Model(features, layers.Lambda(function)(features), name="odd")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: with_lambda(tf.math.erfinv), "The converter refused odd as float32: .*Erfinv"),
        (lambda: keras.Model(*[layers.Input((None, 3), name="clip")] * 2), "Input 'clip' has the shape"),
    ],
)
def test_what_is_not_portable_is_refused_by_name(model, reason):
    with pytest.raises(ConversionError, match=reason) as caught:
        to_flatbuffer(model(), Precision.FLOAT32)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500


def test_sequential_models_convert_too(tmp_path):
    model = keras.Sequential([layers.Input((3,), name="features"), layers.Dense(2, name="value")])
    values = np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)
    found = run(to_flatbuffer(model, Precision.FLOAT32), tmp_path, features=values)
    np.testing.assert_allclose(found["value"], model(values), atol=1e-6)


def test_whole_number_inputs_keep_their_dtype(tmp_path):
    ids = layers.Input((3,), name="ids", dtype="int32")
    model = keras.Model(ids, layers.Dense(2, name="value")(layers.Embedding(5, 4)(ids)))
    values = np.array([[0, 4, 2], [1, 1, 3]], np.int32)
    flatbuffer = to_flatbuffer(model, Precision.FLOAT32)
    assert read(flatbuffer).signatures[0].inputs[0].dtype == "int32"
    np.testing.assert_allclose(run(flatbuffer, tmp_path, ids=values)["value"], model(values), atol=1e-6)


@pytest.mark.parametrize("precision", [Precision.DYNAMIC_INT8, Precision.INT8, Precision.INT4])
def test_precisions_of_the_quantizer_are_sent_there(precision):
    with pytest.raises(ConversionError, match=r"made by mobilenn\.quantize"):
        to_flatbuffer(small(), precision)


@pytest.mark.parametrize("representative", [None, []])
def test_int16x8_needs_samples(representative):
    with pytest.raises(ConversionError, match="needs calibration samples"):
        to_flatbuffer(small(), Precision.INT16X8, representative)


def test_it_prints_nothing(capsys):
    to_flatbuffer(small(), Precision.INT16X8, samples())
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
