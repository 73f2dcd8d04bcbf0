"""Several seeds of a recipe against its floors."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from mobilenn.core import store

TOOL = Path(__file__).resolve().parents[1] / "tools" / "seeds.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("seeds_tool", TOOL)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def report(float_metric, shipped, recommended="int8", steps=20.0):
    maze = {"name": "episodes", "environment": "maze"}
    details = {"details": {"mean_steps": 20.0}}
    return {
        "metric": "solved",
        "higher_is_better": True,
        "recipe": {"task": "control", "data": maze, "floor": {"solved": 0.95, "mean_steps": 10.0}},
        "recommended": recommended,
        "float": {"metric": float_metric, **details},
        "variants": {
            "int8": {
                "metric": shipped,
                "status": "accepted" if recommended else "rejected",
                "details": {"mean_steps": steps},
            }
        },
        "baselines": {"random": {"metric": 0.2}},
        "training": {"seconds": 61.0},
        "data": {"test": 40},
    }


@pytest.mark.parametrize(
    ("found", "held"),
    [
        (report(0.97, 0.95), True),
        (report(0.97, 0.94), False),
        (report(0.94, 0.97), False),
        (report(0.97, 0.97, recommended=""), False),
        (report(0.97, 0.97, steps=9.0), False),
    ],
)
def test_the_float_model_and_what_ships_have_to_reach_every_floor(tool, found, held):
    assert tool.held(found)["held"] is held


def test_each_seed_is_run_and_a_miss_ends_with_one(tool, tmp_path, monkeypatch, capsys):
    seen = []

    def run(recipe, out):
        seen.append((recipe.seed, out.name, recipe.train["epochs"]))
        return report(0.97, 0.97 if recipe.seed else 0.5)

    monkeypatch.setattr(tool.pipeline, "run", run)
    options = ["--seeds", "0", "4", "--set", "train.epochs=3", "--results", str(tmp_path), "--out", str(tmp_path / "o")]
    monkeypatch.setattr(sys, "argv", ["seeds.py", "cartpole", *options])
    with pytest.raises(SystemExit) as ended:
        tool.main()
    assert ended.value.code == 1
    assert seen == [(0, "cartpole-0", 3), (4, "cartpole-4", 3)]
    rows = store.read_json(tmp_path / "seeds_cartpole.json")["rows"]
    assert [(row["seed"], row["shipped"], row["held"]) for row in rows] == [(0, 0.5, False), (4, 0.97, True)]
    page = (tmp_path / "seeds_cartpole.md").read_text()
    assert "MISSED" in page
    assert "least 50.00 %, over 2 seeds" in page
    assert page in capsys.readouterr().out
