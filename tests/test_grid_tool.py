"""Settings weighed by validation splits: every combination, the best first, the test split unseen."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from mobilenn import data
from mobilenn.core import recipe as recipes
from mobilenn.core.errors import RecipeError

TOOL = Path(__file__).resolve().parents[1] / "tools" / "grid.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("grid_tool", TOOL)
    loaded = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "grid_tool", loaded)  # where its dataclass looks for its own types
        spec.loader.exec_module(loaded)
        yield loaded


@pytest.fixture
def grid(tool):
    return tool.Grid(watch="accuracy", validation=0.2, seeds=(0, 1), settings={"train.epochs": (1, 12)})


def test_combinations_are_all_and_each_once(tool):
    made = tool.Grid(watch="r2", validation=0.1, seeds=(0,), settings={"a": (1, 2), "b": ([], [3])}).combinations()
    assert list(made) == [{"a": 1, "b": []}, {"a": 1, "b": [3]}, {"a": 2, "b": []}, {"a": 2, "b": [3]}]


def test_assignments_are_read_back_as_they_were(tool):
    chosen = {"config.hidden": [8, 4], "train.optimizer": "sgd", "train.xla": True, "config.dropout": 0.25}
    read = recipes.load("wine", tool.assignments(chosen))
    assert read.config["hidden"] == [8, 4]
    assert read.config["dropout"] == 0.25
    assert read.train["optimizer"] == "sgd"
    assert read.train["xla"] is True


def test_more_training_is_preferred_whatever_the_test_split_holds(tool, grid, monkeypatch):
    monkeypatch.setattr(tool, "ProcessPoolExecutor", _Here)
    rows = tool.weigh("wine", ["config.hidden=[4]"], grid)
    assert [row["settings"]["train.epochs"] for row in rows] == [12, 1]
    assert rows[0]["metric"] >= rows[0]["least"]
    assert rows[0]["loss"] < rows[1]["loss"]
    assert "epochs" in tool.page("accuracy", rows)
    monkeypatch.setattr(data, "load", _with_another_test_split(data.load))
    assert tool.weigh("wine", ["config.hidden=[4]"], grid) == rows


def test_a_metric_that_is_not_measured_is_refused(tool, grid, monkeypatch):
    monkeypatch.setattr(tool, "ProcessPoolExecutor", _Here)
    with pytest.raises(RecipeError, match="watches r2") as caught:
        tool.weigh("wine", [], tool.Grid(watch="r2", validation=0.2, seeds=(0,), settings={"train.epochs": (1,)}))
    assert caught.value.hint == "Allowed: accuracy."


@pytest.mark.parametrize("text", ["watch = 'accuracy'", "watch =", "more = 1"])
def test_what_is_no_grid_is_refused(tool, tmp_path, text):
    (tmp_path / "grid.toml").write_text(text)
    with pytest.raises(RecipeError):
        tool.read(tmp_path / "grid.toml")


def _with_another_test_split(load):
    def loaded(*arguments):
        found = load(*arguments)
        found.test.targets[:] = 0
        return found

    return loaded


class _Here:
    """A pool of no processes."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    map = staticmethod(map)
