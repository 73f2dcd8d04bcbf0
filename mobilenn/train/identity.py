"""What binds a checkpoint to one run: a hash of all that decides how training goes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from mobilenn.core import store
from mobilenn.core.records import to_dict
from mobilenn.data import Dataset, Split
from mobilenn.train.config import FitConfig

_SAMPLED_ROWS = 32  # of each input: enough to tell data sets apart without decoding all images


def run_key(model: keras.Model, data: Dataset, settings: FitConfig, run: Any) -> str:
    """Returns the key of a fit: settings, seed, starting weights, data and libraries.

    The number of threads and devices has a say in the last bits, but is left out: training that moves
    to another machine goes on there.

    Args:
        model: with the weights that training starts from.
        data: targets count whole, inputs by a sample of rows.
        settings: the fit's settings.
        run: a FitRun.
    """
    identity = {
        "settings": to_dict(settings),
        "task": run.task,
        "seed": run.seed,
        "stage": run.stage,
        "loss_weights": dict(run.loss_weights),
        "callbacks": [type(callback).__name__ for callback in run.callbacks],
        "xla": run.xla,
        "steps_per_execution": run.steps_per_execution,
        "deterministic": run.deterministic,
        "weights": [[weight.name, _digest(value)] for weight, value in _weights(model)],
        "data": [_split(split) for split in (data.train, data.validation)],
        "versions": [tf.__version__, keras.__version__, np.__version__],
    }
    return store.sha256_json(identity)


def _weights(model: keras.Model) -> Any:
    return zip(model.weights, model.get_weights(), strict=True)


def _split(split: Split) -> list[Any]:
    count = len(split)
    rows = np.unique(np.linspace(0, count - 1, min(count, _SAMPLED_ROWS)).astype(np.int64)) if count else []
    sampled = {name: [list(array.shape), _digest(array[rows])] for name, array in sorted(split.inputs.items()) if count}
    return [count, _digest(split.targets), sampled]


def _digest(array: Any) -> str:
    whole = np.ascontiguousarray(array)
    return hashlib.sha256(f"{whole.dtype.str}{whole.shape}".encode() + whole.tobytes()).hexdigest()
