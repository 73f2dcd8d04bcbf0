"""What watches a running fit: progress, divergence, early stopping, and the record that survives a kill."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import tf_keras as keras

from mobilenn.core.errors import MobilennError
from mobilenn.layers.dropout import reseed
from mobilenn.train.checkpoint import Snapshot
from mobilenn.train.events import Events


class Reseed(keras.callbacks.Callback):
    """Makes the random layers of each epoch a function of (seed, epoch)."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Sets the random state that the epoch starts from."""
        reseed(self.model, self._seed, epoch)


class Progress(keras.callbacks.Callback):
    """Tells of steps and epochs, and stops a run whose loss is no number.

    Args:
        events: where to tell it.
        steps: steps an epoch.
        main: prefix that Keras gives to the main output's metrics.
        advice: for a run that diverged.
    """

    # Keras would otherwise copy every step's metrics off the device, which makes the host wait for it.
    _supports_tf_logs = True

    def __init__(self, events: Events, steps: int, main: str, advice: str) -> None:
        super().__init__()
        self._events, self._steps, self._main, self._advice, self._epoch = events, steps, main, advice, 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Notes which epoch the next steps belong to."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Tells of a step, where it is time to; the last one is told with the epoch."""
        if batch + 1 < self._steps:
            self._tell(batch + 1, logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Tells of the epoch, where it is time to."""
        self._tell(self._steps, logs)

    def _tell(self, step: int, logs: Mapping[str, Any] | None) -> None:
        if self._events.due(self._epoch, step):
            metrics = plain_metrics(logs or {}, self._main)
            check_metrics(metrics, self._epoch, self._advice)
            self._events.tell(self._epoch, step, metrics)


class Patience(keras.callbacks.EarlyStopping):
    """Keras' early stopping on the validation loss, with a state that can be saved and set.

    Args:
        patience: epochs without improvement.
        restored: the snapshot to go on from, or None.
    """

    def __init__(self, patience: int, restored: Snapshot | None) -> None:
        super().__init__(monitor="val_loss", mode="min", patience=patience, restore_best_weights=True)
        self._restored = restored

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Starts afresh, or where the snapshot left off."""
        super().on_train_begin(logs)
        if self._restored is not None and self._restored.stopping is not None:
            self.best = self._restored.stopping["best"]
            self.wait = int(self._restored.stopping["wait"])
            self.best_weights = self._restored.group("best")

    def state(self) -> dict[str, float]:
        """What a snapshot keeps, beside the best weights."""
        return {"best": float(self.best), "wait": self.wait, "stopped": self.stopped_epoch > 0}


class Record(keras.callbacks.Callback):
    """Appends each epoch's metrics to the history and hands the new snapshot on.

    Args:
        start: the snapshot to go on from; of epoch 0 for a new run.
        main: prefix that Keras gives to the main output's metrics.
        advice: for a run that diverged.
        keep: receives every epoch's snapshot, without arrays.
    """

    def __init__(self, start: Snapshot, main: str, advice: str, keep: Callable[[Snapshot], None]) -> None:
        super().__init__()
        self.snapshot, self._main, self._advice, self._keep = start, main, advice, keep
        self._began = time.monotonic() - start.seconds

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Checks the loss before anything is written: a checkpoint of NaN would be resumed for ever."""
        metrics = plain_metrics(logs or {}, self._main)
        check_metrics(metrics, epoch, self._advice)
        history = {name: [*self.snapshot.history.get(name, []), value] for name, value in metrics.items()}
        seconds = time.monotonic() - self._began
        self.snapshot = replace(self.snapshot, epoch=epoch + 1, history=history, seconds=seconds)
        self._keep(self.snapshot)


def plain_metrics(logs: Mapping[str, Any], main: str) -> dict[str, float]:
    """Metrics as Python floats; the main output's are called `accuracy`, not `probabilities_accuracy`."""
    names = {f"{way}{main}_accuracy": f"{way}accuracy" for way in ("", "val_")}
    return {names.get(name, name): float(value) for name, value in logs.items()}


def check_metrics(metrics: Mapping[str, float], epoch: int, advice: str) -> None:
    """Raises MobilennError where a metric, the training loss first, has become infinite or NaN.

    Args:
        metrics: plain metrics.
        epoch: from 0.
        advice: the hint to give.
    """
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise MobilennError(f"Training diverged in epoch {epoch + 1}: {name} is {value}.", advice)


def lower_rate(stage: str, learning_rate: float) -> str:
    """The advice for a run that diverged."""
    return f"Set {stage}.learning_rate below {learning_rate:g}."
