"""A job's result, its errors, its crash and its silence all reach the caller as what they are."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mobilenn.core.errors import DataError, WorkerError
from mobilenn.core.worker import Worker, read_frame, write_frame

JOBS = """
    import os, signal, sys, time
    from mobilenn.core.errors import DataError
    from mobilenn.core.worker import serve

    def echo(arguments, arrays, emit):
        print("noise on standard output")
        emit({"half": 1})
        return {"pid": os.getpid(), **arguments}, arrays

    def crash(arguments, arrays, emit):
        os.kill(os.getpid(), arguments["signal"])

    def fault(arguments, arrays, emit):
        raise DataError("bad rows", "mend them", faults=["a.csv:3: NaN"])

    def bug(arguments, arrays, emit):
        raise KeyError("first line")

    def sleep(arguments, arrays, emit):
        for _ in range(arguments["times"]):
            time.sleep(0.2)
            emit({})
        time.sleep(arguments["silence"])
        return {}, {}

    if __name__ == "__main__":
        serve({"echo": echo, "crash": crash, "fault": fault, "bug": bug, "sleep": sleep})
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    (tmp_path / "jobs_of_a_test.py").write_text(textwrap.dedent(JOBS))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Worker("jobs_of_a_test", log=tmp_path / "log") as made:
        yield made


def test_results_arrays_and_events_come_back(worker, tmp_path):
    events = []
    arrays = {
        "x": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "scalar": np.float32(2.5).reshape(()),
        "none": np.zeros((0, 4)),
    }
    result, received = worker.call("echo", {"a": [1, "ü"]}, arrays, timeout_s=30, on_event=events.append)
    assert result["a"] == [1, "ü"]
    assert events == [{"half": 1}]
    for name, array in arrays.items():
        np.testing.assert_array_equal(received[name], array, strict=True)
    assert "noise" in (tmp_path / "log").read_text()


def test_the_worker_stays_warm(worker):
    first, _ = worker.call("echo", timeout_s=30)
    second, _ = worker.call("echo", timeout_s=30)
    assert first["pid"] == second["pid"]


@pytest.mark.parametrize("number", [6, 9, 11])
def test_a_crash_becomes_an_error_and_the_next_job_works(worker, number):
    with pytest.raises(WorkerError, match=f"signal {number} ") as caught:
        worker.call("crash", {"signal": number}, timeout_s=30)
    assert "log" in caught.value.hint
    assert worker.call("echo", {"b": 2}, timeout_s=30)[0]["b"] == 2


def test_our_own_errors_keep_their_class_and_faults(worker):
    with pytest.raises(DataError, match="bad rows") as caught:
        worker.call("fault", timeout_s=30)
    assert caught.value.faults == ("a.csv:3: NaN",)
    assert caught.value.hint == "mend them"


def test_other_errors_become_one_line_with_the_log(worker, tmp_path):
    with pytest.raises(WorkerError, match="'bug' failed: KeyError: 'first line'"):
        worker.call("bug", timeout_s=30)
    assert "Traceback" in (tmp_path / "log").read_text()


def test_silence_is_ended_and_events_keep_a_job_alive(worker):
    assert worker.call("sleep", {"times": 6, "silence": 0}, timeout_s=1.0) == ({}, {})
    with pytest.raises(WorkerError, match="no sign of life"):
        worker.call("sleep", {"times": 0, "silence": 30}, timeout_s=0.5)


def test_a_worker_ends_with_its_parent(worker, tmp_path):
    script = f"""
        import os, sys
        sys.path.insert(0, {str(tmp_path)!r})
        from mobilenn.core.worker import Worker
        worker = Worker("jobs_of_a_test")
        print(worker.call("echo", timeout_s=30)[0]["pid"], flush=True)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and alive(pid):
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has reaped yet does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


DTYPES = st.sampled_from(["u1", "i1", "<i4", "<i8", "<f4", "<f8", "?"])
ARRAYS = st.dictionaries(
    st.text(), hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)), max_size=3
)


@given(st.dictionaries(st.text(), st.integers() | st.text()), ARRAYS)
def test_frames_survive_the_pipe(header, arrays):
    header.pop("arrays", None)
    stream = io.BytesIO()
    write_frame(stream, header, arrays)
    stream.seek(0)
    found, received = read_frame(stream)
    assert found == header
    assert set(received) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(received[name], array, strict=True)
    assert read_frame(stream) is None


@given(st.data())
def test_a_frame_cut_short_is_an_end_not_a_crash(data):
    stream = io.BytesIO()
    write_frame(stream, {"a": 1}, {"x": np.arange(4)})
    whole = stream.getvalue()
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert read_frame(io.BytesIO(whole[:cut])) is None


def test_what_is_not_a_frame_is_refused():
    with pytest.raises(ValueError, match="not a frame"):
        read_frame(io.BytesIO(os.urandom(7) + b"\xff" + b"x" * 64))
