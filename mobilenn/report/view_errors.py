"""Where a model errs, as rows: confusion, classes, samples; each absent where the task has none."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobilenn.report import format as fmt
from mobilenn.report.schema import Prediction, Report, Sample
from mobilenn.report.view import shown
from mobilenn.report.view_alignment import Aligned, aligned
from mobilenn.report.view_attention import Attended, attended

_IMAGE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/]+={0,2})")
_FILM = re.compile(r"data:image/gif;base64,R0lGOD[A-Za-z0-9+/]+={0,2}")
FLOAT = "float"
_QUANTILES = (5, 25, 50, 75, 95)  # of the residuals, as mobilenn.evaluate.regression keeps them


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of the confusion matrix: how many, and the share of its row (0..1)."""

    count: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Rows are the truth, columns the prediction, in the order of `labels`."""

    model: str
    labels: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def worst(self, most: int = 8) -> list[tuple[str, str, int, str]]:
        """Returns the commonest mistakes: truth, prediction, how often, share of that truth."""
        wrong = [
            (cell.count, cell.share, self.labels[i], self.labels[j])
            for i, row in enumerate(self.rows)
            for j, cell in enumerate(row)
            if i != j and cell.count
        ]
        wrong.sort(key=lambda item: (-item[0], -item[1], item[2:]))
        return [(truth, guess, number, fmt.percent(share)) for number, share, truth, guess in wrong[:most]]


def details_of(report: Report, model: str) -> Mapping[str, Any]:
    """The evaluation's details of a variant, or of `float`."""
    if model == FLOAT:
        return report.float.details
    return (report.variants[model].details or {}) if model in report.variants else {}


def confusions(report: Report) -> list[Confusion]:
    """The confusion matrix of the variant that is looked at, and the float model's where it differs."""
    first = _confusion(report, shown(report))
    second = _confusion(report, FLOAT)
    found = [matrix for matrix in (first, second) if matrix is not None]
    return found[:1] if len(found) == 2 and found[0].rows == found[1].rows else found


def _confusion(report: Report, model: str) -> Confusion | None:
    values, labels = details_of(report, model).get("confusion"), report.data.labels
    if not isinstance(values, list | tuple) or len(values) != len(labels) or not labels:
        return None
    if any(not isinstance(row, list | tuple) or len(row) != len(labels) for row in values):
        return None
    return Confusion(model=model, labels=labels, rows=tuple(_cells(row) for row in values))


def _cells(row: list[Any]) -> tuple[Cell, ...]:
    counts = [int(value or 0) for value in row]
    total = sum(counts) or 1
    return tuple(Cell(count=value, share=value / total) for value in counts)


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class: figures of the variant that is looked at, and the float model's F1 beside it.

    `missing` is what the F1 lacks to 1, as a share of what the worst class lacks.
    """

    label: str
    support: str
    precision: str
    recall: str
    f1: str
    float_f1: str
    missing: float


def class_rows(report: Report) -> list[ClassRow]:
    """Returns a row per class, in the order of the evaluation; empty for tasks without classes."""
    model = shown(report) or FLOAT
    reference = {item["label"]: item for item in _per_class(report, FLOAT)}
    items = _per_class(report, model)
    worst = max((_lack(item) for item in items), default=0.0) or 1.0
    return [_class_row(item, reference.get(item["label"], {}), worst) for item in items]


def _per_class(report: Report, model: str) -> list[Mapping[str, Any]]:
    found = details_of(report, model).get("per_class") or []
    return [item for item in found if isinstance(item, Mapping) and "label" in item]


def _lack(item: Mapping[str, Any]) -> float:
    return min(1.0, max(0.0, 1.0 - (item.get("f1") or 0.0)))


def _class_row(item: Mapping[str, Any], reference: Mapping[str, Any], worst: float) -> ClassRow:
    return ClassRow(
        label=str(item["label"]),
        support=fmt.count(item.get("support")),
        precision=fmt.percent(item.get("precision")),
        recall=fmt.percent(item.get("recall")),
        f1=fmt.percent(item.get("f1")),
        float_f1=fmt.percent(reference.get("f1")),
        missing=_lack(item) / worst,
    )


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one model said about a sample; `right` is None where there is no right or wrong."""

    model: str
    label: str
    confidence: str
    right: bool | None


