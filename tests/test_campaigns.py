"""Small versions of the campaigns under tools/: kills, and damaged files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def campaign(tool, *arguments):
    command = [sys.executable, str(ROOT / "tools" / tool), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_ten_kills_end_in_the_same_bytes(tmp_path):
    done = campaign("kill_runs.py", "--times", 10, "--seed", 1, "--out", tmp_path / "kills.json")
    found = json.loads((tmp_path / "kills.json").read_text())
    assert done.returncode == 0, done.stdout
    assert found["good"] == 10
    assert sum(row["killed"] for row in found["rounds"]) >= 7


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_damaged_files_are_one_line_each(tmp_path):
    from mobilenn import networks
    from mobilenn.convert.flatbuffer import to_flatbuffer
    from mobilenn.core.precision import Precision
    from mobilenn.tflite.package import Package, pack

    model = networks.make("mlp", {"input_shape": [8], "hidden": [16], "classes": 3})
    path = tmp_path / "model.tflite"
    path.write_bytes(pack(to_flatbuffer(model, Precision.FLOAT32), Package(labels=("a", "b", "c"))))
    done = campaign("fuzz_files.py", path, "--count", 15, "--out", tmp_path / "fuzz.json")
    found = json.loads((tmp_path / "fuzz.json").read_text())
    assert done.returncode == 0, found["bad"]
    assert sum(n for code, n in found["exit_codes"]["inspect"].items() if code != "0") >= 5
