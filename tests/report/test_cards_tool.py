"""tools/cards.py: pages follow results, stale ones are found, machine paths stay out of the repository."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mobilenn.report.recipe_text import toml
from mobilenn.report.schema import parse

TOOL = Path(__file__).resolve().parents[2] / "tools" / "cards.py"


@pytest.fixture(scope="module")
def cards() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cards_tool", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(report: dict[str, Any], tmp_path: Path) -> Path:
    """A repository with one recipe that was not measured yet, and its finished run in run/."""
    recipe = {key: value for key, value in parse(report).recipe.to_dict().items() if key != "name"}
    (tmp_path / "repo/models/alexnet").mkdir(parents=True)
    (tmp_path / "repo/models/alexnet/recipe.toml").write_text(toml(recipe), encoding="utf-8")
    readme = "# mobilenn\n\n<!-- networks:begin -->\nold\n<!-- networks:end -->\n\nThe rest.\n"
    (tmp_path / "repo/README.md").write_text(readme, encoding="utf-8")
    _finished(tmp_path / "run", report)
    return tmp_path / "repo"


def _finished(folder: Path, report: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def _type(cards: ModuleType, root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cards.main, ["--root", str(root), *arguments])


def test_recording_a_run_writes_results_card_and_table(cards: ModuleType, root: Path) -> None:
    done = _type(cards, root, "--record", str(root.parent / "run"))
    assert done.exit_code == 0, done.output
    assert "98.10 %" in (root / "models/alexnet/README.md").read_text(encoding="utf-8")
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert "[alexnet](models/alexnet/README.md)" in readme
    assert "\nold\n" not in readme
    assert readme.endswith("<!-- networks:end -->\n\nThe rest.\n")
    assert _type(cards, root, "--check").exit_code == 0


@pytest.mark.parametrize("stale", ["models/alexnet/README.md", "README.md"])
def test_check_finds_what_is_stale_and_writes_nothing(cards: ModuleType, root: Path, stale: str) -> None:
    _type(cards, root, "--record", str(root.parent / "run"))
    text = (root / stale).read_text(encoding="utf-8").replace("98.10 %", "99.99 %")
    (root / stale).write_text(text, encoding="utf-8")
    done = _type(cards, root, "--check")
    assert done.exit_code == 1
    assert f"Stale {stale}" in done.output
    assert (root / stale).read_text(encoding="utf-8") == text
    assert _type(cards, root).exit_code == 0
    assert _type(cards, root, "--check").exit_code == 0


def test_check_finds_results_of_another_recipe(cards: ModuleType, root: Path) -> None:
    _type(cards, root, "--record", str(root.parent / "run"))
    recipe = root / "models/alexnet/recipe.toml"
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("width      = 0.25", "width = 0.5"), encoding="utf-8")
    done = _type(cards, root, "--check")
    assert done.exit_code == 1
    assert "models/alexnet/recipe.toml has changed since results.json was measured" in done.output


def test_a_changed_summary_needs_no_new_run(cards: ModuleType, root: Path) -> None:
    _type(cards, root, "--record", str(root.parent / "run"))
    recipe = root / "models/alexnet/recipe.toml"
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("on real digits", "on digits"), encoding="utf-8")
    assert _type(cards, root, "--check").exit_code == 0


def test_a_run_with_other_settings_is_not_recorded(cards: ModuleType, root: Path, report: dict[str, Any]) -> None:
    report["recipe"]["train"]["epochs"] = 1
    _finished(root.parent / "run", report)
    done = _type(cards, root, "--record", str(root.parent / "run"))
    assert done.exit_code == 3
    assert "not of models/alexnet/recipe.toml as it stands" in done.output
    assert not (root / "models/alexnet/results.json").exists()


@pytest.mark.parametrize("name", ["../../elsewhere", "vgg"])
def test_a_run_of_an_unknown_recipe_is_not_recorded(
    cards: ModuleType, root: Path, report: dict[str, Any], name: str
) -> None:
    report["recipe"]["name"] = name
    _finished(root.parent / "run", report)
    assert _type(cards, root, "--record", str(root.parent / "run")).exit_code == 3


def test_a_run_that_ships_nothing_is_not_recorded(
    cards: ModuleType, root: Path, nothing_to_ship: dict[str, Any]
) -> None:
    _finished(root.parent / "run", nothing_to_ship)
    assert _type(cards, root, "--record", str(root.parent / "run")).exit_code == 5


def test_what_is_no_report_is_one_line(cards: ModuleType, root: Path) -> None:
    (root.parent / "run/report.json").write_text("{", encoding="utf-8")
    done = _type(cards, root, "--record", str(root.parent / "run"))
    assert done.exit_code == 5
    assert "Traceback" not in done.output


def test_a_readme_without_its_marks_is_refused(cards: ModuleType, root: Path) -> None:
    (root / "README.md").write_text("# mobilenn\n", encoding="utf-8")
    done = _type(cards, root)
    assert done.exit_code == 5
    assert "networks:begin" in done.output


def test_machine_paths_are_stripped_and_the_rest_is_kept(cards: ModuleType) -> None:
    values = {
        "reason": "The worker died. Its output is in /home/someone/out/logs/int8.log, see C:\\Users\\me\\x.txt.",
        "path": "/srv/data/digits",
        "kept": [
            "int8/model.tflite",
            "and/or",
            "https://example.org/a/b",
            "1/2",
            "~/a/b",
            "data:image/png;base64,a/b/c",
        ],
    }
    assert cards.without_paths(values) == {
        "reason": "The worker died. Its output is in int8.log, see x.txt.",
        "path": "digits",
        "kept": values["kept"],
    }


def test_a_large_report_loses_pictures_first_then_details(
    cards: ModuleType, root: Path, report: dict[str, Any]
) -> None:
    report["samples"][0]["image"] = "data:image/png;base64," + "A" * 150_000
    _finished(root.parent / "run", report)
    _type(cards, root, "--record", str(root.parent / "run"))
    found = json.loads((root / "models/alexnet/results.json").read_text(encoding="utf-8"))
    assert not any(sample["image"] for sample in found["samples"])
    assert found["variants"]["float32"]["details"] != {}
    report["variants"]["float32"]["details"]["points"] = [[0.5, 0.5]] * 9000
    _finished(root.parent / "run", report)
    assert _type(cards, root, "--record", str(root.parent / "run")).exit_code == 0
    found = json.loads((root / "models/alexnet/results.json").read_text(encoding="utf-8"))
    assert found["variants"]["float32"]["details"] == {}
    assert found["variants"]["pruned_int8"]["details"] != {}
    assert (root / "models/alexnet/results.json").stat().st_size <= 200_000


def test_a_report_too_large_for_the_repository_is_refused(
    cards: ModuleType, root: Path, report: dict[str, Any]
) -> None:
    report["float"]["details"]["points"] = [[0.5, 0.5]] * 9000
    _finished(root.parent / "run", report)
    done = _type(cards, root, "--record", str(root.parent / "run"))
    assert done.exit_code == 5
    assert "too large" in done.output