@dataclass(frozen=True, kw_only=True)
class SampleRow:
    """A test sample, what every model said of it, and what was looked at; `wide` images are strips of frames.

    `film` is a GIF of an episode, or empty.
    """

    index: int
    target: str
    image: str
    film: str
    wide: bool
    said: tuple[Said, ...]
    wrong: bool
    attended: Attended
    aligned: Aligned


def sample_rows(report: Report) -> list[SampleRow]:
    """Returns the samples, those first that the shown variant gets wrong, then those that any model does."""
    chosen = shown(report)
    rows = [_sample_row(report, sample) for sample in report.samples]
    return sorted(rows, key=lambda row: (not _is_wrong(row, chosen), not row.wrong))


def _sample_row(report: Report, sample: Sample) -> SampleRow:
    classes = bool(report.data.labels)
    size = png_size(sample.image)
    said = tuple(_said(model, made, sample, classes) for model, made in sample.predictions.items())
    wide = size is not None and size[0] > 2 * size[1]
    return SampleRow(
        index=sample.index,
        target=sample.target,
        image=sample.image if size else "",
        film=sample.film if _FILM.fullmatch(sample.film) else "",
        wide=wide,
        said=said,
        wrong=any(item.right is False for item in said),
        attended=attended(sample, (shown(report), FLOAT), wide),
        aligned=aligned(sample.alignment),
    )


def png_size(uri: str) -> tuple[int, int] | None:
    """Width and height of a PNG data URI in px; None for anything else, which is not shown."""
    found = _IMAGE.fullmatch(uri)
    head = base64.b64decode(found[1][:32]) if found and len(found[1]) >= 32 else b""
    if head[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def _said(model: str, made: Prediction, sample: Sample, classes: bool) -> Said:
    right = made.label == sample.target if classes and sample.target != fmt.NONE else None
    confidence = fmt.percent(made.confidence) if made.confidence is not None else ""
    return Said(model=model, label=made.label, confidence=confidence, right=right)


def _is_wrong(row: SampleRow, model: str) -> bool:
    return any(item.model == model and item.right is False for item in row.said)


def truth_and_prediction(report: Report, model: str) -> list[tuple[float, float]]:
    """The pairs of a regression that the evaluation kept: truth and prediction; empty where there are none."""
    points = details_of(report, model).get("points") or []
    pairs = [tuple(point) for point in points if isinstance(point, list | tuple) and len(point) == 2]
    return [(float(t), float(p)) for t, p in pairs if _is_number(t) and _is_number(p)]


def measure_rows(report: Report) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The evaluation's other single figures, such as macro F1 or the mean absolute error.

    Returns:
        The models that were judged, and a row per figure: its name, then a value per model.
    """
    models = (FLOAT, *(name for name, row in report.variants.items() if row.metric is not None))
    found = {model: _measures(details_of(report, model)) for model in models}
    names = dict.fromkeys(name for values in found.values() for name in values)
    rows = [(fmt.metric_title(n), *(_measure(n, values.get(n)) for values in found.values())) for n in names]
    return models, rows


def _measure(name: str, value: float | None) -> str:
    return fmt.metric(name, value) if fmt.is_percent(name) else fmt.significant(value)


def _measures(details: Mapping[str, Any]) -> dict[str, float]:
    found = {name: float(value) for name, value in details.items() if _is_number(value)}
    quantiles = details.get("residual_quantiles")
    if isinstance(quantiles, list | tuple) and len(quantiles) == len(_QUANTILES):
        pairs = zip(_QUANTILES, quantiles, strict=True)
        found |= {f"residual, {share} % quantile": float(value) for share, value in pairs if _is_number(value)}
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
