"""From a trained Keras model through both converters: what integers cost, network by network."""

from __future__ import annotations

import numpy as np
import pytest
import tf_keras as keras

from mobilenn import networks
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.precision import Precision
from mobilenn.layers.lrn import LocalResponseNormalization
from mobilenn.quantize import quantize_flatbuffer
from mobilenn.runtime.host import HostSession
from mobilenn.tflite.reader import read

layers = keras.layers
CLASSES = 4


def pictures(count, seed):
    """A bright bar in noise; its direction is the class."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, CLASSES, count)
    made = generator.integers(0, 120, (count, 16, 16, 1))
    for picture, target in zip(made, targets, strict=True):
        place = generator.integers(3, 13)
        line = (np.s_[place], np.s_[:, place], np.eye(16, dtype=bool), np.eye(16, dtype=bool)[::-1])[target]
        picture[line] = 255
    return made.astype(np.float32), targets


def bars(alpha):
    image = layers.Input((16, 16, 1), name="image")
    made = layers.Rescaling(1 / 255, name="rescale")(image)
    made = layers.Conv2D(16, 3, activation="relu", name="conv1")(made)
    made = LocalResponseNormalization(k=1.0, alpha=alpha, name="lrn1")(made)
    made = layers.MaxPooling2D(2, name="pool1")(made)
    made = layers.Conv2D(24, 3, padding="same", activation="relu", name="conv2")(made)
    made = layers.GlobalMaxPooling2D(name="pool2")(made)
    return keras.Model(image, layers.Dense(CLASSES, name="value")(made), name="bars")


def trained(model):
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*pictures(600, 1), batch_size=32, epochs=6, verbose=0)
    return model


def predict(flatbuffer, tmp_path, **inputs):
    path = tmp_path / "model.tflite"
    path.write_bytes(flatbuffer)
    with HostSession(path) as session:
        return next(iter(session.predict(inputs).values()))


@pytest.fixture(scope="module", params=[1e-4, 10.0], ids=["mild", "strong"])
def bar_model(request):
    """A trained classifier with a mild or a strong local response normalisation, and its float file."""
    keras.utils.set_random_seed(11)
    model = trained(bars(request.param))
    return model, to_flatbuffer(model, Precision.FLOAT32)


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [(Precision.DYNAMIC_INT8, 0.01), (Precision.INT8, 0.02), (Precision.INT16X8, 0.01), (Precision.INT4, 0.15)],
)
def test_a_trained_network_keeps_its_answers(bar_model, precision, tolerance, tmp_path):
    model, source = bar_model
    images, targets = pictures(200, 2)
    calibration = [{"image": image[None]} for image in pictures(50, 3)[0]]
    if precision is Precision.INT16X8:
        made = to_flatbuffer(model, precision, calibration)
    else:
        made = quantize_flatbuffer(source, precision, calibration)
    expected, found = model.predict(images, verbose=0), predict(made, tmp_path, image=images)
    assert (expected.argmax(1) == targets).mean() > 0.95
    assert np.sqrt(np.square(found - expected).mean() / np.square(expected).mean()) < tolerance
    assert (found.argmax(1) == targets).mean() > (expected.argmax(1) == targets).mean() - 0.03


def test_a_mild_normalisation_is_int8_and_a_strong_one_float(bar_model):
    model, source = bar_model
    calibration = [{"image": image[None]} for image in pictures(20, 3)[0]]
    contents = read(quantize_flatbuffer(source, Precision.INT8, calibration))
    dtype = next(t.spec.dtype for t in contents.tensors if t.spec.name == "lrn1/lrn_square")
    assert dtype == ("int8" if model.get_layer("lrn1").alpha < 0.01 else "float32")


def test_a_loop_stays_float_inside_an_int8_file(tmp_path):
    keras.utils.set_random_seed(1)
    steps = layers.Input((6, 5), name="steps")
    made = layers.GRU(8, name="gru")(layers.Dense(7, activation="relu", name="dense")(steps))
    model = keras.Model(steps, layers.Dense(3, name="value")(made))
    values = np.random.default_rng(0).normal(size=(20, 6, 5)).astype(np.float32)
    made = quantize_flatbuffer(
        to_flatbuffer(model, Precision.FLOAT32), Precision.INT8, [{"steps": v[None]} for v in values]
    )
    contents = read(made)
    assert contents.operators["WHILE"] == 1
    stored = {t.spec.name.split("/")[0]: t.spec.dtype for t in contents.tensors if t.weights.size >= 20}
    assert (stored["value"], stored["dense"]) == ("int8", "int8")
    found = predict(made, tmp_path, steps=values)
    np.testing.assert_allclose(found, model(values), atol=0.05)


def test_clips_are_uint8_and_their_convolutions_int8(tmp_path):
    keras.utils.set_random_seed(1)
    clip = layers.Input((4, 8, 8, 1), name="clip")
    made = layers.Conv3D(6, 3, padding="same", name="conv1")(layers.Rescaling(1 / 255)(clip))
    made = layers.ReLU(name="relu1")(layers.BatchNormalization(name="norm1")(made))
    made = layers.Flatten()(layers.MaxPooling3D(2, name="pool1")(made))
    model = keras.Model(clip, layers.Dense(3, name="value")(made))
    values = np.random.default_rng(0).integers(0, 256, (10, 4, 8, 8, 1)).astype(np.float32)
    made = quantize_flatbuffer(
        to_flatbuffer(model, Precision.FLOAT32), Precision.INT8, [{"clip": v[None]} for v in values]
    )
    contents = read(made)
    assert contents.signatures[0].inputs[0].dtype == "uint8"
    assert not {"CONV_3D", "RELU", "LOCAL_RESPONSE_NORMALIZATION"} & set(contents.operators)
    assert {t.spec.dtype for t in contents.tensors if t.weights.size > 100} == {"int8"}
    expected = model(values).numpy()
    assert np.abs(predict(made, tmp_path, clip=values) - expected).max() < 0.04 * np.abs(expected).max()


def test_columns_of_a_table_keep_their_own_units_in_int8(tmp_path):
    """One column in thousands beside one in thousandths: 256 steps of the first would not see the second."""
    features = np.random.default_rng(3).normal(0, [3000, 0.003], (64, 2)).astype(np.float32)
    keras.utils.set_random_seed(4)
    config = {"input_shape": [2], "hidden": [8], "head": "regression", "classes": 1, "activation": "tanh"}
    model = networks.make("mlp", config)
    networks.module("mlp").adapt(model, features)
    expected = model(features).numpy()
    samples = [{"features": row[None]} for row in features]
    flatbuffer = quantize_flatbuffer(to_flatbuffer(model, Precision.FLOAT32), Precision.INT8, samples)
    found = predict(flatbuffer, tmp_path, features=features)
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
