"""The loop under every scheme that Keras runs: training, and fine-tuning after pruning, clustering or QAT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tensorflow as tf
import tf_keras as keras

from mobilenn.core.errors import DataError, MobilennError, RecipeError, WorkerError
from mobilenn.data import Dataset
from mobilenn.train import checkpoint, distribution
from mobilenn.train.callbacks import Patience, Progress, Record, Reseed, lower_rate
from mobilenn.train.checkpoint import Snapshot, named
from mobilenn.train.config import FitConfig
from mobilenn.train.events import Emit, Events
from mobilenn.train.identity import run_key
from mobilenn.train.input import InputPlan, step_sizes
from mobilenn.train.objective import main_output, make_loss, make_metrics
from mobilenn.train.optimizer import make_optimizer, state
from mobilenn.train.tf32 import whole_float32


@dataclass(frozen=True, kw_only=True)
class FitRun:
    """What surrounds a fit, beside its settings.

    Args:
        task: `classification` or `regression`; decides loss and metrics.
        seed: of order, augmentation and random layers.
        stage: the name that events bear.
        loss_weights: weight of the loss, by output name; the main output's is 1 unless given.
        callbacks: more Keras callbacks, called before ours.
        checkpoint_dir: where each epoch's state is kept; None keeps none. The caller removes it.
        emit: receives events.
        xla: compiles the step by XLA.
        strategy: the strategy that the model was built under, or None.
        steps_per_execution: steps between two looks of Python; 1 where callbacks must see each one.
        deterministic: see `repeatable`.
        discriminator: what a generator is trained against; None for all other networks.
    """

    task: str
    seed: int
    stage: str = "train"
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    checkpoint_dir: Path | None = None
    emit: Emit = lambda _: None
    xla: bool = False
    strategy: tf.distribute.Strategy | None = None
    steps_per_execution: int = 1
    deterministic: bool = True
    discriminator: keras.Model | None = None


def fit(model: keras.Model, data: Dataset, settings: FitConfig, run: FitRun) -> dict[str, list[float]]:
    """Fits a model's weights in place, going on from a checkpoint where there is one.

    A run killed at any point and started again ends, on the CPU and with the same number of threads,
    with the very bits of an undisturbed run, and repeats at most one epoch.

    Args:
        model: a functional model; inputs are named as in `data`, the main output ends in
            `probabilities` or `value`.
        data: `train` is fitted, `validation` watched where it is not empty.
        settings: epochs, optimizer and so on.
        run: what surrounds it.

    Returns:
        A value per epoch by metric: `loss`, `accuracy` (classification), the losses of further heads,
        and the same with `val_`.

    Raises:
        MobilennError: the loss became infinite or NaN, or the device has too little memory.
        DataError: early stopping without a validation split.
        RecipeError: a batch that the strategy's devices cannot share.
        WorkerError: another worker was lost.
    """
    return {name: list(values) for name, values in fit_from_checkpoint(model, data, settings, run).history.items()}


def fit_from_checkpoint(model: keras.Model, data: Dataset, settings: FitConfig, run: FitRun) -> Snapshot:
    """Does what `fit` does; returns the last snapshot: history and seconds, over all interruptions."""
    if settings.early_stopping and not len(data.validation):
        raise DataError("train.early_stopping needs a validation split, and it is empty.", "Set it to 0.")
    repeatable(run.seed, run.deterministic)
    key = run_key(model, data, settings, run) if run.checkpoint_dir else ""
    with _scope(run.strategy):
        _compile(model, data, settings, run)
    start = _restore(model, key, run)
    patience = Patience(settings.early_stopping, start) if settings.early_stopping else None
    with _keeper(model, patience, key, run) as keep:
        advice = lower_rate(run.stage, settings.learning_rate)
        record = Record(start, main_output(model, run.task), advice, keep)
        if start.epoch < settings.epochs and not (start.stopping or {}).get("stopped"):
            _run(model, data, settings, run, [*([patience] if patience else []), record])
        elif start.stopping is not None:
            model.set_weights(start.group("best"))
    return record.snapshot


def repeatable(seed: int, deterministic: bool = True) -> None:
    """Seeds every generator, rules out TF32 and, where asked, allows only operations that repeat bit for bit.

    Results still depend on the number of threads: sums are split by it. The switch holds for the
    rest of the process.

    Args:
        seed: from 0 to 2³² − 1.
        deterministic: whether to forbid operations without a fixed order of summing.
    """
    keras.utils.set_random_seed(seed)
    whole_float32()
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def _scope(strategy: tf.distribute.Strategy | None) -> Any:
    return (strategy or tf.distribute.get_strategy()).scope()


def _compile(model: keras.Model, data: Dataset, settings: FitConfig, run: FitRun) -> None:
    steps, _ = step_sizes(len(data.train), settings.batch_size, distribution.replicas(run.strategy))
    half = any(layer.compute_dtype == "float16" for layer in model._flatten_layers())
    optimizer = make_optimizer(settings, steps, loss_scaling=half)
    outputs = loss_weights(model, run)
    loss = make_loss(run.task, data.train.targets, settings.label_smoothing)
    model.compile(
        optimizer=optimizer,
        loss=dict.fromkeys(outputs, loss),
        loss_weights=outputs,
        metrics={main_output(model, run.task): make_metrics(run.task)},
        jit_compile=run.xla,
        steps_per_execution=run.steps_per_execution,
    )
    optimizer.build(model.trainable_variables)


def loss_weights(model: keras.Model, run: FitRun) -> dict[str, float]:
    """Weight of the loss, by output that has one."""
    return {main_output(model, run.task): 1.0, **run.loss_weights}


def _run(model: keras.Model, data: Dataset, settings: FitConfig, run: FitRun, watchers: list[Any]) -> None:
    """Calls Keras, from the epoch that the record stands at to the end."""
    fed = _feeds(model, data, settings, run, watchers[-1].snapshot.epoch)
    steps = fed["steps_per_epoch"]
    events = Events(run.emit, run.stage, settings.epochs, steps)
    progress = Progress(events, steps, main_output(model, run.task), lower_rate(run.stage, settings.learning_rate))
    everyone = [Reseed(run.seed), *run.callbacks, progress, *watchers]
    try:
        model.fit(**fed, epochs=settings.epochs, callbacks=everyone, verbose=0)
    except tf.errors.UnimplementedError as error:
        raise (_unrepeatable(error) or error) from None
    except tf.errors.ResourceExhaustedError:
        message = f"The device has too little memory for batches of {settings.batch_size}."
        raise MobilennError(message, f"Lower {run.stage}.batch_size.") from None
    except tf.errors.OpError as error:
        if not distribution.is_multi_worker(run.strategy):
            raise
        message = "A worker of the cluster was lost, or does not answer."
        raise WorkerError(message, "Start every worker again: training goes on after the last epoch.") from error


def _unrepeatable(error: tf.errors.OpError) -> RecipeError | None:
    """What to tell a user of an operation that a GPU has no repeatable form of; None for other errors."""
    said = next((line for line in error.message.splitlines() if "determinis" in line.lower()), None)
    if said is None:
        return None
    hint = "Set train.deterministic = false, or train on the CPU: CUDA_VISIBLE_DEVICES=-1."
    return RecipeError(f"This GPU cannot train it repeatably: {said.strip()}", hint)


def _feeds(model: keras.Model, data: Dataset, settings: FitConfig, run: FitRun, first_epoch: int) -> dict[str, Any]:
    """What Keras reads, and how many steps it takes."""
    share, outputs = distribution.replicas(run.strategy), tuple(loss_weights(model, run))
    plan = InputPlan(
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        first_epoch=first_epoch,
        seed=run.seed,
        augment=settings.augment,
        outputs=outputs,
    )
    fed = {
        "x": distribution.feed(data.train, plan, run.strategy),
        "steps_per_epoch": step_sizes(len(data.train), settings.batch_size, share)[0],
        "initial_epoch": first_epoch,
    }
    watched, _ = step_sizes(len(data.validation), settings.batch_size, share)
    if watched:
        unshuffled = InputPlan(batch_size=settings.batch_size, outputs=outputs)
        fed["validation_data"] = distribution.feed(data.validation, unshuffled, run.strategy)
        fed["validation_steps"] = watched
    return fed


def _restore(model: keras.Model, key: str, run: FitRun) -> Snapshot:
    """Sets weights and optimizer from the checkpoint; returns the snapshot to go on from."""
    if run.checkpoint_dir is None:
        return Snapshot(epoch=0, history={}, seconds=0.0)
    path = checkpoint.path_in(run.checkpoint_dir)

    def read() -> Snapshot:
        return checkpoint.resume(path, key, lambda line: run.emit({"stage": run.stage, "warning": line}))

    found = distribution.from_chief(read, run.strategy)
    if found.epoch:
        model.set_weights(found.group("weights"))
        with _scope(run.strategy):
            for variable, value in zip(state(model.optimizer), found.group("optimizer"), strict=True):
                variable.assign(value)
    return found


@contextmanager
def _keeper(
    model: keras.Model, patience: Patience | None, key: str, run: FitRun
) -> Iterator[Callable[[Snapshot], None]]:
    """Yields what saves the state after an epoch; the chief alone writes."""
    if run.checkpoint_dir is None or not distribution.is_chief(run.strategy):
        yield lambda _: None
        return

    def keep(snapshot: Snapshot) -> None:
        arrays = named("weights", model.get_weights())
        arrays |= named("optimizer", [variable.numpy() for variable in state(model.optimizer)])
        if patience is not None:
            arrays |= named("best", patience.best_weights or [])
        stopping = patience.state() if patience is not None else None
        writer.put(replace(snapshot, stopping=stopping, arrays=arrays))

    with checkpoint.Writer(checkpoint.path_in(run.checkpoint_dir), key) as writer:
        yield keep
