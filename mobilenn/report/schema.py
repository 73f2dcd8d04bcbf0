"""The form of report.json and results.json, read strictly and written back unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mobilenn.core.errors import ArtifactError, MobilennError
from mobilenn.core.recipe import Recipe
from mobilenn.core.records import from_dict, to_dict
from mobilenn.report.schema_file import Form, Latency, Lesson, OnDevice, OperatorTime, OutputParity
from mobilenn.report.schema_judge import JudgeResult, Picture

VERSION = 1
Status = Literal["accepted", "rejected", "failed"]


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """The data of a run.

    Args:
        labels: class names; empty for regression.
        train, validation, test: samples per split.
        fingerprint: identifies the content.
    """

    name: str
    description: str
    labels: tuple[str, ...]
    train: int
    validation: int
    test: int
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the float model was trained.

    Args:
        history: per epoch, by name; `val_` marks the validation split.
        precision: the policy of the training, such as `mixed_float16`.
    """

    epochs: int
    seconds: float
    parameters: int
    history: Mapping[str, tuple[float | None, ...]]
    precision: str = "float32"


@dataclass(frozen=True, kw_only=True)
class FloatResult:
    """The Keras model on the test split."""

    metric: float | None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BaselineResult:
    """What the network was held against, on the test split; `parameters` is None where it is no network."""

    metric: float | None
    parameters: int | None = None


@dataclass(frozen=True, kw_only=True)
class VariantResult:
    """One .tflite and everything measured on it; numbers are None where it failed.

    Args:
        file: path of the .tflite below the run's folder.
        steps: compression steps, in order.
        zip_bytes: bytes of a download, compressed.
        metric_drop: positive is worse than the float model.
        sparsity: share of weights that are zero.
        peak_memory_bytes: that loading and running the file added to its worker.
        other_load: cores that other work kept busy during the timing.
        forms: of a recurrent network, the forms tried, the shipped one first.
        agreement: share of test samples that get the float model's answer.
        compiled_model: by output, how far CompiledModel is from the Interpreter on the golden pairs, as a share of the
            largest value; None where that was not measured.
        lesson, on_device: of a file that can be trained where it runs; None of others.
    """

    precision: str
    status: Status
    steps: tuple[str, ...] = ()
    reason: str = ""
    file: str | None = None
    size_bytes: int | None = None
    zip_bytes: int | None = None
    metric: float | None = None
    metric_drop: float | None = None
    sha256: str | None = None
    sparsity: float | None = None
    latency_ms: Latency | None = None
    latency_by_threads: tuple[Latency, ...] | None = None
    peak_memory_bytes: int | None = None
    other_load: float | None = None
    profile: tuple[OperatorTime, ...] | None = None
    parity: Mapping[str, OutputParity] | None = None
    operators: Mapping[str, int] | None = None
    forms: tuple[Form, ...] = ()
    agreement: float | None = None
    details: Mapping[str, Any] | None = None
    compiled_model: Mapping[str, float | None] | None = None
    lesson: Lesson | None = None
    on_device: OnDevice | None = None

    @property
    def timings(self) -> tuple[Latency, ...]:
        """Every timing there is, by thread count; the one in `latency_ms` where it is the only one."""
        known = self.latency_by_threads or (() if self.latency_ms is None else (self.latency_ms,))
        return tuple(sorted(known, key=lambda time: time.threads))


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a model said about a sample; `confidence` is None for regression."""

    label: str
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """What of a text a model looked at when it wrote another.

    Args:
        model: which.
        said, source: tokens.
        rows: of each token said, the weights of the source's tokens: two hexadecimal digits each, 00 to ff for 0 to 1.
    """

    model: str
    said: tuple[str, ...]
    source: tuple[str, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A test sample.

    Args:
        image: a PNG data URI, or empty.
        film: of an episode, a GIF data URI, or empty.
        text: its tokens, where it is a text.
        weights: by model, how much each part mattered: of a text each token, of an image each patch row by
            row, of a clip each frame.
        alignment: of a model that writes a text from a text; None of others.
    """

    index: int
    target: str
    image: str = ""
    film: str = ""
    text: tuple[str, ...] = ()
    weights: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    predictions: Mapping[str, Prediction]
    alignment: Alignment | None = None


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The machine and the libraries of a run."""

    python: str
    platform: str
    cpu: str
    cores: int
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole run; `recommended` is empty where no variant may be shipped."""

    schema: int
    mobilenn: str
    recipe: Recipe
    recipe_sha256: str
    data: DataFacts
    metric: str
    higher_is_better: bool
    training: Training
    float: FloatResult
    baselines: Mapping[str, BaselineResult] = field(default_factory=dict)
    variants: Mapping[str, VariantResult]
    recommended: str
    recommendation: str
    samples: tuple[Sample, ...]
    judge: JudgeResult | None = None
    pictures: tuple[Picture, ...] = ()
    environment: Environment
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as JSON-ready values, the way `parse` takes them."""
        return to_dict(self)


def parse(values: Mapping[str, Any]) -> Report:
    """Reads a report, checking names, types and that what it recommends may be shipped.

    NaN and infinity become None: JSON has no word for them, and a report of a diverged training
    is still a report.

    Args:
        values: plain values, as report.json holds them.

    Returns:
        The report.

    Raises:
        ArtifactError: the values are no report of this version.
    """
    version = values.get("schema") if isinstance(values, Mapping) else None
    if version != VERSION:
        raise ArtifactError(f"Not a report of schema {VERSION}. Received: {version!r}.", "Type: mobilenn run RECIPE")
    try:
        report = from_dict(Report, _clean(values), "report")
    except MobilennError as error:
        raise ArtifactError(error.message, error.hint) from None
    if report.recommended:
        _check_recommended(report)
    return report


def _check_recommended(report: Report) -> None:
    chosen = report.variants.get(report.recommended)
    if chosen is None or chosen.status != "accepted":
        found = "unknown" if chosen is None else chosen.status
        message = f"The report recommends '{report.recommended}', which is {found}."
        raise ArtifactError(message, "Allowed: an accepted variant, or an empty name.")


def _clean(value: Any) -> Any:
    """Values that can be written: no NaN, and no half of a surrogate pair, which JSON lets through."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
