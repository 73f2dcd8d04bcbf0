"""One compression step, by its name in a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import tf_keras as keras

from mobilenn.compress.cluster import cluster
from mobilenn.compress.config import ClusterConfig, FineTune, PruneConfig, QatConfig
from mobilenn.compress.parts import is_refused_whole, note, table_note, train_parts
from mobilenn.compress.prune import prune
from mobilenn.compress.qat import apply_transform, settled, transform_name
from mobilenn.compress.rounding import repeatable_rounding
from mobilenn.core.records import from_dict
from mobilenn.data import Dataset
from mobilenn.train.config import FitConfig, TrainConfig
from mobilenn.train.fit import FitRun, fit

Emit = Callable[[dict[str, Any]], None]


def apply_step(
    model: keras.Model, dataset: Dataset, arguments: Mapping[str, Any], emit: Emit
) -> tuple[keras.Model, tuple[str, ...]]:
    """Applies a step with its fine-tuning.

    Args:
        model: the model that the step before made; it is not changed.
        dataset: what to fine-tune on.
        arguments: `step` (prune, cluster or qat), `settings`, `done` (the steps before), `task`,
            `train` (the recipe's, whose augmentation is kept), `seed`, and `folder`, where the
            fine-tuning keeps its checkpoint (empty: it keeps none).
        emit: receives progress events.

    Returns:
        The model, and the transforms that rebuild its structure; none where the structure is the network's own.
    """
    step, done = arguments["step"], arguments["done"]
    kinds = {"prune": PruneConfig, "cluster": ClusterConfig, "qat": QatConfig}
    settings = from_dict(kinds[step], arguments["settings"], f"[{step}]")
    trained = from_dict(TrainConfig, arguments["train"], "[train]")
    tuning = _tuning(settings, trained)

    def tune(wrapped: keras.Model, callbacks: list[keras.callbacks.Callback]) -> None:
        run = FitRun(
            task=arguments["task"],
            stage=step,
            seed=arguments["seed"],
            callbacks=tuple(callbacks),
            checkpoint_dir=Path(arguments["folder"]) / "checkpoint" if arguments["folder"] else None,
            emit=emit,
            deterministic=trained.deterministic,
        )
        with repeatable_rounding() if step == "qat" else nullcontext():
            fit(wrapped, dataset, tuning, run)

    if step != "qat" and (said := table_note(model, step)):
        emit({"stage": step, "warning": said})
    if step == "prune":
        steps = settings.epochs * -(-len(dataset.train) // settings.batch_size)
        return prune(model, settings, steps, tune), ()
    if step == "cluster":
        return cluster(model, settings, "prune" in done, tune), ()
    if is_refused_whole(model):
        emit({"stage": step, "warning": note(model)})
        return train_parts(model, done, tune), ()
    wrapped = apply_transform(model, transform_name(done))
    tune(wrapped, [])
    return settled(wrapped, model), ("qat",)


def _tuning(settings: FineTune, trained: TrainConfig) -> FitConfig:
    """Fine-tuning's settings: the step's own rate and length, the training's augmentation."""
    return replace(
        FitConfig(augment=trained.augment, schedule="cosine"),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
    )
