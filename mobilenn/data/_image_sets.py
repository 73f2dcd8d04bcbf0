"""Public image sets that come divided into training and test images."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.data._tables import split_rows

Arrays = tuple[np.ndarray, np.ndarray]  # images (N, H, W, C) uint8 and class indices (N,)
_DAMAGE = (OSError, ValueError, EOFError, KeyError, tarfile.TarError, zlib.error)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How images are handed out.

    Args:
        size: height and width in pixels; 0 keeps the set's own.
        validation: share of the training images that is set aside.
    """

    size: int = 0
    validation: float = 0.1

    def __post_init__(self) -> None:
        if self.size and not 8 <= self.size <= 512:
            raise RecipeError(f"[data] size is {self.size}.", "Allowed: 0, or 8 to 512 pixels.")
        if not 0.01 <= self.validation <= 0.5:
            raise RecipeError(f"[data] validation is {self.validation}.", "Allowed: 0.01 to 0.5.")


def idx(path: Path) -> np.ndarray:
    """Reads a gzipped IDX file of unsigned bytes (the format of MNIST)."""
    data = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, int(np.prod(shape)), 4 + 4 * len(shape)).reshape(shape)


def cifar(path: Path, members: list[str], label_bytes: int) -> Arrays:
    """Reads members of CIFAR's binary archive: labels, then 3 × 32 × 32 bytes a record."""
    size = label_bytes + 3072
    with tarfile.open(path) as archive:
        raw = b"".join(archive.extractfile(name).read() for name in members)
    records = np.frombuffer(raw, np.uint8).reshape(-1, size)
    images = records[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, label_bytes - 1].astype(np.int64)


def dataset(
    read: Callable[[], tuple[Arrays, Arrays]], labels: tuple[str, ...], description: str, options: tuple[Settings, int]
) -> Dataset:
    """Reads, checks and splits a set; `options` are settings and seed."""
    settings, seed = options
    try:
        (images, targets), (test_images, test_targets) = read()
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(f"The downloaded set is damaged: {error}.", "Delete it from the cache and run again.") from None
    train, validation, held = split_rows(targets, settings.validation, 1e-9, seed, stratify=True)
    train = np.concatenate([train, held])
    parts = ((images[train], targets[train]), (images[validation], targets[validation]), (test_images, test_targets))
    splits = [Split(inputs={"image": _resized(i, settings.size)}, targets=t.astype(np.int64)) for i, t in parts]
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=labels,
        description=description,
        preprocessing={"range": "0..255", "layout": "NHWC", "colour": "grey" if images.shape[-1] == 1 else "rgb"},
    )


def _resized(images: np.ndarray, size: int) -> np.ndarray:
    if size in (0, images.shape[1]):
        return images
    from PIL import Image

    made = np.empty((len(images), size, size, images.shape[-1]), np.uint8)
    for row, image in enumerate(images):
        squeezed = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        resized = np.asarray(squeezed.resize((size, size), Image.Resampling.BILINEAR))
        made[row] = resized.reshape(made.shape[1:])
    return made
