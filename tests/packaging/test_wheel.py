"""A wheel carries the recipes, and works from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mobilenn.core import recipe as recipes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel, built as `make wheel` builds it and unpacked as pip unpacks it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def mobilenn(installed: Path, folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "mobilenn", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout


def test_recipes_and_templates_travel_with_it(installed):
    for name in recipes.names():
        assert (installed / "mobilenn" / "recipes" / name / "recipe.toml").is_file()
    for path in (ROOT / "mobilenn" / "report" / "templates").iterdir():
        assert (installed / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"mobilenn"}


def test_commands_know_the_recipes_in_an_empty_folder(installed, tmp_path):
    assert {row["name"] for row in json.loads(mobilenn(installed, tmp_path, "list", "--json"))} == set(recipes.names())
    shown = json.loads(mobilenn(installed, tmp_path, "show", "alexnet", "--json"))
    assert shown["recipe"]["network"] == "alexnet"
    assert not list(tmp_path.iterdir())


def test_it_is_the_wheel_that_was_asked(installed, tmp_path):
    script = "import mobilenn; print(mobilenn.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert Path(done.stdout.strip()).is_relative_to(installed)


def test_its_metadata_names_the_licence_the_program_and_the_extras(installed):
    (metadata,) = installed.glob("mobilenn-*.dist-info")
    text = (metadata / "METADATA").read_text(encoding="utf-8")
    extras = [f"Provides-Extra: {extra}" for extra in ("data", "train", "gpu")]
    for line in ("License-Expression: Apache-2.0", *extras):
        assert line in text.splitlines()
    assert "mobilenn = mobilenn.cli.main:main" in (metadata / "entry_points.txt").read_text(encoding="utf-8")
    assert (metadata / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
