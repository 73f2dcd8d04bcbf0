"""A file moves its centroids as Lloyd's iteration does, in every runtime."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras as keras

from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.convert.lloyd import centroid_layer, lloyd_parts
from mobilenn.core.errors import DataError
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Trainable
from mobilenn.jobs.lessons import lesson
from mobilenn.networks import kmeans
from mobilenn.runtime import lloyd, training
from mobilenn.runtime.host import HostSession
from mobilenn.runtime.interfaces import CompiledModelRun, InterpreterRun
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.merge import SIGNATURE, merge
from mobilenn.tflite.reader import read

layers = keras.layers
GENERATOR = np.random.default_rng(4)
ROWS = (GENERATOR.normal(size=(50, 3)) + 4 * GENERATOR.integers(0, 3, (50, 1))).astype(np.float32)
FAR = [100.0, 100.0, 100.0]  # a centroid that no row is nearest to


class Distances(layers.Layer):
    """Squared distances of rows to centroids."""

    def build(self, shape):
        self.centroids = self.add_weight("centroids", (4, shape[-1]))

    def call(self, inputs):
        return tf.reduce_sum((inputs[:, None] - self.centroids) ** 2, axis=2)


@pytest.fixture(scope="module")
def model():
    features = layers.Input((3,), name="features")
    halved = layers.Rescaling(0.5, name="halved")(features)
    made = keras.Model(features, Distances(name="distances")(halved), name="clusters")
    made.set_weights([np.float32([*(ROWS[:3] / 2), FAR])])
    return made


@pytest.fixture(scope="module")
def flatbuffer(model):
    return merge({SIGNATURE: to_flatbuffer(model, Precision.FLOAT32), **lloyd_parts(model, Trainable(batch_size=16))})


@pytest.fixture(params=["Interpreter", "CompiledModel"])
def file(request, flatbuffer):
    signatures = {signature.key: signature for signature in read(flatbuffer).signatures}
    if request.param == "Interpreter":
        run = InterpreterRun(flatbuffer, SIGNATURE, threads=1)
    else:
        run = CompiledModelRun(flatbuffer, signatures, SIGNATURE, threads=1)
    return training.trainable(signatures, run.runner)


def test_an_iteration_over_several_calls_is_one_of_lloyds(file, flatbuffer):
    assert precheck(flatbuffer) == []
    rows = training.prepared(file, {"features": ROWS})
    np.testing.assert_allclose(rows, ROWS / 2, rtol=1e-6)
    centroids = lloyd.beginning(file)
    expected = centroids.astype(np.float64)
    for _ in range(8):
        distances = np.square(rows[:, None] - expected).sum(2)
        nearest = distances.argmin(1)
        expected = np.stack([rows[nearest == c].mean(0) if (nearest == c).any() else expected[c] for c in range(4)])
        loss, centroids = lloyd.iterate(file, rows, centroids)
        assert loss == pytest.approx(distances.min(1).mean(), rel=1e-5)
        np.testing.assert_allclose(centroids, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(centroids[3], FAR)
    said = training.predict(file, {"features": ROWS[:4]}, {"centroids": centroids})
    np.testing.assert_allclose(said, np.square(rows[:4, None] - expected).sum(2), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("api", ["interpreter", "compiled_model"])
def test_the_recipes_network_hands_its_rows_on_in_every_runtime(api, tmp_path):
    model = kmeans.build(kmeans.Config(features=3, clusters=4))
    parts = lloyd_parts(model, Trainable(batch_size=16))
    path = tmp_path / "clusters.tflite"
    path.write_bytes(merge({SIGNATURE: to_flatbuffer(model, Precision.FLOAT32), **parts}))
    with HostSession(path, api=api) as session:
        opened = training.trainable(session.signatures, session.runner)
        np.testing.assert_array_equal(training.prepared(opened, {"features": ROWS}), ROWS)


def test_it_recites_its_lesson(model, file):
    found = lesson(model, Trainable(), {"features": ROWS})
    assert set(found) == {"losses"}
    assert found["losses"][-1] < found["losses"][0]
    recited = lloyd.lesson_losses(file, {"features": ROWS}, found)
    assert len(recited) == len(found["losses"])
    assert training.lesson_error(recited, found["losses"]) < 1e-5


def test_rows_of_another_kind_are_refused(file):
    for rows in (ROWS[:0], ROWS[:, :2], ROWS * np.nan):
        with pytest.raises(DataError, match="rows have shape"):
            lloyd.iterate(file, rows, lloyd.beginning(file))


def test_other_networks_have_no_centroids():
    features = layers.Input((3,))
    assert centroid_layer(keras.Model(features, layers.Dense(2, name="distances")(features))) is None
