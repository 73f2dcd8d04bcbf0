"""What the README and CONTRIBUTING tell people to type exists, and is spelt so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mobilenn import data, evaluate
from mobilenn.cli.main import cli
from mobilenn.core import recipe as recipes
from mobilenn.core.store import read_json

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def lines():
    """Every command line of every console block."""
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            for line in block.splitlines():
                command = line.split("#")[0].strip()
                if command:
                    yield pytest.param(command, id=f"{page.name}: {command}")


@pytest.mark.parametrize("line", list(lines()))
def test_commands_of_the_pages_exist(line):
    program, *arguments = line.split()
    if program == "make":
        assert re.search(rf"(?m)^{arguments[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"))
    elif program == "python":
        done = subprocess.run(
            [sys.executable, arguments[0], "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0
        for option in (word for word in arguments if word.startswith("--")):
            assert option in done.stdout
    elif program == "mobilenn":
        command = cli.get_command(click.Context(cli), arguments[0])
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in arguments if word.startswith("--")} <= known
    else:
        assert line.startswith("pip install")


def test_the_command_table_names_every_command():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in cli.list_commands(None):
        assert re.search(rf"`(mobilenn )?{name}\b", text), name


def test_links_of_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_recipe_is_measured_meets_its_floors_and_has_a_card():
    for name in recipes.names():
        path = recipes.find(name).with_name("results.json")
        assert path.is_file(), f"{name}: type mobilenn run {name}, then python tools/cards.py --record out/{name}"
        assert path.with_name("README.md").is_file(), f"{name}: type python tools/cards.py"
        report = read_json(path)
        shipped = report["variants"][report["recommended"]]["metric"]
        table = dict(report["recipe"]["data"])
        measured = evaluate.figures(report["recipe"]["task"], data.settings(table.pop("name"), table))
        for figure, bar in report["recipe"]["floor"].items():
            for row in (report["float"], report["variants"][report["recommended"]]):
                value = row["metric"] if figure == report["metric"] else row["details"][figure]
                assert measured[figure].reached(value, bar), f"{name}: {figure} {value} against {bar}"
        for baseline, row in report.get("baselines", {}).items():
            assert measured[report["metric"]].reached(shipped, row["metric"]), f"{name}: {shipped} against {baseline}"
