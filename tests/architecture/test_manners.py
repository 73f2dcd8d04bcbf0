"""Rules of the house that a reader would check by eye."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "mobilenn").rglob("*.py"))
FORBIDDEN = ("allow_pickle=True", "shell=True", "CompiledModel.from_file(", "pickle.load", "os.system(", "yaml.load(")
BY_NAME = {"ids": lambda p: str(p.relative_to(ROOT))}


def tracked():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_modules_are_short(path):
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= 320, f"{path.relative_to(ROOT)} has {count} lines: one idea per file; split it."


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_what_is_public_says_what_it_does(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.relative_to(ROOT)}: {node.name} has no docstring"


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_nothing_loads_or_runs_what_a_file_says(path):
    text = path.read_text(encoding="utf-8")
    calls = [ast.unparse(n) for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
    for call in calls:
        for bad in (
            "allow_pickle=True",
            "shell=True",
            "CompiledModel.from_file(",
            "pickle.load",
            "os.system(",
            "yaml.load(",
        ):
            assert bad not in call, f"{path.relative_to(ROOT)}: {bad}"
        assert not re.match(r"(eval|exec)\(", call), f"{path.relative_to(ROOT)}: {call[:60]}"


def test_no_file_is_large():
    large = [
        f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes"
        for path in tracked()
        if path.stat().st_size > 1_000_000
    ]
    assert not large


def test_no_file_names_an_index_or_a_path_of_one_machine():
    index = re.compile(r"--(extra-)?index-url|--find-links|registry\.npmjs|pypi\.org/simple", re.I)
    home = re.compile(r"(?<![\w.])/(root|(home|Users)/(?!someone\b)\w+)/")
    for path in tracked():
        if path.suffix in (".png", ".tflite") or path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8")
        assert not index.search(text), path
        assert not home.search(text), path
