"""The scheme `reinforcement`: a policy learns from episodes, by TF-Agents; the best of all epochs is kept."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.core import store
from mobilenn.core.errors import MobilennError, RecipeError
from mobilenn.data import Dataset
from mobilenn.environments import Environment, make
from mobilenn.environments._rollout import play
from mobilenn.train import checkpoint
from mobilenn.train._agents import quietly
from mobilenn.train.callbacks import lower_rate
from mobilenn.train.checkpoint import Snapshot, named
from mobilenn.train.choice_learner import ChoiceLearner
from mobilenn.train.config import TrainConfig, check_taken
from mobilenn.train.crew import Crew
from mobilenn.train.events import Events
from mobilenn.train.fit import FitRun
from mobilenn.train.identity import run_key
from mobilenn.train.optimizer import make_optimizer
from mobilenn.train.value_learner import ValueLearner

_TAKEN = (
    *("agent", "batch_size", "clip_norm", "deterministic", "early_stopping", "epochs", "learning_rate", "optimizer"),
    *("schedule", "scheme", "warmup_epochs", "weight_decay"),
)
SAVED_EVERY_S = 20.0  # what is remembered may be a hundred megabytes


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """What every epoch needs."""

    policy: keras.Model
    learner: ValueLearner | ChoiceLearner
    crew: Crew
    metric: str
    validate: Callable[[], float]


def train_reinforcement(model: keras.Model, data: Dataset, settings: TrainConfig, run: FitRun) -> Snapshot:
    """Trains a network like `mobilenn.networks.policy`, in place.

    Episodes of training start from training seeds; after each epoch the policy plays the validation episodes, without
    exploring, and the weights that did best there are what is left in the model, of equal ones the last. All that is
    random is drawn from numpy by seed and epoch, so that a run that was killed goes on as one that was not.

    Args:
        model: with the outputs `values` and `action`.
        data: of the dataset `episodes`.
        settings: the [train] table.
        run: task, seed, checkpoint folder, events.

    Returns:
        The last snapshot; its history holds `loss`, and the environment's measure of the episodes that ended in
        training, and of the validation episodes (`val_`).

    Raises:
        RecipeError: another task or network, or a setting that means nothing here.
        DataError: the environment broke its word.
        MobilennError: training diverged.
    """
    check_taken(settings, _TAKEN)
    known = data.train.context
    if run.task != "control" or "environment" not in known or "action" not in model.output_names:
        message = f"The scheme reinforcement cannot train {model.name} for the task {run.task}."
        raise RecipeError(message, 'Allowed: network = "policy", task = "control", data.name = "episodes".')
    environment = make(known["environment"], known["settings"])
    _check_mask(model, environment)
    key = store.sha256_json([run_key(model, data, settings, run), _played(data)])
    start = np.random.default_rng([run.seed, 2])
    with quietly():
        stage = _Stage(
            policy=model,
            learner=_learner(model, environment, settings),
            crew=Crew(known["environment"], known["settings"], settings.agent.environments, start),
            metric=environment.metric,
            validate=_validation(model, data.validation.context),
        )
        return _epochs(stage, settings, run, key)


def _check_mask(model: keras.Model, environment: Environment) -> None:
    masked = bool(getattr(model.get_layer("action"), "masked", environment.masked))
    if masked != environment.masked:
        message = f"The network {'looks for' if masked else 'does not look for'} forbidden actions in an observation."
        raise RecipeError(message, f"Set config.masked = {str(environment.masked).lower()}.")


def _learner(model: keras.Model, environment: Environment, settings: TrainConfig) -> ValueLearner | ChoiceLearner:
    optimizer = make_optimizer(settings, settings.agent.descents)
    if settings.agent.algorithm == "dqn":
        return ValueLearner(model, environment, settings.agent, optimizer, settings.batch_size)
    return ChoiceLearner(model, environment, settings.agent, optimizer)


def _played(data: Dataset) -> list[Any]:
    """What of the data decides how training goes, beside the observations."""
    return [[context["environment"], context["settings"], list(context["seeds"])] for context in _contexts(data)]


def _contexts(data: Dataset) -> Iterator[Mapping[str, Any]]:
    return (split.context for split in (data.train, data.validation))


def _validation(model: keras.Model, known: Mapping[str, Any]) -> Callable[[], float]:
    """What plays the validation episodes with the present weights, and returns the mean score."""
    act = tf.function(lambda observations: dict(zip(model.output_names, model(observations), strict=True))["action"])
    seeds = list(known["seeds"])

    def validate() -> float:
        def greedy(observations: np.ndarray, numbers: np.ndarray, playing: Sequence[Environment]) -> np.ndarray:
            rows = np.zeros((len(seeds), *observations.shape[1:]), np.float32)  # one shape: TensorFlow traces once
            rows[: len(observations)] = observations
            return act(rows).numpy()[: len(observations)].reshape(-1)

        return float(play(known["environment"], known["settings"], seeds, greedy).scores.mean())

    return validate


def _epochs(stage: _Stage, settings: TrainConfig, run: FitRun, key: str) -> Snapshot:
    """Runs the epochs that are left; the best weights stand in the policy at the end."""
    snapshot = _restored(stage, key, run)
    path = checkpoint.path_in(run.checkpoint_dir) if run.checkpoint_dir else None
    events = Events(run.emit, run.stage, settings.epochs, settings.agent.steps)
    saved = time.monotonic()
    with checkpoint.Writer(path, key) if path else contextlib.nullcontext() as writer:
        while snapshot.epoch < settings.epochs and not _tired(snapshot, settings.early_stopping):
            snapshot = _epoch(stage, snapshot, (run.seed, settings.learning_rate), events)
            if writer is not None and time.monotonic() - saved > SAVED_EVERY_S:
                writer.put(replace(snapshot, arrays={**snapshot.arrays, **_state(stage)}))
                saved = time.monotonic()
    stage.policy.set_weights(snapshot.group("best"))
    return snapshot


def _epoch(stage: _Stage, before: Snapshot, given: tuple[int, float], events: Events) -> Snapshot:
    """Plays, learns, and is tried."""
    seed, rate = given
    epoch, began = before.epoch, time.monotonic()
    generator = np.random.default_rng([seed, epoch, 3])
    stage.crew.generator = np.random.default_rng([seed, epoch, 4])

    def tell(step: int, loss: Any) -> None:
        if events.due(epoch, step):
            events.tell(epoch, step, {"loss": float(loss), **_latest(before)})

    with _divergence(epoch, rate):
        loss = stage.learner.epoch(stage.crew, epoch, generator, tell)
    scores = stage.crew.scores()
    metrics = {
        "loss": loss,
        stage.metric: float(np.mean(scores)) if scores else None,
        f"val_{stage.metric}": stage.validate(),
    }
    history = {name: [*before.history.get(name, []), value] for name, value in metrics.items()}
    best, at = before.group("best"), dict(before.stopping or {"best": float("-inf"), "epoch": 0})
    if metrics[f"val_{stage.metric}"] >= at["best"]:
        better = metrics[f"val_{stage.metric}"] > at["best"]
        at = {"best": metrics[f"val_{stage.metric}"], "epoch": epoch + 1 if better else at["epoch"]}
        best = stage.policy.get_weights()
    seconds = before.seconds + time.monotonic() - began
    return Snapshot(epoch=epoch + 1, history=history, seconds=seconds, stopping=at, arrays=named("best", best))


def _latest(snapshot: Snapshot) -> dict[str, float]:
    return {name: values[-1] for name, values in snapshot.history.items() if name.startswith("val_")}


def _tired(snapshot: Snapshot, patience: int) -> bool:
    """Whether so many epochs brought nothing better."""
    return bool(patience and snapshot.stopping and snapshot.epoch - snapshot.stopping["epoch"] >= patience)


@contextlib.contextmanager
def _divergence(epoch: int, rate: float) -> Iterator[None]:
    try:
        yield
    except tf.errors.InvalidArgumentError as error:  # TF-Agents checks its loss
        if "nan" not in str(error).lower():
            raise
        message = f"Training diverged in epoch {epoch + 1}: the loss is not finite."
        raise MobilennError(message, lower_rate("train", rate)) from None


def _state(stage: _Stage) -> dict[str, np.ndarray]:
    """All that an epoch starts from."""
    parts = {"crew": stage.crew.state(), "learner": stage.learner.state()}
    arrays = named("variables", [variable.numpy() for variable in stage.learner.variables])
    return arrays | {f"{part}/{name}": value for part, kept in parts.items() for name, value in kept.items()}


def _restored(stage: _Stage, key: str, run: FitRun) -> Snapshot:
    """Puts a checkpoint's state in place; returns the snapshot to go on from."""
    if run.checkpoint_dir is None:
        return Snapshot(epoch=0, history={}, seconds=0.0)
    path = checkpoint.path_in(run.checkpoint_dir)
    found = checkpoint.resume(path, key, lambda line: run.emit({"stage": run.stage, "warning": line}))
    if found.epoch:
        for variable, value in zip(stage.learner.variables, found.group("variables"), strict=True):
            variable.assign(value)
        stage.crew.restore(_part(found, "crew"))
        stage.learner.restore(_part(found, "learner"))
    return found


def _part(snapshot: Snapshot, prefix: str) -> dict[str, np.ndarray]:
    start = f"{prefix}/"
    return {name.removeprefix(start): value for name, value in snapshot.arrays.items() if name.startswith(start)}
