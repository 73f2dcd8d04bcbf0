"""The part of report.json that tells of generated images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A sheet of generated images: `image` is a PNG data URI."""

    title: str
    note: str
    image: str


@dataclass(frozen=True, kw_only=True)
class JudgeResult:
    """The classifier that judged generated images, and what bounds it sets.

    Args:
        sha256: of its file.
        labels: the classes that it can name.
        accuracy, calibration_error: on the test split's real images.
        named, named_wrongly: shares of those that it is sure of, and sure of and wrong.
        noise_named: share of images without content that it is sure of.
        frechet_distance: between real training and real test images.
    """

    network: str
    parameters: int
    sha256: str
    labels: tuple[str, ...]
    accuracy: float | None
    calibration_error: float | None
    named: float | None
    named_wrongly: float | None
    noise_named: float | None
    frechet_distance: float | None
