"""Checks a recipe against the rooms that will work on it, before anything is written."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mobilenn import data, evaluate, networks
from mobilenn.core import records
from mobilenn.core.errors import MissingExtraError, RecipeError, nearest
from mobilenn.core.recipe import Recipe


def check(recipe: Recipe) -> None:
    """Raises what is wrong with a recipe as far as its names and settings can tell.

    Raises:
        RecipeError: an unknown network, dataset, task or key, or a value out of range.
        DataError: an environment that cannot be learned in.
        MissingExtraError: TensorFlow is not installed.
    """
    from mobilenn.bench import BenchConfig
    from mobilenn.compress.config import ClusterConfig, PruneConfig, QatConfig
    from mobilenn.train.config import TrainConfig

    _known("network", recipe.network, networks.names(), own_file=True)
    _known("dataset", str(recipe.data["name"]), data.names())
    _known("task", recipe.task, evaluate.names())
    data.check(recipe.data["name"], {key: value for key, value in recipe.data.items() if key != "name"})
    records.from_dict(TrainConfig, recipe.train, "[train]")
    records.from_dict(BenchConfig, recipe.bench, "[bench]")
    for baseline in recipe.baselines.values():
        if baseline.method is not None:
            _known(f"baseline of {recipe.task}", baseline.method, evaluate.methods(recipe.task))
    kinds = {"prune": PruneConfig, "cluster": ClusterConfig, "qat": QatConfig}
    for name, variant in recipe.variants.items():
        for step, settings in variant.steps:
            records.from_dict(kinds[step], settings, f"[variants.{name}.{step}]")
    if importlib.util.find_spec("tensorflow") is None:
        message = "Training needs TensorFlow, which is not installed."
        raise MissingExtraError(message, "Type: pip install 'mobilenn[train]'")


def _known(kind: str, name: str, allowed: tuple[str, ...], own_file: bool = False) -> None:
    if own_file and name.endswith(".py"):
        if not Path(name).is_file():
            raise RecipeError(f"There is no network file {name}.", "Paths in a recipe are relative to the recipe.")
    elif name not in allowed:
        raise RecipeError(f"There is no {kind} '{name}'.", nearest(name, allowed))
