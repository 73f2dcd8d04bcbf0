"""The house stands on floors: imports run downwards only, and TensorFlow stays in its rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mobilenn"
SOURCES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "core": 1,
    "provenance": 1,
    "layers": 2,
    "tflite": 2,
    "networks": 3,
    "data": 3,
    "evaluate": 3,
    "runtime": 3,
    "train": 4,
    "convert": 4,
    "compress": 5,
    "quantize": 4,
    "verify": 4,
    "bench": 4,
    "jobs": 6,
    "stages": 6,
    "evidence": 7,
    "preflight": 7,
    "requantize": 7,
    "scaffold": 7,
    "doctor": 7,
    "report": 7,
    "pipeline": 8,
    "cli": 9,
    "__main__": 10,
    "__init__": 0,
}
TENSORFLOW_ROOMS = ("layers", "networks", "train", "compress", "convert", "jobs")
TENSORFLOW = ("tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "tf_agents")


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(path: Path, module_level_only: bool = False):
    """Names of the modules that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if module_level_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "mobilenn":
                yield from (f"mobilenn.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downwards(path):
    here = room(path)
    assert here in FLOORS, f"{here} stands on no floor: give it one in {Path(__file__).name} and in CONTRIBUTING.md."
    for name in imports(path):
        if not name.startswith("mobilenn."):
            continue
        there = name.split(".")[1]
        if there not in FLOORS or there == here:
            continue
        assert FLOORS[there] <= FLOORS[here], (
            f"{path.relative_to(ROOT)} (floor {FLOORS[here]}) imports {name} (floor {FLOORS[there]}): move what it "
            f"needs down to {there} or below, or move this module up."
        )


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_tensorflow_stays_in_its_rooms(path):
    if room(path) in TENSORFLOW_ROOMS:
        return
    found = {name.split(".")[0] for name in imports(path)} & set(TENSORFLOW)
    assert not found, f"{path.relative_to(ROOT)} imports {found}: hand the work to a job in mobilenn/jobs."


def test_light_parts_of_heavy_rooms_stay_light():
    """Preflight reads these on the side without TensorFlow."""
    for name in ("train/config", "train/__init__", "compress/config", "compress/__init__", "networks/__init__"):
        found = {module.split(".")[0] for module in imports(PACKAGE / f"{name}.py", module_level_only=True)}
        assert not found & set(TENSORFLOW), name


RUNS = {
    "help": ["--help"],
    "list": ["list"],
    "list networks": ["list", "--networks"],
    "show": ["show", "alexnet"],
    "inspect": ["inspect", "none.tflite"],
    "bench": ["bench", "none.tflite"],
    "verify": ["verify", "none.tflite"],
}


@pytest.mark.parametrize("arguments", RUNS.values(), ids=RUNS)
def test_commands_that_train_nothing_leave_tensorflow_out(arguments):
    script = (
        "import sys\n"
        "from mobilenn.cli.main import main\n"
        f"sys.argv = ['mobilenn', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "loaded = sorted({name.split('.')[0] for name in sys.modules} & "
        f"set({TENSORFLOW!r}))\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_help_imports_little():
    script = (
        "import sys; sys.argv = ['mobilenn', '--help']\n"
        "from mobilenn.cli.main import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    loaded = set(done.stderr.split())
    assert "click" in loaded
    heavy = {"numpy", "rich", "PIL", "matplotlib", "jinja2", "ai_edge_litert", "sklearn", "mlxtend"}
    assert not loaded & heavy
