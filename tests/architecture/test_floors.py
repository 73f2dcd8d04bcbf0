"""The house stands on floors: imports run downwards only, and TensorFlow stays in its rooms."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mobilenn"
SOURCES = sorted(PACKAGE.rglob("*.py"))
BY_NAME = {"ids": lambda path: str(path.relative_to(PACKAGE))}

FLOORS = {
    "core": 1,
    "provenance": 1,
    "layers": 2,
    "tflite": 2,
    "environments": 2,
    "networks": 3,
    "data": 3,
    "evaluate": 3,
    "runtime": 3,
    "train": 4,
    "convert": 4,
    "quantize": 4,
    "verify": 4,
    "bench": 4,
    "compress": 5,
    "choose": 5,
    "golden": 5,
    "jobs": 6,
    "stages": 6,
    "report": 6,
    "evidence": 8,
    "samples": 7,
    "gallery": 7,
    "preflight": 7,
    "requantize": 7,
    "scaffold": 7,
    "doctor": 7,
    "pipeline": 9,
    "cli": 10,
}
ROOF = ("__init__", "__main__")  # they hold the package together and stand on no floor
TENSORFLOW_ROOMS = ("layers", "networks", "train", "compress", "convert", "jobs")
TENSORFLOW = (
    "tensorflow",
    "tf_keras",
    "keras",
    "tensorflow_model_optimization",
    "tensorflow_probability",
    "tf_agents",
)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def imports(path: Path, at_load: bool = False) -> frozenset[str]:
    """Names of the modules that a file imports: all of them, or those that load with it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(_imports(tree, at_load))


def _imports(tree: ast.AST, at_load: bool) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module.split(".")[0] == "mobilenn":  # the name may itself be a module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (at_load and does_not_run_at_load(node)):
            yield from _imports(node, at_load)


def does_not_run_at_load(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def files_of(module: str) -> Iterator[Path]:
    """The files of ours that importing a module loads: its own, and its packages'; none for other libraries."""
    parts = module.split(".")
    if parts[0] != "mobilenn":
        return
    for depth in range(1, len(parts) + 1):
        stem = PACKAGE.joinpath(*parts[1:depth])
        yield from (path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file())


@cache
def loads_tensorflow(path: Path) -> str:
    """The chain of imports by which loading a file loads TensorFlow; empty where it does not."""
    chains = {path: str(path.relative_to(ROOT))}
    waiting = [path]
    while waiting:
        here = waiting.pop()
        for name in sorted(imports(here, at_load=True)):
            if name.split(".")[0] in TENSORFLOW:
                return f"{chains[here]} → {name}"
            new = [below for below in files_of(name) if below not in chains]
            chains |= {below: f"{chains[here]} → {below.relative_to(ROOT)}" for below in new}
            waiting += new
    return ""


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_imports_run_downwards(path):
    here = room(path)
    if here in ROOF:
        return
    assert here in FLOORS, f"{here} stands on no floor: give it one in {Path(__file__).name} and in CONTRIBUTING.md."
    for name in imports(path):
        there = name.split(".")[1] if name.startswith("mobilenn.") else here
        if there == here or there == "__version__":
            continue
        assert there in FLOORS, f"{path.relative_to(ROOT)} imports {name}, which stands on no floor."
        assert FLOORS[there] < FLOORS[here], (
            f"{path.relative_to(ROOT)} (floor {FLOORS[here]}) imports {name} (floor {FLOORS[there]}): move what both "
            f"need to a floor below {there}, or let a room above hand one the other's result."
        )


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_tensorflow_stays_in_its_rooms(path):
    """Neither TensorFlow itself, nor a module of a room with TensorFlow that loads it."""
    if room(path) in TENSORFLOW_ROOMS:
        return
    found = {name for name in imports(path) if name.split(".")[0] in TENSORFLOW}
    assert not found, f"{path.relative_to(ROOT)} imports {found}: hand the work to a job in mobilenn/jobs."
    for below in (below for name in imports(path) for below in files_of(name)):
        chain = loads_tensorflow(below)
        assert not chain, f"{path.relative_to(ROOT)} → {chain}: hand the work to a job in mobilenn/jobs."


def test_the_house_map_shows_every_room_on_its_floor():
    """CONTRIBUTING draws the floors that these tests hold."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = {
        name: int(floor)
        for floor, rooms in re.findall(r"(?m)^\| (\d+) \| (.+) \|$", text)
        for name in re.findall(r"`(\w+)`", rooms)
    }
    assert drawn == FLOORS


@pytest.mark.parametrize("module", TENSORFLOW)
@pytest.mark.parametrize("place", ["mobilenn/core/store.py", "mobilenn/cli/run.py", "mobilenn/jobs/keras.py"])
def test_ruff_bans_tensorflow_at_module_level(module, place):
    """TID253 fires outside the rooms; inside a function it does not, since jobs import there."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID253", "--stdin-filename", place, "-"]
    at_top = subprocess.run(command, input=f"import {module}\n", cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "TID253" in at_top.stdout, at_top.stderr
    inside = f"def f():\n    import {module}\n"
    done = subprocess.run(command, input=inside, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


RUNS = {
    "help": ["--help"],
    "list": ["list"],
    "list networks": ["list", "--networks"],
    "show": ["show", "alexnet"],
    "inspect": ["inspect", "none.tflite"],
    "bench": ["bench", "none.tflite"],
    "verify": ["verify", "none.tflite"],
}
RUNNER = """
import sys
from mobilenn.cli.main import main
try:
    main()
except SystemExit:
    pass
print("loaded", *sorted({name.split(".")[0] for name in sys.modules}))
"""


def loaded_by(arguments: list[str]) -> set[str]:
    """The top-level modules that a command has loaded when it ends."""
    command = [sys.executable, "-c", RUNNER, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "loaded", done.stderr
    return set(last[1:])


@pytest.mark.parametrize("arguments", RUNS.values(), ids=RUNS)
def test_commands_that_train_nothing_leave_tensorflow_out(arguments):
    loaded = loaded_by(arguments)
    assert "click" in loaded
    assert not loaded & set(TENSORFLOW)


def test_help_imports_little():
    heavy = {"numpy", "rich", "PIL", "matplotlib", "jinja2", "ai_edge_litert", "sklearn", "mlxtend"}
    assert not loaded_by(["--help"]) & heavy
