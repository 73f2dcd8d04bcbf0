"""Writes a new recipe from one that works, pointed at the user's own data."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np

from mobilenn import data as datasets
from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data.image_folder import ENDINGS

DROP = 0.002  # that a file's inertia may be worse, as a share of the test rows' inertia around their mean
_OF_ITEMS = ("baskets", "ratings")  # generated sets whose counterpart for the user's own data ends in _csv


def new_recipe(name: str, like: str, data_path: Path | None, target: str | None, folder: Path) -> Path:
    """Writes `<folder>/recipe.toml`.

    Args:
        name: the new recipe's name: lower-case letters, digits and _.
        like: the recipe to start from, by name or path.
        data_path: a folder of images, .wav or .txt files, a .csv, a .tsv or a .npz; None keeps the data of `like`.
        target: for a .csv, the column to predict; one of baskets or ratings, or of rows to cluster, has none.
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
    start = re.search(r"(?m)^\[", text)
    top, tables = (text[: start.start()], text[start.start() :]) if start else (text, "")
    changed, count = re.subn(rf"(?m)^{key} = .*$", line, top, count=1)
    if not count:
        changed = f"{top.rstrip()}\n{line}\n\n"
    return changed + tables


def _with_data(text: str, data_path: Path, target: str | None) -> str:
    """Replaces [data] by the user's own, and drops floors that were measured on other data."""
    old = re.search(r"(?ms)^\[data\]\n.*?(?=^\[|\Z)", text)
    kept = old[0] if old else ""
    lines = _item_lines(data_path, kept) or _row_lines(text, data_path, target) or _data_lines(data_path, target)
    if 'task = "clustering"' in lines:
        text = _with_columns(text, lines)
    elif lines[0] in [f'name = "{name}_csv"' for name in _OF_ITEMS]:
        text = _with_items(text, lines)
    elif _is_text(data_path):
        lines, text = _text_lines(data_path, kept), _with_classes(text, data_path)
    elif lines[0] == 'name = "audio_folder"':
        text = _with_classes(text, data_path)  # the folder of noises among them: it becomes silence
    elif lines[0] == 'name = "image_folder"' and re.search(r"(?m)^\[judge\]", text):
        lines, text = _generated(lines, text, data_path)
    table = "\n".join(["[data]", *lines])
    text = re.sub(r"(?ms)^\[floor\]\n.*?(?=^\[|\Z)", "", text)
    return re.sub(r"(?ms)^\[data\]\n.*?(?=^\[|\Z)", lambda _: f"{table}\n\n", text)


def _data_lines(data_path: Path, target: str | None) -> list[str]:
    if not data_path.exists():
        raise DataError(
            f"There is no {data_path}.", "Give a folder of images, .wav or .txt files, a .csv, a .tsv or a .npz."
        )
    where = f"path = {_quoted(str(data_path.resolve()))}"
    if data_path.is_dir():
        return [f'name = "{_folder_kind(data_path)}"', where]
    if data_path.suffix == ".npz":
        return ['name = "npz"', where]
    if _is_text(data_path):
        return ['name = "text_folder"', where]
    if data_path.suffix != ".csv":
        raise DataError(
            f"{data_path} is of no known kind.",
            "Allowed: a folder of images, .wav or .txt files, a .csv, a .tsv or a .npz.",
        )
    if not target:
        raise DataError("A .csv needs the column to predict.", "Add --target COLUMN.")
    return ['name = "csv"', where, f"target = {_quoted(target)}"]


def _item_lines(data_path: Path, old: str) -> list[str]:
    """The [data] of baskets or ratings, thresholds kept, where the recipe learns from them and gets a .csv."""
    found = re.search(rf'(?m)^name = "({"|".join(_OF_ITEMS)})', old)
    if data_path.suffix != ".csv" or not data_path.is_file() or not found:
        return []
    kept = re.findall(r"(?m)^(?:support|confidence|most|liked) = .*$", old)
    return [f'name = "{found[1]}_csv"', f"path = {_quoted(str(data_path.resolve()))}", *kept]


