"""Cross-validation of a recipe: every row counts once, whatever the size of its fold."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from mobilenn.core import store

TOOLS = Path(__file__).resolve().parents[1] / "tools"
SHIPPED = {0: (0.9, 50), 1: (1.0, 40), 2: (1.0, 40), 3: (1.0, 70)}


@pytest.fixture(scope="module")
def tool():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        spec = importlib.util.spec_from_file_location("folds_tool", TOOLS / "folds.py")
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        yield loaded


@pytest.fixture
def played(monkeypatch):
    """Runs of wine that end at once; returns what was asked of them."""
    import seeds

    asked = []

    def run(recipe, out):
        asked.append(recipe)
        shipped, samples = SHIPPED[recipe.data["fold"]]
        return {
            "metric": "accuracy",
            "higher_is_better": True,
            "recipe": {"task": recipe.task, "data": dict(recipe.data), "floor": dict(recipe.floor)},
            "recommended": "int8" if shipped else "",
            "float": {"metric": 1.0},
            "variants": {"int8": {"metric": shipped, "status": "accepted"}},
            "baselines": {},
            "training": {"seconds": 1.0},
            "data": {"test": samples},
        }

    monkeypatch.setattr(seeds.pipeline, "run", run)
    return asked


@pytest.mark.parametrize(("floor", "code", "said"), [(0.975, 0, "is held"), (0.98, 1, "is MISSED")])
def test_the_mean_over_all_rows_has_to_reach_the_floor(tool, played, tmp_path, monkeypatch, capsys, floor, code, said):
    options = ["folds.py", "wine", "--floor", str(floor), "--set", "floor.accuracy=0.99", "--results", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", options)
    with pytest.raises(SystemExit) as ended:
        tool.main()
    assert ended.value.code == code
    assert [recipe.data["fold"] for recipe in played] == [0, 1, 2, 3]
    assert not any(recipe.floor or recipe.baselines for recipe in played)
    found = store.read_json(tmp_path / "folds_wine.json")
    assert found["means"] == {"float": 1.0, "shipped": pytest.approx(0.975)}
    assert said in (tmp_path / "folds_wine.md").read_text()
    assert "97.50 %" in capsys.readouterr().out


def test_a_fold_runs_with_what_its_own_grid_preferred(tool, played, tmp_path, monkeypatch):
    asked = []

    def weigh(name, settings, grid):
        asked.append(settings)
        return [{"settings": {"config.hidden": [len(asked)]}, "metric": 1.0}, {"settings": {}, "metric": 0.5}]

    monkeypatch.setattr(tool, "weigh", weigh)
    found = tool.cross_validated("wine", ["train.epochs=2"], None, tool.read(TOOLS / "grids" / "wine.toml"), tmp_path)
    assert asked == [["train.epochs=2", f"data.fold={fold}"] for fold in range(4)]
    assert [recipe.config["hidden"] for recipe in played] == [[1], [2], [3], [4]]
    assert "| hidden [2] |" in tool.page(found).replace("\\", "")
    assert "by validation splits of the rows that it does not test" in tool.page(found)


def test_a_fold_without_a_file_is_an_error(tool, played, tmp_path, monkeypatch):
    monkeypatch.setitem(SHIPPED, 2, (None, 40))
    with pytest.raises(tool.RecipeError, match="Nothing ships of fold 2"):
        tool.cross_validated("wine", [], None, None, tmp_path)


def test_data_without_folds_are_refused(tool, tmp_path):
    with pytest.raises(tool.RecipeError, match="fold"):
        tool.cross_validated("alexnet", [], None, None, tmp_path)
