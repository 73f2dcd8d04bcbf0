"""TfliteModel → VerifyReport: does the file compute what was trained, and what did that cost?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mobilenn import evaluate as judges
from mobilenn.core.precision import Precision
from mobilenn.core.vocabulary import PAD
from mobilenn.core.worker import Worker
from mobilenn.evaluate import Evaluation, Figure, evaluate

# The largest golden error, relative to the output's largest value, at which a file that stores
# floats still counts as the same function: rounding of float32 sums, and of float16 weights.
GOLDEN_TOLERANCE = {Precision.FLOAT32: 1e-4, Precision.FLOAT16: 2e-2}
PER_SAMPLE = 2  # the rank of outputs that name a class: a sample, its classes
ACTION = "action"  # the output of a policy that is acted upon: a whole number
LESSON_TOLERANCE = 1e-4  # of the losses that a file has when it is trained
LESSON_LOSSES = "lesson_losses"
# Of what CompiledModel makes of the golden inputs beside the Interpreter: the same kernels give the same bits, and
# where another processor's do not, they round otherwise.
COMPILED_TOLERANCE = 1e-5

Status = Literal["accepted", "rejected", "failed"]
Outputs = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a variant is held against.

    Args:
        task: file under mobilenn/evaluate.
        split: the whole test split.
        labels: class names; empty for regression.
        float_outputs: outputs of the float Keras model on that split, (N, ...) float32.
        parent_outputs: outputs of the Keras model that was converted (pruned, clustered, …).
        golden_inputs, golden_outputs: the golden pairs; outputs of the float Keras model.
        max_drop: how much worse than the float model the metric may be.
        floor: the least that must be reached, or the most where less is better, by the figure's name: see
            `mobilenn.evaluate.figures`.
        baselines: metrics of what the network has to be at least as good as, by name.
        lesson: of a file that can be trained, its golden lesson; see mobilenn.jobs.lessons.
    """

    task: str
    split: Any
    labels: tuple[str, ...]
    float_outputs: Outputs
    parent_outputs: Outputs
    golden_inputs: Outputs
    golden_outputs: Outputs
    max_drop: float
    floor: Mapping[str, float] = field(default_factory=dict)
    baselines: Mapping[str, float] = field(default_factory=dict)
    lesson: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Error of one output: against the converted Keras model, and on the golden pairs.

    Args:
        max_abs, mean_abs: over the test split, in the output's own unit.
        golden_max_abs: against the float model's golden outputs.
    """

    max_abs: float
    mean_abs: float
    golden_max_abs: float


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a file that can be trained made of its golden lesson.

    Args:
        expected: losses of Keras before each step; of k-means, mean squared distances in numpy.
        found: those of the file.
        error: the largest difference, relative to the largest loss where that is above 1.
    """

    expected: tuple[float, ...]
    found: tuple[float, ...]
    error: float


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """What verification found.

    Args:
        status: accepted, or rejected for `reason`.
        metric: on the test split.
        metric_drop: float metric minus this metric, turned so that positive is worse.
        agreement: share of test samples whose largest output is the float model's too, or of tokens of its
            transcripts that a sequence network says too, or of observations in which a policy does the same; NaN-free,
            1.0 for outputs of one value and for images.
        parity: by name of each output of floats.
        details: of the evaluation, JSON-ready.
        compiled_model: how far CompiledModel, which Android apps use, is from the Interpreter on the golden inputs:
            by name of each output, as a share of its largest value, or of whole numbers the share that differs.
            `lesson_losses` is the error of the lesson there.
        lesson: of a file that can be trained; None of others.
    """

    status: Status
    reason: str
    metric: float
    metric_drop: float
    agreement: float
    parity: Mapping[str, Parity]
    details: Mapping[str, Any]
    compiled_model: Mapping[str, float]
    lesson: Lesson | None = None


