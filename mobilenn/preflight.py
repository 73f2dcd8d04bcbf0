"""Checks a recipe against the rooms that will work on it, before anything is written."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from mobilenn import data, evaluate, networks
from mobilenn.core import records
from mobilenn.core.errors import MissingExtraError, RecipeError, nearest
from mobilenn.core.recipe import PATHS_HINT, Recipe

GENERATION = "generation"


def check(recipe: Recipe) -> None:
    """Raises what is wrong with a recipe as far as its names and settings can tell.

    Raises:
        RecipeError: an unknown network, dataset, task or key, or a value out of range.
        DataError: an environment that cannot be learned in.
        MissingExtraError: TensorFlow is not installed.
    """
    from mobilenn.bench import BenchConfig
    from mobilenn.compress.config import ClusterConfig, PruneConfig, QatConfig
    from mobilenn.train.config import OWN_SCHEMES, TrainConfig

    _known("network", recipe.network, networks.names(), own_file=True)
    _known("dataset", str(recipe.data["name"]), data.names())
    _known("task", recipe.task, evaluate.names())
    data.check(recipe.data["name"], _settings(recipe))
    train = records.from_dict(TrainConfig, recipe.train, "[train]")
    if train.scheme != OWN_SCHEMES.get(recipe.task, train.scheme):
        message = f"The task {recipe.task} has no loss to descend: the scheme {train.scheme} cannot teach it."
        raise RecipeError(message, f'Set train.scheme = "{OWN_SCHEMES[recipe.task]}".')
    records.from_dict(BenchConfig, recipe.bench, "[bench]")
    for baseline in recipe.baselines.values():
        if baseline.method is not None:
            _known(f"baseline of {recipe.task}", baseline.method, evaluate.methods(recipe.task))
    if recipe.judge is not None or recipe.task == GENERATION:
        _check_judge(recipe)
    _check_floor(recipe)
    kinds = {"prune": PruneConfig, "cluster": ClusterConfig, "qat": QatConfig}
    for name, variant in recipe.variants.items():
        for step, settings in variant.steps:
            if recipe.task in OWN_SCHEMES:
                message = f"[variants.{name}] has the step {step}, which trains on: the task {recipe.task} cannot."
                raise RecipeError(message, "Allowed: variants without prune, cluster and qat.")
            records.from_dict(kinds[step], settings, f"[variants.{name}.{step}]")
    if importlib.util.find_spec("tensorflow") is None:
        message = "Training needs TensorFlow, which is not installed."
        raise MissingExtraError(message, "Type: pip install 'mobilenn[train]'")


def _settings(recipe: Recipe) -> dict[str, Any]:
    return {key: value for key, value in recipe.data.items() if key != "name"}


def _check_floor(recipe: Recipe) -> None:
    """A floor that names nothing that the task measures would be found out only after the training."""
    if recipe.floor:
        measured = evaluate.figures(recipe.task, data.settings(recipe.data["name"], _settings(recipe)))
        for name in recipe.floor:
            if name not in measured:
                raise evaluate.unmeasured(name, measured)


def _check_judge(recipe: Recipe) -> None:
    """A generator needs a judge and a length of its latents, and nothing else has one."""
    from mobilenn.train.config import TrainConfig

    if recipe.task != GENERATION:
        raise RecipeError(f"[judge] has no place in the task {recipe.task}.", "Leave it out.")
    if recipe.judge is None:
        message = "The task generation needs a [judge]: a classifier that says what the images show."
        raise RecipeError(message, 'Such as: [judge] network = "vgg", config = {…}, train = {…}')
    _known("network", recipe.judge.network, networks.names(), own_file=True)
    records.from_dict(TrainConfig, recipe.judge.train, "[judge.train]")
    latent = recipe.config.get("latent")
    if not isinstance(latent, int) or isinstance(latent, bool) or latent < 1:
        raise RecipeError(f"[config] latent is {latent}.", "Required: how many numbers an image is made of, 1 or more.")


def _known(kind: str, name: str, allowed: tuple[str, ...], own_file: bool = False) -> None:
    if own_file and name.endswith(".py"):
        if not Path(name).is_file():
            raise RecipeError(f"There is no network file {name}.", PATHS_HINT)
    elif name not in allowed:
        raise RecipeError(f"There is no {kind} '{name}'.", nearest(name, allowed))