def _with_items(text: str, lines: list[str]) -> str:
    """Sets how many items the network knows: those that the data hold."""
    settings = tomllib.loads("\n".join(lines))
    seed = tomllib.loads(text).get("seed", 0)
    items = len(datasets.load(settings.pop("name"), settings, seed).labels)
    return re.sub(r"(?m)^items = .*$", f"items = {items}", text)


def _row_lines(text: str, data_path: Path, target: str | None) -> list[str]:
    """The [data] of rows without a target, where the recipe finds clusters and gets a .csv."""
    clusters = tomllib.loads(text).get("task") == "clustering"
    if not clusters or target or data_path.suffix != ".csv" or not data_path.is_file():
        return []
    return ['name = "csv"', f"path = {_quoted(str(data_path.resolve()))}", 'task = "clustering"']


def _with_columns(text: str, lines: list[str]) -> str:
    """Sets the number of columns and the allowed drop, in units of the data; drops baselines, which need labels."""
    settings = tomllib.loads("\n".join(lines))
    split = datasets.load(settings.pop("name"), settings, tomllib.loads(text).get("seed", 0)).test
    rows = np.asarray(split.inputs["features"], np.float64)
    drop = DROP * float(((rows - rows.mean(0)) ** 2).sum())
    text = re.sub(r"(?m)^features = .*$", f"features = {rows.shape[1]}", text)
    text = re.sub(r"(?m)^max_drop = .*$", f"max_drop = {drop:.6g}", text)
    return re.sub(r"(?ms)^\[baselines\..*?(?=^\[|\Z)", "", text)


def _is_text(data_path: Path) -> bool:
    """Whether it is a .tsv, or a folder that holds .txt files and nothing else that we read."""
    if not data_path.is_dir():
        return data_path.suffix == ".tsv"
    endings = {path.suffix.lower() for path in data_path.rglob("*")}
    return ".txt" in endings and endings.isdisjoint({*ENDINGS, ".wav"})


def _text_lines(data_path: Path, old: str) -> list[str]:
    """The [data] of texts: pairs where the recipe learns from pairs; lengths stay, since the network has them too."""
    kept = re.findall(r"(?m)^(?:length|source_length|target_length|kind|vocabulary) = .*$", old)
    name = "tsv" if any(line.startswith("source_length") for line in kept) else "text_folder"
    return [f'name = "{name}"', f"path = {_quoted(str(data_path.resolve()))}", *kept]


def _with_classes(text: str, data_path: Path) -> str:
    """Sets how many classes the network tells apart."""
    if data_path.is_dir():
        found = {path.name for path in data_path.iterdir() if path.is_dir() and not path.name.startswith(".")}
    else:
        rows = data_path.read_text(encoding="utf-8", errors="replace").splitlines()
        found = {row.partition("\t")[0].strip() for row in rows if "\t" in row}
    return re.sub(r"(?m)^classes = .*$", f"classes = {max(2, len(found))}", text)


def _generated(lines: list[str], text: str, data_path: Path) -> tuple[list[str], str]:
    """The [data] of images to be generated, of the size that the network makes; all who know classes learn how many."""
    config = tomllib.loads(text)["config"]
    lines = [*lines, *(f"{key} = {config[key]}" for key in ("size", "channels"))]
    text = _with_classes(text, data_path)
    classes = tomllib.loads(text)["config"]["classes"]
    return lines, re.sub(r"(?ms)(^\[judge\].*?\bclasses = )\d+", rf"\g<1>{classes + 1}", text)


def _folder_kind(folder: Path) -> str:
    """The dataset that reads a folder: of sound where it holds .wav files and no picture."""
    endings = {path.suffix.lower() for path in folder.rglob("*")}
    return "audio_folder" if ".wav" in endings and endings.isdisjoint(ENDINGS) else "image_folder"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
