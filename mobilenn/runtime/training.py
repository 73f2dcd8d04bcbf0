"""How an app trains a file: the reference of the loop around the signatures of mobilenn.convert.training.

Weights and velocities are plain arrays that the app holds. Every sample goes once through `prepare`, the frozen
part; each step of descent calls `train`, once or, for more samples than a call holds, several times; `infer`
answers with the weights as they are by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilenn.core.artifacts import Signature, TensorSpec
from mobilenn.core.errors import ArtifactError, DataError, RecipeError
from mobilenn.runtime.sequence import Arrays, Runner, carried

PREPARE, TRAIN, INFER, INITIAL_WEIGHTS = "prepare", "train", "infer", "initial_weights"
PREPARED = "prepared"  # what the frozen part gives, and the trained layers read
NEXT, VELOCITY = "next_", "velocity_"  # before a weight's name


@dataclass(frozen=True, kw_only=True)
class Descent:
    """One step's settings.

    Args:
        learning_rate: η, above 0.
        momentum: share of the last step that is taken again, 0 ≤ μ < 1.
    """

    learning_rate: float = 0.1
    momentum: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < float("inf"):
            raise RecipeError(f"learning_rate is {self.learning_rate}.", "Allowed: above 0.")
        if not 0 <= self.momentum < 1:
            raise RecipeError(f"momentum is {self.momentum}.", "Allowed: 0 or more, below 1.")


@dataclass(frozen=True, kw_only=True)
class TrainableFile:
    """A file's signatures for training, ready to run.

    Args:
        prepare, train, infer, initial_weights: run the signatures of these names.
        inputs: of `train`, by name.
        weights: names of the weights, first layer first.
        samples: inputs of the network itself, as `prepare` takes them.
    """

    prepare: Runner
    train: Runner
    infer: Runner
    initial_weights: Runner
    inputs: Mapping[str, TensorSpec]
    weights: tuple[str, ...]
    samples: tuple[TensorSpec, ...]

    @property
    def batch_size(self) -> int:
        """Samples that one call of `train` takes."""
        return self.inputs[PREPARED].shape[0]


def trainable(signatures: Mapping[str, Signature], runner: Callable[[str], Runner]) -> TrainableFile:
    """Opens a loaded file for training.

    Args:
        signatures: of the file, by name.
        runner: gives what runs a signature, such as `InterpreterRun.runner`.

    Raises:
        ArtifactError: the file cannot be trained.
    """
    missing = [key for key in (PREPARE, TRAIN, INFER, INITIAL_WEIGHTS) if key not in signatures]
    if missing:
        hint = "Type: mobilenn run RECIPE --set variants.float32.trainable.batch_size=32"
        raise ArtifactError(f"The file cannot be trained: it lacks the signature '{missing[0]}'.", hint)
    inputs = {spec.name: spec for spec in signatures[TRAIN].inputs}
    return TrainableFile(
        prepare=runner(PREPARE),
        train=runner(TRAIN),
        infer=runner(INFER),
        initial_weights=runner(INITIAL_WEIGHTS),
        inputs=inputs,
        weights=tuple(spec.name for spec in signatures[INITIAL_WEIGHTS].outputs),
        samples=signatures[PREPARE].inputs,
    )


def beginning(file: TrainableFile, blank: bool = False) -> dict[str, np.ndarray]:
    """The state before the first step: the file's weights, and velocities of zero.

    Args:
        file: what to train.
        blank: whether the last layer starts from zeros: to learn other classes than the file knows.
    """
    found = file.initial_weights({"gain": np.ones(1, np.float32)})
    weights = {name: np.array(found[name], np.float32) for name in file.weights}
    if blank:
        last = file.weights[-1].rpartition("_")[0]
        weights |= {name: np.zeros_like(w) for name, w in weights.items() if name.rpartition("_")[0] == last}
    return {**weights, **{f"{VELOCITY}{name}": np.zeros_like(w) for name, w in weights.items()}}


def prepared(file: TrainableFile, inputs: Arrays) -> np.ndarray:
    """Runs the frozen part: raw inputs (N, …) by name to what the trained layers read, (N, width) float32."""
    return np.concatenate([file.prepare(row)[PREPARED] for row in _rows(file, inputs)])


def step(
    file: TrainableFile, samples: tuple[np.ndarray, np.ndarray], state: Arrays, settings: Descent
) -> tuple[float, dict[str, np.ndarray]]:
    """One step of descent on the mean loss of any number of samples.

    More samples than a call of `train` takes go in parts, each at the same weights: the velocity sums up what
    they say, with momentum 1 from the second part on, and the weights after the last part are those after the
    step. Fewer are filled up with rows that have no share in the loss.

    Args:
        file: what to train.
        samples: (N, width) of `prepared`, and the targets: (N,) class indices, or values (N, outputs).
        state: as `beginning` or the step before gave it.
        settings: rate and momentum.

    Returns:
        The loss before the step, and the state after it.

    Raises:
        DataError: no sample, a class that the network does not have, or values that are not finite.
    """
    inputs, targets = _checked(file, *samples)
    count, batch = len(inputs), file.batch_size
    held, momentum, total = dict(state), settings.momentum, 0.0
    for start in range(0, count, batch):
        rows = slice(start, start + batch)
        given = {
            PREPARED: filled(inputs[rows], batch),
            "target": filled(targets[rows], batch),
            "share": filled(np.full(len(inputs[rows]), 1 / count, np.float32), batch),
            "learning_rate": np.full(1, settings.learning_rate, np.float32),
            "momentum": np.full(1, momentum, np.float32),
        }
        outputs = file.train({**given, **held})
        after = carried(state, outputs)
        held |= {name: value for name, value in after.items() if name.startswith(VELOCITY)}
        momentum, total = 1.0, total + float(outputs["loss"][0])
    return total, after


def epoch(
    file: TrainableFile,
    samples: tuple[np.ndarray, np.ndarray],
    state: Arrays,
    settings: Descent,
    order: tuple[int, int],
) -> tuple[list[float], dict[str, np.ndarray]]:
    """One pass over the samples in mini-batches, a call of `train` each.

    Args:
        file, samples, state, settings: as for `step`.
        order: seed and number of the epoch, which decide the order of the samples.

    Returns:
        The loss of every step, and the state after the last.
    """
    losses = []
    for rows in mini_batches(len(samples[0]), file.batch_size, order):
        value, state = step(file, (samples[0][rows], samples[1][rows]), state, settings)
        losses.append(value)
    return losses, dict(state)


def mini_batches(count: int, size: int, order: tuple[int, int]) -> Iterator[np.ndarray]:
    """Rows of each mini-batch of an epoch; the last one may be smaller."""
    permuted = np.random.default_rng(list(order)).permutation(count)
    for start in range(0, count, size):
        yield permuted[start : start + size]


def lesson_losses(file: TrainableFile, inputs: Arrays, lesson: Mapping[str, Any]) -> list[float]:
    """The losses of a file that is taught a golden lesson, each before its step.

    Args:
        file: what to train.
        inputs: the golden inputs, raw values (K, …) by name.
        lesson: `targets`, `learning_rate`, `momentum` and `losses`; all samples go into each step.
    """
    settings = Descent(learning_rate=lesson["learning_rate"], momentum=lesson["momentum"])
    samples = prepared(file, inputs), np.asarray(lesson["targets"])
    state, losses = beginning(file), []
    for _ in lesson["losses"]:
        value, state = step(file, samples, state, settings)
        losses.append(value)
    return losses


def lesson_error(losses: Sequence[float], expected: Sequence[float]) -> float:
    """The largest error of a lesson's losses, relative to the largest one expected where that is above 1."""
    error = np.abs(np.subtract(losses, expected))
    return float(np.max(error) / max(1.0, np.max(np.abs(expected))))


