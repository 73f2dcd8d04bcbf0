"""A recipe of episodes, from an environment of one's own to a file that plays; and one that cannot be learned in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mobilenn import pipeline
from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.golden import verify_file
from mobilenn.runtime.host import HostSession
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.package import unpack

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / "tests" / "environments" / "corridor.py"
RECIPE = """
summary = "a corridor"
task = "control"
network = "policy"
[config]
observation_shape = [9]
actions = 2
hidden = [16]
masked = true
[data]
name = "episodes"
environment = "corridor.py:WalledCorridor"
validation = 20
test = 20
observations = 60
[data.settings]
fault = ""
[train]
scheme = "reinforcement"
epochs = 4
batch_size = 32
learning_rate = 0.01
[train.agent]
environments = 8
steps = 60
discount = 0.9
warmup = 100
exploration_epochs = 2
target_period = 20
ahead = 2
updates = 2
[floor]
solved = 0.95
[baselines.rule]
method = "rule"
[bench]
threads = [1]
max_seconds = 0.2
[variants.float32]
precision = "float32"
[variants.dynamic_int8]
precision = "dynamic_int8"
[variants.int8]
precision = "int8"
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "corridor.py").write_bytes(OWN.read_bytes())
    (tmp_path / "walk.toml").write_text(RECIPE)
    return tmp_path


@pytest.mark.slow
def test_a_policy_goes_from_its_environment_to_files_that_play(place):
    out = place / "out"
    report = pipeline.run(recipes.load(str(place / "walk.toml")), out)
    assert (report["metric"], report["float"]["metric"]) == ("solved", 1.0)
    assert report["data"]["test"] == 20
    assert {row["status"] for row in report["variants"].values()} == {"accepted"}
    assert all(row["metric"] == row["agreement"] == 1.0 for row in report["variants"].values())
    assert report["baselines"]["rule"] == {"metric": 1.0, "parameters": None}
    path = out / report["variants"]["int8"]["file"]
    flatbuffer, package = unpack(path.read_bytes())
    assert precheck(flatbuffer) == []
    assert package.labels == ("back", "on")
    assert package.preprocessing["environment"] == "corridor.py:WalledCorridor"
    assert package.golden_outputs["action"].dtype == np.int32
    for errors in verify_file(out / report["variants"]["float32"]["file"])["runtimes"].values():
        assert errors["action"] == 0
        assert errors["values"] < 1e-4
    with HostSession(path) as session:
        found = session.predict({"observation": np.eye(9, dtype=np.float32)})
    assert (found["values"].dtype, found["action"].dtype) == (np.float32, np.int32)
    page = (out / "report.html").read_text()
    assert page.count("data:image/gif;base64,") == 2
    kinds = [(event["stage"], event["state"]) for event in _again(place, out) if "state" in event]
    assert {state for _, state in kinds} == {"reused"}


def _again(place, out):
    events = []
    pipeline.run(recipes.load(str(place / "walk.toml")), out, on_event=events.append)
    return events


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ("data.settings.fault=observation", DataError, "the observation is not finite"),
        ("data.settings.fault=reward", DataError, "the reward is nan"),
        ("data.settings.fault=shape", DataError, r"the observation has shape \(8,\)"),
        ("data.settings.fault=mask", DataError, "does not say which actions are allowed"),
        ("data.environment=no_module_here:Walk", RecipeError, "no_module_here"),
        ("data.environment=walks.py:Walk", RecipeError, "There is no environment file"),
    ],
)
def test_an_environment_with_faults_ends_a_run_before_anything_is_written(place, change, error, said):
    out = place / "out"
    with pytest.raises(error) as told:
        pipeline.run(recipes.load(str(place / "walk.toml"), [change]), out)
    faults = " ".join(getattr(told.value, "faults", ()))
    with pytest.raises(RuntimeError, match=said):
        raise RuntimeError(f"{told.value} {faults}")
    assert not out.exists()


def test_faults_are_listed_on_the_screen_without_a_traceback(place):
    asked = ["run", str(place / "walk.toml"), "--out", str(place / "out"), "--set", "data.settings.fault=reward"]
    done = subprocess.run(
        [sys.executable, "-m", "mobilenn", *asked], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == DataError.exit_code
    first, *faults = done.stderr.strip().splitlines()
    assert "cannot be learned in: 3 faults" in first
    assert all("step 1: the reward is nan" in fault for fault in faults)
    assert not (place / "out").exists()


def test_the_file_of_an_environment_is_relative_to_its_recipe(place):
    loaded = recipes.load(str(place / "walk.toml"))
    assert loaded.data["environment"] == f"{place / 'corridor.py'}:WalledCorridor"
    assert recipes.load("cartpole").data["environment"] == "cartpole"
    store.write_text(place / "other.toml", RECIPE.replace("corridor.py:", "package.module:"))
    assert recipes.load(str(place / "other.toml")).data["environment"] == "package.module:WalledCorridor"


@pytest.mark.slow
def test_two_processes_learn_the_same_bits(tmp_path):
    """Actor and critic have layers of the same names: what is told apart by address is another in each process."""
    settings = ["train.epochs=1", "train.agent.steps=48", "data.validation=20", "data.test=20"]
    told = [word for each in settings for word in ("--set", each)]
    for name in ("first", "second"):
        words = [sys.executable, "-m", "mobilenn", "train", "knapsack", *told, "--out", str(tmp_path / name)]
        subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
    first, second = (store.sha256_file(tmp_path / name / "stages/train/weights.npz") for name in ("first", "second"))
    assert first == second
