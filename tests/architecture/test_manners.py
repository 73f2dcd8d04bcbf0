"""Rules of the house that a reader would check by eye."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "mobilenn").rglob("*.py"))
BY_NAME = {"ids": lambda path: str(path.relative_to(ROOT))}
Function = ast.FunctionDef | ast.AsyncFunctionDef

MODULES_THAT_RUN_FILES = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
CALLS_THAT_RUN_TEXT = {"eval", "exec", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load"}
KEYWORDS_THAT_OPEN_DOORS = {"allow_pickle", "shell"}
TEXT = {".py", ".md", ".toml", ".txt", ".json", ".html", ".css", ".kt", ".js", ".yml", ".cfg", ""}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_modules_are_short(path):
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= 300, f"{path.relative_to(ROOT)} has {count} lines: one idea per file; split it."


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_functions_are_short_and_take_few_parameters(path):
    for node in ast.walk(parse(path)):
        if not isinstance(node, Function):
            continue
        first = node.body[0] if ast.get_docstring(node) is not None else None
        docstring = first.end_lineno - first.lineno + 1 if first is not None else 0
        count = node.end_lineno - node.lineno + 1 - docstring
        where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        assert count <= 40, f"{where} has {count} lines: take steps out of it."
        parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        count = sum(parameter.arg not in ("self", "cls") for parameter in parameters)
        assert count <= 6, f"{where} takes {count} parameters: make a frozen config of them."


def public(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Public functions and classes of a module, and the public methods of those classes."""
    for node in tree.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node.name, node
        if isinstance(node, ast.ClassDef):
            methods = (inner for inner in node.body if isinstance(inner, Function))
            yield from ((f"{node.name}.{m.name}", m) for m in methods if not m.name.startswith("_"))


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_what_is_public_says_what_it_does(path):
    tree = parse(path)
    assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} has no docstring"
    for name, node in public(tree):
        assert ast.get_docstring(node), f"{path.relative_to(ROOT)}: {name} has no docstring"


def faults(tree: ast.Module) -> Iterator[str]:
    """Whatever in a module would run what a file or a text says, or open a .tflite in the way that crashes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES_THAT_RUN_FILES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES_THAT_RUN_FILES:
            yield str(node.module)
        elif isinstance(node, ast.keyword) and node.arg in KEYWORDS_THAT_OPEN_DOORS:
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                yield f"{node.arg}={ast.unparse(node.value)}"
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in CALLS_THAT_RUN_TEXT or name.endswith("CompiledModel.from_file"):
                yield f"{name}(…)"


@pytest.mark.parametrize("path", SOURCES, **BY_NAME)
def test_nothing_loads_or_runs_what_a_file_says(path):
    assert not list(faults(parse(path))), path.relative_to(ROOT)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import load",
        "import joblib.numpy_pickle",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "subprocess.run(line, shell=True)",
        "compiled_model.CompiledModel.from_file(path)",
        "eval(text)",
        "os.system(line)",
    ],
)
def test_the_fence_itself_sees_faults(code):
    assert list(faults(ast.parse(code)))


def test_the_fence_lets_safe_calls_through():
    assert not list(faults(ast.parse("np.load(path, allow_pickle=False)\nCompiledModel.from_buffer(data)")))


def test_no_file_is_large():
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked()}
    assert not {name: size for name, size in sizes.items() if size > 1_000_000}


def test_no_file_names_an_index_or_a_path_of_one_machine():
    index = re.compile(
        r"--(extra-)?index-url|--find-links|^\s*(extra-)?index-url\s*=|registry\.npm|pypi\.org/simple|"
        r"files\.pythonhosted|repo1?\.maven|proxy\.golang",
        re.I | re.M,
    )
    home = re.compile(r"(?<![\w.])/(root|(home|Users)/(?!someone/)\w+)/")
    here = [str(folder) for folder in (ROOT, Path.home()) if len(folder.parts) > 2]
    for path in tracked():
        if path.suffix not in TEXT or path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8")
        named = index.search(text) or home.search(text)
        assert not named, f"{path.relative_to(ROOT)}: {named and named.group()}"
        assert not [place for place in here if place in text], path.relative_to(ROOT)
