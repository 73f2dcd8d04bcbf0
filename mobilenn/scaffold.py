"""Writes a new recipe from one that works, pointed at the user's own data."""

from __future__ import annotations

import re
from pathlib import Path

from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import DataError, RecipeError


def new_recipe(name: str, like: str, data_path: Path | None, target: str | None, folder: Path) -> Path:
    """Writes `<folder>/recipe.toml`.

    Args:
        name: the new recipe's name: lower-case letters, digits and _.
        like: the recipe to start from, by name or path.
        data_path: an image folder, a .csv or a .npz; None keeps the data of `like`.
        target: for a .csv, the column to predict.
        folder: the folder to write into; it must hold no recipe yet.

    Returns:
        The path of the file.

    Raises:
        RecipeError: a bad name, or a recipe that is there already.
        DataError: `data_path` does not exist or is of no known kind.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", name):
        raise RecipeError(f"'{name}' cannot name a recipe.", "Allowed: lower-case letters, digits and _.")
    path = folder / "recipe.toml"
    if path.exists():
        raise RecipeError(f"{path} is there already.", "Choose another name, or --out.")
    text = recipes.find(like).read_text(encoding="utf-8")
    text = _set_top(text, "name", name)
    if data_path is not None:
        text = _with_data(text, data_path, target)
    store.write_text(path, text)
    recipes.load(str(path))
    return path


def _set_top(text: str, key: str, value: str) -> str:
    """Sets a top-level string, or adds it above the first table."""
    line = f'{key} = "{value}"'
    changed, count = re.subn(rf"(?m)^{key} = .*$", line, text, count=1)
    return changed if count else re.sub(r"(?m)^\[", f"{line}\n\n[", text, count=1)


def _with_data(text: str, data_path: Path, target: str | None) -> str:
    """Replaces [data] by the user's own, and drops floors that were measured on other data."""
    table = "\n".join(["[data]", *_data_lines(data_path, target)])
    text = re.sub(r"(?ms)^\[floor\]\n.*?(?=^\[|\Z)", "", text)
    return re.sub(r"(?ms)^\[data\]\n.*?(?=^\[|\Z)", lambda _: f"{table}\n\n", text)


def _data_lines(data_path: Path, target: str | None) -> list[str]:
    if not data_path.exists():
        raise DataError(f"There is no {data_path}.", "Give an image folder, a .csv or a .npz with --data.")
    where = f"path = {_quoted(str(data_path.resolve()))}"
    if data_path.is_dir():
        return ['name = "image_folder"', where]
    if data_path.suffix == ".npz":
        return ['name = "npz"', where]
    if data_path.suffix != ".csv":
        raise DataError(f"{data_path} is of no known kind.", "Allowed: an image folder, a .csv or a .npz.")
    if not target:
        raise DataError("A .csv needs the column to predict.", "Add --target COLUMN.")
    return ['name = "csv"', where, f"target = {_quoted(target)}"]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
