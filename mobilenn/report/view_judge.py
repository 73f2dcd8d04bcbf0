"""Who judged generated images, what they are held against, and pictures of them, as rows."""

from __future__ import annotations

from dataclasses import dataclass

from mobilenn.report import format as fmt
from mobilenn.report.schema import Report
from mobilenn.report.view_errors import FLOAT, details_of, png_size

HEADS = ("Measure", "Value", "What it says")
_UNNAMED = "without a name"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A picture, and its size in px."""

    title: str
    note: str
    image: str
    width: int
    height: int


def pictures(report: Report) -> list[Sheet]:
    """Returns the pictures that are what they say they are: PNG data URIs."""
    sized = [(picture, png_size(picture.image)) for picture in report.pictures]
    return [
        Sheet(title=picture.title, note=picture.note, image=picture.image, width=size[0], height=size[1])
        for picture, size in sized
        if size is not None
    ]


def rows(report: Report) -> list[tuple[str, ...]]:
    """The judge and the bounds that it sets; nothing where nothing was generated."""
    judge = report.judge
    if judge is None:
        return []
    size = f"{judge.network}, {fmt.count(judge.parameters)} parameters"
    return [
        ("Judge", size, f"float32 file, SHA-256 {judge.sha256[:16]}…"),
        ("Accuracy", fmt.percent(judge.accuracy, 2), "on the test split's real images"),
        ("Calibration error", fmt.percent(judge.calibration_error, 2), "between its confidence and its accuracy there"),
        ("Named, real images", fmt.percent(judge.named, 2), "what a perfect generator would reach"),
        ("Named wrongly", fmt.percent(judge.named_wrongly, 2), "of those real images"),
        ("Named, noise", fmt.percent(judge.noise_named, 2), "real images with their pixels in disorder"),
        ("Fréchet distance", fmt.significant(judge.frechet_distance), "real training images against real test images"),
    ]


def share_rows(report: Report) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The heads, and a row a class: the share of the images that the judge names so, by model."""
    if report.judge is None:
        return (), []
    models = (FLOAT, *(name for name, row in report.variants.items() if row.metric is not None))
    known = {model: details_of(report, model).get("share_by_class") or () for model in models}
    shares = {model: found for model, found in known.items() if len(found) == len(report.judge.labels)}
    made = [
        (label, *(fmt.percent(found[number]) for found in shares.values()))
        for number, label in enumerate(report.judge.labels)
    ]
    rest = (_UNNAMED, *(fmt.percent(1 - sum(found)) for found in shares.values()))
    return ("Class", *shares), [*made, rest] if shares else []