def evaluate_outputs(task: str, outputs: Outputs, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Evaluates a model from its stored outputs on a split."""
    return evaluate(task, lambda _: dict(outputs), split, labels)


def verify(
    path: Path, precision: Precision, reference: Reference, worker: Worker | None = None
) -> tuple[VerifyReport, Outputs]:
    """Runs a .tflite over the golden pairs and the whole test split and judges it; over the pairs in CompiledModel too.

    Args:
        path: the .tflite; it runs in a worker process.
        precision: decides how close the golden outputs of a float file must be.
        reference: what it is held against.
        worker: a warm one to run it in, as `HostSession` takes it; None makes one.

    Returns:
        The report, and the file's outputs on the test split.

    Raises:
        ArtifactError: the file cannot be loaded.
        WorkerError: it killed its worker.
    """
    from mobilenn.runtime.host import HostSession

    with HostSession(path, worker=worker) as session:
        golden = session.predict(reference.golden_inputs)
        outputs = judges.outputs(reference.task, session.predict, reference.split)
        lesson = taught(session, reference.golden_inputs, reference.lesson)
    apart = _in_compiled_model(path, reference, golden, worker)
    found = evaluate_outputs(reference.task, outputs, reference.split, reference.labels)
    expected = evaluate_outputs(reference.task, reference.float_outputs, reference.split, reference.labels)
    sign = 1.0 if found.higher_is_better else -1.0
    drop = sign * (expected.value - found.value)
    measured = [name for name, values in reference.golden_outputs.items() if values.dtype.kind == "f"]
    parity = {name: _parity(name, outputs, golden, reference) for name in measured}
    reason = _reason(precision, parity, found, drop, reference) or _strayed(lesson, apart)
    report = VerifyReport(
        status="rejected" if reason else "accepted",
        reason=reason,
        metric=found.value,
        metric_drop=drop,
        agreement=_agreement(outputs, reference.float_outputs),
        parity=parity,
        details=found.details,
        compiled_model=apart,
        lesson=lesson,
    )
    return report, outputs


def error(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest absolute error; of tokens, the share that differs."""
    if expected.dtype.kind == "i":
        return float(np.mean(found != expected))
    return float(np.max(np.abs(found - expected)))


def taught(session: Any, inputs: Outputs, lesson: Mapping[str, Any]) -> Lesson | None:
    """What a file makes of its golden lesson; None where it has none."""
    from mobilenn.runtime import lloyd, training

    if not lesson:
        return None
    kind = training if "targets" in lesson else lloyd
    found = kind.lesson_losses(training.trainable(session.signatures, session.runner), inputs, lesson)
    expected = tuple(lesson["losses"])
    return Lesson(expected=expected, found=tuple(found), error=training.lesson_error(found, expected))


def _in_compiled_model(path: Path, reference: Reference, golden: Outputs, worker: Worker | None) -> dict[str, float]:
    """See VerifyReport.compiled_model."""
    from mobilenn.runtime.host import HostSession

    with HostSession(path, api="compiled_model", worker=worker) as session:
        found = session.predict(reference.golden_inputs)
        lesson = taught(session, reference.golden_inputs, reference.lesson)
    apart = {name: error(found[name], values) / _unit(values) for name, values in golden.items()}
    return apart | ({LESSON_LOSSES: lesson.error} if lesson else {})


def _unit(values: np.ndarray) -> float:
    """What errors of an output are a share of: its largest value; 1 where that is 0, and for whole numbers."""
    return float(np.max(np.abs(values))) or 1.0 if values.dtype.kind == "f" else 1.0


def _strayed(lesson: Lesson | None, apart: Mapping[str, float]) -> str:
    """Says where a file leaves its lesson, or CompiledModel the Interpreter; empty where neither does."""
    if lesson and not lesson.error <= LESSON_TOLERANCE:
        return f"trained, its losses are off by {lesson.error:.2g}; {LESSON_TOLERANCE:g} is allowed"
    for name, value in apart.items():
        allowed = LESSON_TOLERANCE if name == LESSON_LOSSES else COMPILED_TOLERANCE
        if not value <= allowed:
            return f"in CompiledModel, '{name}' is off by {value:.2g}; {allowed:g} is allowed"
    return ""


def _parity(name: str, outputs: Outputs, golden: Outputs, reference: Reference) -> Parity:
    error = np.abs(outputs[name] - reference.parent_outputs[name])
    return Parity(
        max_abs=float(error.max()),
        mean_abs=float(error.mean()),
        golden_max_abs=float(np.max(np.abs(golden[name] - reference.golden_outputs[name]))),
    )


def _reason(
    precision: Precision, parity: Mapping[str, Parity], found: Evaluation, drop: float, reference: Reference
) -> str:
    """Says why a variant is rejected; empty where it is accepted."""
    tolerance = GOLDEN_TOLERANCE.get(precision)
    for name, error in parity.items():
        largest = _unit(reference.parent_outputs[name])
        if tolerance is not None and not error.max_abs <= tolerance * largest:
            return f"output '{name}' is off by {error.max_abs:.2g}; {precision} allows {tolerance * largest:.2g}"
    if not drop <= reference.max_drop:
        return f"{found.metric} dropped by {drop:.4f}; the recipe allows {reference.max_drop:.4f}"
    bars = [(f"baseline '{name}'", found.metric, least) for name, least in reference.baselines.items()]
    bars += [("floor", name, least) for name, least in reference.floor.items()]
    for bar, name, least in bars:
        value, figure = _figure(name, found, reference.task)
        if not figure.reached(value, least):
            return f"{name} is {value:.4f}; the recipe's {bar} is {least:.4f}"
    return ""


def _figure(name: str, found: Evaluation, task: str) -> tuple[float, Figure]:
    """A figure that a floor may name, and which way it points: the metric, or one of the details.

    Before a training the names are checked already; here, too, that these data have what only some have.
    """
    if name == found.metric:
        return found.value, Figure(higher_is_better=found.higher_is_better)
    declared = judges.figures(task, {})
    measured = [key for key in declared if key in found.details]
    if name not in measured:
        raise judges.unmeasured(name, {found.metric, *measured}, declared.get(name))
    return found.details[name], declared[name]


def _agreement(outputs: Outputs, expected: Outputs) -> float:
    if ACTION in expected:
        return float(np.mean(outputs[ACTION] == expected[ACTION]))
    name = next(iter(expected))
    if expected[name].dtype.kind == "i":  # tokens
        return float(np.mean((outputs[name] == expected[name])[expected[name] != PAD]))
    if expected[name].ndim != PER_SAMPLE or expected[name].shape[-1] < 2:
        return 1.0
    return float(np.mean(outputs[name].argmax(-1) == expected[name].argmax(-1)))
