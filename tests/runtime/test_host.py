"""A session runs a file in a worker of its own, or in one that is lent and stays warm."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from mobilenn.core.artifacts import TensorSpec
from mobilenn.core.errors import WorkerError
from mobilenn.core.worker import Worker
from mobilenn.runtime.host import HostSession, quantized
from tests.tflite.conftest import dense_model

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def files(tmp_path):
    made = {}
    for name, factor in (("one", 1.0), ("two", 2.0)):
        made[name] = tmp_path / f"{name}.tflite"
        made[name].write_bytes(dense_model(factor * np.eye(4)))
    return made


@pytest.fixture
def warm():
    with Worker("mobilenn.runtime.host_worker", replaced=False) as worker:
        yield worker


def test_a_lent_worker_runs_one_file_after_another(files, warm):
    children = []
    for name, factor in (("one", 1.0), ("two", 2.0)):
        with HostSession(files[name], worker=warm) as session:
            assert np.array_equal(session.predict({"features": ROWS})["value"], factor * ROWS)
        children.append(warm._process.pid)
    assert children[0] == children[1]


def test_a_death_ends_its_own_session_and_no_later_one(files, warm):
    with HostSession(files["one"], worker=warm) as session:
        os.kill(warm._process.pid, signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(WorkerError, match="died"):
                session.predict({"features": ROWS})
    with HostSession(files["two"], worker=warm) as session:
        assert np.array_equal(session.predict({"features": ROWS})["value"], 2 * ROWS)


def test_a_session_of_its_own_ends_its_worker(files):
    with HostSession(files["one"]) as session:
        child = session._worker._process
    assert child.poll() is not None


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16"])
@pytest.mark.parametrize(("scale", "zero_point"), [(1.0, 0), (0.75, -3), (2.5, 100)])
def test_pixels_are_stored_as_any_other_values(dtype, scale, zero_point):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 20, 20), np.uint8)
    spec = TensorSpec(name="image", shape=(1, 20, 20), dtype=dtype, scale=scale, zero_point=zero_point)
    assert np.array_equal(quantized(pixels, spec), quantized(pixels.astype(np.float32), spec))
