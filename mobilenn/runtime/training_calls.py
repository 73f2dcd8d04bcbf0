"""One call of each signature with which a file is trained: what to time, and what an app has to hand over."""

from __future__ import annotations

import numpy as np

from mobilenn.core.artifacts import TensorSpec
from mobilenn.runtime.sequence import Arrays
from mobilenn.runtime.training import INFER, PREPARE, PREPARED, TRAIN, TrainableFile, prepared

SIGNATURES = (PREPARE, TRAIN, INFER)  # those that are called again and again
LEARNING_RATE = 1e-3  # of a step that is timed: small, so that no value overflows


def example_calls(file: TrainableFile, sample: Arrays) -> dict[str, dict[str, np.ndarray]]:
    """Inputs of `prepare`, `train` and `infer`, by signature: a full batch of one sample, the file's own weights.

    Args:
        file: what to train.
        sample: raw inputs of one sample by name, (1, …).
    """
    row = {spec.name: np.asarray(sample[spec.name][:1], spec.dtype) for spec in file.samples}
    held = file.initial_weights({"gain": np.ones(1, np.float32)})
    weights = {name: np.array(held[name], np.float32) for name in file.weights}
    batch = np.repeat(prepared(file, row), file.batch_size, axis=0)
    known = {
        PREPARED: batch,
        "share": np.full(file.batch_size, 1 / file.batch_size, np.float32),
        "learning_rate": np.full(1, LEARNING_RATE, np.float32),
        **weights,
    }
    train = {name: known[name] if name in known else _zeros(spec) for name, spec in file.inputs.items()}
    return {PREPARE: row, TRAIN: train, INFER: {**row, **weights}}


def _zeros(spec: TensorSpec) -> np.ndarray:
    return np.zeros(spec.shape, spec.dtype)
