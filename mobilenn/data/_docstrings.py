"""The docstrings of this machine's standard library: real English text that every Python brings along.

The sources are parsed, never imported, so that nothing of them runs.
"""

from __future__ import annotations

import ast
import functools
import inspect
import platform
import re
import sysconfig
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mobilenn.core.store import sha256_json

# Other people's packages, tests and their data, programs that are no library, tables made by machines.
LEFT_OUT = frozenset(
    (
        *("site-packages", "dist-packages", "lib-dynload", "__pycache__", "ensurepip", "test", "tests"),
        *("idlelib", "lib2to3", "turtledemo", "antigravity.py", "this.py", "__phello__", "__hello__.py"),
        *("encodings", "pydoc_data"),
    )
)
_WORD = re.compile(r"\w+")
_NAMED = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_BRANCHES = ast.If | ast.Try | ast.With  # a definition below one of these is the module's or the class's own


@dataclass(frozen=True, kw_only=True, order=True)
class Docstring:
    """One docstring and where it stands.

    Args:
        module: dotted name of the module, such as `asyncio.locks`.
        name: dotted name inside the module, such as `Lock.acquire`; empty for the module's own.
        text: without the indentation of its source, stripped, never empty.
    """

    module: str
    name: str
    text: str

    @property
    def package(self) -> str:
        """The first part of the module's name: the unit that is held out whole."""
        return self.module.split(".")[0]

    @property
    def first_line(self) -> str:
        """The line that says in short what it is about."""
        return self.text.split("\n", 1)[0].strip()

    @property
    def key(self) -> str:
        """What near-doubles share: the words of the first line, lower-cased; empty where it has none."""
        return " ".join(_WORD.findall(self.first_line.lower()))


@functools.lru_cache(maxsize=1)
def docstrings() -> tuple[Docstring, ...]:
    """Every different docstring of the standard library, sorted by module, name; kept for the process."""
    return gather(library())


def library() -> Path:
    """The folder of the standard library's sources."""
    return Path(sysconfig.get_paths()["stdlib"])


def fingerprint() -> str:
    """Identifies the text without parsing it: Python's version, and each source's path and size."""
    root = library()
    listed = [(path.relative_to(root).as_posix(), path.stat().st_size) for path in _sources(root)]
    return f"Python {platform.python_version()}, {len(listed)} files {sha256_json(listed)[:16]}"


def gather(root: Path) -> tuple[Docstring, ...]:
    """Reads the docstrings of a folder of sources.

    Args:
        root: the folder; files that cannot be read or parsed are passed over.

    Returns:
        Modules, classes, functions and methods in the order of module and name; of docstrings with equal
        text the first one only.
    """
    found = sorted(docstring for path in _sources(root) for docstring in _of_file(root, path))
    first = {docstring.text: docstring for docstring in reversed(found)}
    return tuple(sorted(first.values()))


def _sources(root: Path) -> list[Path]:
    """The sources that count; the big folders that do not are never walked into."""
    found: list[Path] = []
    waiting = [root]
    while waiting:
        for path in waiting.pop().iterdir():
            if path.name in LEFT_OUT or path.name.startswith(("_sysconfigdata", "config-")):
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.suffix == ".py" and path.is_file():  # which a broken link is not
                found.append(path)
    return sorted(found)


def _of_file(root: Path, path: Path) -> Iterator[Docstring]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a source is no concern of ours
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    parts = path.relative_to(root).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    for name, text in _named(tree, ""):
        if text.strip():
            yield Docstring(module=module, name=name, text=text.strip())


def _named(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    """Names and docstrings of a module or a class and of what is defined in it, but not inside functions."""
    if isinstance(node, ast.Module | _NAMED):
        yield name, inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _NAMED):
            yield from _named(child, f"{name}.{child.name}" if name else child.name)
        elif isinstance(child, _BRANCHES):
            yield from _named(child, name)
