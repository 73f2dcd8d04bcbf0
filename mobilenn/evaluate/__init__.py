"""Metrics over a predict function, one file per task: the same judge for Keras, host, phone and browser."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mobilenn.core.errors import RecipeError, nearest

Predict = Callable[[Mapping[str, Any]], dict[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure that a task measures, so that a floor may name it; `FIGURES` of the task's file holds them by name.

    Args:
        higher_is_better: whether a floor is the least that must be reached, or the most that is allowed; where
            neither is better, as of a mean length, it is the least.
        where: of a figure that not all data have, which do: `measured only where …`.
    """

    higher_is_better: bool = True
    where: str = ""

    def reached(self, value: float, bar: float) -> bool:
        """Whether a value is at least as good as a bar; what is no number never is."""
        return value >= bar if self.higher_is_better else value <= bar


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a task's evaluator found.

    Args:
        metric: its name, such as `accuracy`.
        value: of the whole split.
        higher_is_better: which way the metric points.
        details: what the report shows beside it, JSON-ready.
    """

    metric: str
    value: float
    higher_is_better: bool
    details: Mapping[str, Any]


def names() -> tuple[str, ...]:
    """The tasks that can be judged, sorted."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_")))


def figures(task: str, known: Mapping[str, Any]) -> dict[str, Figure]:
    """What an evaluation measures, by name: its metric, and those of its details that are single floats.

    Args:
        task: a name of `names()`.
        known: of data with an environment, which names the metric, `environment` and `settings`: the dataset's
            settings hold them, and the context of a split.

    Raises:
        RecipeError: there is no such task or environment.
    """
    module = _module(task)
    named = getattr(module, "figures_of", None)
    return {**module.FIGURES, **(named(known) if named else {})}


def unmeasured(name: str, measured: Iterable[str], figure: Figure | None = None) -> RecipeError:
    """The error of a floor for what is not measured.

    Args:
        name: what the floor names.
        measured: what it might have named.
        figure: of a figure that only these data lack.
    """
    which = f"measured only where {figure.where}" if figure and figure.where else "not measured"
    return RecipeError(f"[floor] names '{name}', which is {which}.", nearest(name, measured))


def evaluate(task: str, predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges a predict function on a split.

    Args:
        task: a name of `names()`.
        predict: takes the split's inputs by name, (N, ...), and returns outputs by name, (N, ...).
        split: `inputs` and `targets`.
        labels: class names; empty for regression.

    Raises:
        RecipeError: there is no such task.
    """
    return _module(task).evaluate(predict, split, labels)


def outputs(task: str, predict: Predict, split: Any) -> dict[str, np.ndarray]:
    """What a model makes of a split: its outputs, and where the task is to be played, a recording of that too.

    Args:
        task: a name of `names()`.
        predict: as `evaluate` takes it; it is asked again and again where episodes are played.
        split: `inputs`, and the `context` that the task needs.

    Returns:
        By name, (N, ...); `evaluate` takes what returns them for a predict function.
    """
    play = getattr(_module(task), "play", None)
    return {**predict(split.inputs), **(play(predict, split) if play else {})}


def baseline(task: str, method: str, dataset: Any) -> float:
    """Computes what a task can do on the test split without a network, in units of its metric.

    Args:
        task: a name of `names()`.
        method: a name of `methods(task)`.
        dataset: with `train`, `test` and `preprocessing`.
    """
    return float(_module(task).BASELINES[method](dataset))


def methods(task: str) -> tuple[str, ...]:
    """The baselines that a task computes without a network, sorted."""
    return tuple(sorted(getattr(_module(task), "BASELINES", ())))


def _module(task: str) -> ModuleType:
    if task not in names():
        raise RecipeError(f"There is no task '{task}'.", nearest(task, names()))
    return importlib.import_module(f"mobilenn.evaluate.{task}")
