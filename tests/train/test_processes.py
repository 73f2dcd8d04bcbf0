"""What needs a process of its own: real kills, several devices, several workers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

RUNNER = Path(__file__).parent / "runner.py"
ROOT = RUNNER.parents[2]

pytestmark = pytest.mark.slow


def start(options: dict[str, Any], **environment: str) -> subprocess.Popen:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    arguments = [sys.executable, str(RUNNER), json.dumps(options)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ)


def finish(process: subprocess.Popen) -> dict[str, Any]:
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    return json.loads(out.splitlines()[-1])


def killed(process: subprocess.Popen) -> None:
    process.communicate(timeout=200)
    assert process.returncode == -signal.SIGKILL


def test_kill_minus_nine_and_a_rerun_give_the_same_bits(tmp_path: Path) -> None:
    settings = {"epochs": 4, "augment": {"shift_pixels": 1}}
    options = {"settings": settings, "config": {"dropout": 0.25}, "out": str(tmp_path / "killed")}
    expected = finish(start({**options, "out": str(tmp_path / "whole")}))
    killed(start({**options, "kill_at": [2, 4]}))
    killed(start({**options, "kill_at": [4, 6]}))
    resumed = finish(start(options))
    # The write of epoch 3 runs beside epoch 4: the kill may come before its end, and never costs more.
    assert resumed["first_epoch"] in (3, 4)
    assert resumed["sha256"] == expected["sha256"]
    assert resumed["history"] == expected["history"]


def test_two_devices_learn_what_one_does(tmp_path: Path) -> None:
    """The same global batches: only the order of summing differs."""
    one = finish(start({"out": str(tmp_path / "one"), "devices": 2}))
    two = finish(start({"out": str(tmp_path / "two"), "devices": 2, "settings": {"strategy": "mirrored"}}))
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(two["history"][name], one["history"][name], rtol=1e-4)
    assert two["sha256"] != one["sha256"]


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path: Path) -> None:
    settings = {"strategy": "mirrored", "batch_size": 15}
    found = finish(start({"out": str(tmp_path), "devices": 2, "settings": settings}))
    assert found["error"] == "RecipeError"
    assert "15 cannot be shared by 2" in found["message"]


def cluster(count: int) -> list[str]:
    """TF_CONFIG of each worker of a cluster on free ports of this machine."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{bound.getsockname()[1]}" for bound in sockets]
    tasks = [{"type": "worker", "index": index} for index in range(count)]
    return [json.dumps({"cluster": {"worker": workers}, "task": task}) for task in tasks]


def test_two_workers_learn_what_one_does_and_only_the_chief_writes(tmp_path: Path) -> None:
    expected = finish(start({"out": str(tmp_path / "one")}))
    settings = {"strategy": "multi_worker", "tensorboard": True}

    def workers(**more: Any) -> list[subprocess.Popen]:
        each = [{"out": str(tmp_path / f"w{index}"), "settings": settings, **more} for index in range(2)]
        pairs = zip(each, cluster(2), strict=True)
        return [start(options, TF_CONFIG=config) for options, config in pairs]

    for process in workers(kill_at=[3, 2]):
        killed(process)
    chief, other = (finish(process) for process in workers())
    assert chief["first_epoch"] == other["first_epoch"] > 1
    assert chief["sha256"] == other["sha256"]
    assert chief["history"] == other["history"]
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(chief["history"][name], expected["history"][name], rtol=1e-4)
    assert {"checkpoint.npz", "tensorboard"} <= set(chief["written"])
    assert other["written"] == []


@pytest.mark.parametrize(
    "config", ["", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}']
)
def test_a_cluster_that_is_none_is_refused(tmp_path: Path, config: str) -> None:
    options = {"out": str(tmp_path), "settings": {"strategy": "multi_worker"}}
    found = finish(start(options, TF_CONFIG=config))
    assert found["error"] == "RecipeError"
    assert "TF_CONFIG" in found["message"]