def steady_rate(found: np.ndarray) -> float:
    """A learning rate at which each step on all samples lowers the cross-entropy of a last layer trained alone.

    The loss's second derivative is at most half the mean of |(x, 1)|², and 1 over a bound of it is such a rate.

    Args:
        found: (N, width) of `prepared`.

    Reference:
        Böhning, Multinomial logistic regression algorithm (1992), section 2.
    """
    energy = np.mean(np.sum(np.square(found, dtype=np.float64), axis=1))
    return float(2 / (energy + 1))


def predict(file: TrainableFile, inputs: Arrays, state: Arrays) -> np.ndarray:
    """What the network says with the weights of a state: raw inputs (N, …) by name to (N, outputs) float32."""
    weights = {name: state[name] for name in file.weights}
    said = [file.infer({**row, **weights}) for row in _rows(file, inputs)]
    return np.concatenate([next(iter(outputs.values())) for outputs in said])


def _rows(file: TrainableFile, inputs: Arrays) -> Iterator[dict[str, np.ndarray]]:
    """Samples one by one, in the dtypes that the file takes."""
    count = len(next(iter(inputs.values())))
    for row in range(count):
        yield {spec.name: np.asarray(inputs[spec.name][row : row + 1], spec.dtype) for spec in file.samples}


def filled(values: np.ndarray, batch: int) -> np.ndarray:
    """Rows of zeros behind the values, up to the number that a call takes."""
    return np.concatenate([values, np.zeros((batch - len(values), *values.shape[1:]), values.dtype)])


def _checked(file: TrainableFile, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples in the dtypes of the signature `train`."""
    wants = file.inputs["target"]
    inputs, targets = np.asarray(inputs, np.float32), np.asarray(targets)
    width = file.inputs[PREPARED].shape[1]
    if not len(inputs) or inputs.shape != (len(targets), width):
        message = f"The samples have shape {inputs.shape} and there are {len(targets)} targets."
        raise DataError(message, f"Allowed: (N, {width}) as `prepare` gives them, N at least 1, and N targets.")
    if wants.dtype == "int32":
        outputs = next(file.inputs[name].shape[0] for name in reversed(file.weights))
        if targets.dtype.kind not in "iu" or targets.min() < 0 or targets.max() >= outputs:
            raise DataError("A target is no class of the network.", f"Allowed: whole numbers, 0 to {outputs - 1}.")
    targets = targets.reshape(len(targets), *wants.shape[1:]).astype(wants.dtype)
    if not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
        raise DataError("Samples or targets hold values that are not finite.")
    return inputs, targets
