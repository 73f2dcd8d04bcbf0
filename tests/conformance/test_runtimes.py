"""One kit over the runtimes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from mobilenn.core.artifacts import TensorSpec
from mobilenn.core.errors import ArtifactError, DataError, WorkerError
from mobilenn.runtime import host
from mobilenn.runtime.host import HostSession, dequantized, quantized

APIS = ("interpreter", "compiled_model")


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A float32 and an int8 file of one tiny image network, and its Keras model."""
    from mobilenn import networks
    from mobilenn.convert.flatbuffer import to_flatbuffer
    from mobilenn.core.precision import Precision
    from mobilenn.quantize import quantize_flatbuffer

    folder = tmp_path_factory.mktemp("files")
    model = networks.make("mlp", {"input_shape": [8, 8, 1], "hidden": [16], "classes": 3})
    flatbuffer = to_flatbuffer(model, Precision.FLOAT32)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 1)).astype(np.uint8)
    samples = [{"image": pixels[i : i + 1].astype(np.float32)} for i in range(len(pixels))]
    (folder / "float32.tflite").write_bytes(flatbuffer)
    (folder / "int8.tflite").write_bytes(quantize_flatbuffer(flatbuffer, Precision.INT8, samples))
    return folder, model, pixels


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(("name", "tolerance"), [("float32", 1e-5), ("int8", 0.05)])
def test_it_computes_the_network(files, api, name, tolerance):
    folder, model, pixels = files
    with HostSession(folder / f"{name}.tflite", api=api) as session:
        found = session.predict({"image": pixels})["probabilities"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, model(pixels.astype(np.float32)), atol=tolerance)


@pytest.mark.parametrize("api", APIS)
def test_chunks_do_not_change_the_outputs(files, api, monkeypatch):
    folder, _, pixels = files
    with HostSession(folder / "int8.tflite", api=api) as session:
        whole = session.predict({"image": pixels})["probabilities"]
        monkeypatch.setattr(host, "CHUNK_BYTES", 1024)
        np.testing.assert_array_equal(session.predict({"image": pixels})["probabilities"], whole)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "received nothing"),
        ({"picture": np.zeros((1, 8, 8, 1))}, "takes image; received picture"),
        ({"image": np.zeros((1, 8, 8, 3))}, "has shape"),
        ({"image": np.zeros((0, 8, 8, 1))}, "at least 1"),
        ({"image": np.full((1, 8, 8, 1), np.nan)}, "not finite"),
    ],
)
def test_bad_inputs_are_one_error(files, inputs, words):
    with HostSession(files[0] / "float32.tflite") as session, pytest.raises(DataError) as caught:
        session.predict(inputs)
    assert words in str(caught.value)


@pytest.mark.parametrize("api", APIS)
def test_a_file_that_is_no_model_is_one_error(tmp_path, files, api):
    with pytest.raises(ArtifactError, match="no file"):
        HostSession(tmp_path / "none.tflite", api=api)
    whole = (files[0] / "float32.tflite").read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        (tmp_path / "bad.tflite").write_bytes(content)
        with pytest.raises(ArtifactError) as caught:
            HostSession(tmp_path / "bad.tflite", api=api)
        assert "\n" not in str(caught.value)


def test_a_file_can_be_replaced_while_it_runs(files, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes((files[0] / "int8.tflite").read_bytes())
    with HostSession(path) as session:
        first = session.predict({"image": files[2]})
        path.write_bytes(b"")
        np.testing.assert_array_equal(session.predict({"image": files[2]})["probabilities"], first["probabilities"])


def test_a_worker_that_dies_is_one_error_and_this_process_goes_on(files):
    session = HostSession(files[0] / "float32.tflite")
    os.kill(session._worker._process.pid, 11)
    session._worker._process.wait()
    with session:
        for words in (r"died during 'predict': signal 11", r"died before 'predict'"):  # and none takes its place
            with pytest.raises(WorkerError, match=words):
                session.predict({"image": files[2]})
    with HostSession(files[0] / "float32.tflite") as again:
        assert len(again.predict({"image": files[2]})["probabilities"]) == len(files[2])


def test_the_host_runs_without_tensorflow(files):
    script = (
        "import sys; from pathlib import Path; from mobilenn.bench import bench, BenchConfig;"
        f"bench(Path({str(files[0] / 'int8.tflite')!r}), BenchConfig(threads=(1,), max_seconds=0.05, warmup_s=0));"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_quantization_follows_the_signature():
    spec = TensorSpec(name="x", shape=(1, 4), dtype="uint8", scale=0.5, zero_point=10)
    stored = quantized(np.array([[-100.0, 0.0, 1.0, 1000.0]]), spec)
    np.testing.assert_array_equal(stored, np.array([[0, 10, 12, 255]], np.uint8))
    np.testing.assert_array_equal(dequantized(stored, spec), [[-5.0, 0.0, 1.0, 122.5]])


def test_threads_are_changed_in_place_and_a_profile_that_fails_is_left_out(files):
    folder, model, pixels = files
    with HostSession(folder / "float32.tflite", threads=1) as session:
        assert {row.operator for row in session.profile(runs=2)}
        session.use_threads(2)
        assert session.threads == 2
        assert session.profile(runs="many") == ()
        found = session.predict({"image": pixels})["probabilities"]
    np.testing.assert_allclose(found, model(pixels.astype(np.float32)), atol=1e-5)
