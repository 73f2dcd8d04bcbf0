"""Chooses among settings of a recipe by its validation splits alone; the test split is not looked at.

python tools/grid.py wine tools/grids/wine.toml

Every combination is trained once a seed, and each seed draws another validation split from the rows that are not
tested. The highest mean of the watched metric wins; the lower mean loss decides between equals.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from mobilenn.core import recipe as recipes
from mobilenn.core import records
from mobilenn.core.errors import RecipeError
from mobilenn.report import format as fmt
from mobilenn.report.tables import text_table

LANES = 2  # processes side by side


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is weighed, and how.

    Args:
        watch: the metric of the validation split that decides; higher is better.
        validation: share of all rows that each validation split takes.
        seeds: of the trainings; each draws a validation split of its own.
        settings: by a recipe's key, the values to weigh.
    """

    watch: str
    validation: float
    seeds: tuple[int, ...]
    settings: Mapping[str, tuple[Any, ...]]

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Every choice of one value a key, the last key's values changing fastest."""
        for values in itertools.product(*self.settings.values()):
            yield dict(zip(self.settings, values, strict=True))


def main() -> None:
    """Reads the options, weighs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="one whose data take the key `validation`")
    parser.add_argument("grid", type=Path)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    grid = read(options.grid)
    print(page(grid.watch, weigh(options.recipe, options.settings, grid)))


def read(path: Path) -> Grid:
    """Reads a grid.

    Raises:
        RecipeError: there is no such file, or it is no grid.
    """
    try:
        return records.from_dict(Grid, tomllib.loads(path.read_text()), str(path))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise RecipeError(f"The grid {path} cannot be read: {problem}.", "See tools/grids.") from None


def assignments(chosen: Mapping[str, Any]) -> list[str]:
    """Settings as `--set` takes them; JSON's lists, numbers and booleans are TOML's too."""
    return [f"{key}={json.dumps(value)}" for key, value in chosen.items()]


def weigh(name: str, settings: Sequence[str], grid: Grid) -> list[dict[str, Any]]:
    """Trains every combination once a seed.

    Args:
        name: as `mobilenn run` takes it.
        settings: `key=value` changes, the same for all.
        grid: what is weighed.

    Returns:
        JSON-ready, the best first: `settings`, and over all seeds the means `metric` and `loss` and the `least` metric.
    """
    combinations = list(grid.combinations())
    jobs = [(name, [*settings, *assignments(each)], grid) for each in combinations]
    # spawned: a fork of a process that holds TensorFlow's threads hangs
    with ProcessPoolExecutor(min(LANES, len(jobs)), get_context("spawn"), _quiet) as pool:
        length = {"length": len(jobs), "label": "weighing", "file": sys.stderr}
        with click.progressbar(pool.map(_validated, *zip(*jobs, strict=True)), **length) as done:
            found = [{"settings": each, **row} for each, row in zip(combinations, done, strict=True)]
    # rounded: the order of summing must not decide between equals
    return sorted(found, key=lambda row: (-round(row["metric"], 6), row["loss"]))


def _quiet() -> None:
    """Keeps what TensorFlow logs while it loads out of the progress bar; errors come back as exceptions."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _validated(name: str, settings: Sequence[str], grid: Grid) -> dict[str, float]:
    """The means over the seeds' validation splits."""
    ends = [_trained(name, settings, grid, seed) for seed in grid.seeds]
    metrics, losses = zip(*ends, strict=True)
    return {"metric": statistics.mean(metrics), "least": min(metrics), "loss": statistics.mean(losses)}


def _trained(name: str, settings: Sequence[str], grid: Grid, seed: int) -> tuple[float, float]:
    """The watched metric and the loss of the validation split after the last epoch."""
    from mobilenn import data
    from mobilenn.train.config import TrainConfig
    from mobilenn.train.supervised import TrainRequest, train

    recipe = recipes.load(name, [*settings, f"seed={seed}", f"data.validation={grid.validation}"])
    table = {key: value for key, value in recipe.data.items() if key != "name"}
    with tempfile.TemporaryDirectory(prefix="mobilenn-grid-") as scratch:
        request = TrainRequest(
            network=recipe.network,
            config=recipe.config,
            task=recipe.task,
            settings=records.from_dict(TrainConfig, recipe.train, "[train]"),
            seed=seed,
            out_dir=Path(scratch),
        )
        history = train(request, data.load(str(recipe.data["name"]), table, seed)).history
    if f"val_{grid.watch}" not in history:
        known = ", ".join(key[4:] for key in history if key.startswith("val_") and key != "val_loss")
        raise RecipeError(f"The grid watches {grid.watch}, which is not measured.", f"Allowed: {known}.")
    return history[f"val_{grid.watch}"][-1], history["val_loss"][-1]


def page(watch: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of all combinations, the best first."""
    keys = [key.split(".")[-1] for key in rows[0]["settings"]]
    body = [
        (
            *(json.dumps(value) for value in row["settings"].values()),
            fmt.metric(watch, row["metric"]),
            fmt.metric(watch, row["least"]),
            f"{row['loss']:.4f}",
        )
        for row in rows
    ]
    return text_table((*keys, watch, "least", "loss"), body, left=1)


if __name__ == "__main__":
    from ended import ended

    ended(main)
