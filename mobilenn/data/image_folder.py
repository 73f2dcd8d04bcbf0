"""Images of the user's own: a folder with one folder a class."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.data._files import folder_fingerprint, raise_faults
from mobilenn.data._tables import check_shares, split_rows

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
MAX_PIXELS = 100_000_000  # of one image: a guard against decompression bombs
_PARTS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the images are, and what they become.

    Args:
        path: a folder of class folders, or of train/, validation/ and test/ with class folders each.
        size: height and width in pixels that every image is resized to, bilinear.
        channels: 3 is colour, 1 is grey.
        validation, test: shares of all images, where the folder is not divided already.
    """

    path: str
    size: int = 64
    channels: Literal[1, 3] = 3
    validation: float = 0.15
    test: float = 0.2

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        if not 8 <= self.size <= 1024:
            raise RecipeError(f"[data] size is {self.size}.", "Allowed: 8 to 1024 pixels.")


class Images:
    """Images that are decoded when they are asked for: (N, size, size, channels) uint8.

    Args:
        paths: the files.
        size, channels: of the decoded images.
    """

    def __init__(self, paths: Sequence[Path], size: int, channels: int) -> None:
        self.paths, self.shape, self.dtype = list(paths), (len(paths), size, size, channels), np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Decodes the images of an array of row numbers, or of a slice."""
        chosen = np.arange(len(self))[rows]
        images = [decode(self.paths[row], self.shape[1], self.shape[3]) for row in np.atleast_1d(chosen)]
        stacked = np.stack(images) if images else np.zeros((0, *self.shape[1:]), np.uint8)
        return stacked if np.ndim(chosen) else stacked[0]


def decode(path: Path, size: int, channels: int) -> np.ndarray:
    """Reads an image as (size, size, channels) uint8, turned upright as its camera says."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
        resized = upright.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized).reshape(size, size, channels)


def fingerprint(settings: Settings) -> str:
    """Hash over every file's path, size and time of change."""
    return folder_fingerprint(Path(settings.path))


def load(settings: Settings, seed: int) -> Dataset:
    """Lists and checks the images; every one is decoded once, so that none fails in training.

    Raises:
        DataError: no such folder, an unreadable or oversized image, an empty class, fewer than two
            classes; `faults` lists each.
    """
    root = Path(settings.path)
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.", "Set data.path.")
    divided = all((root / part).is_dir() for part in ("train", "test"))
    labels = _labels(root / "train" if divided else root)
    files = {part: _files(root / part, labels) for part in _PARTS if (root / part).is_dir()} if divided else {
        "train": _files(root, labels)
    }  # fmt: skip
    raise_faults(root, _faults(root, files, labels, settings))
    splits = _splits(files, settings, seed)
    count = sum(len(split) for split in splits)
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=labels,
        description=f"{count:,} images of {root.name}, {len(labels)} classes.",
        preprocessing={
            "resize": f"bilinear {settings.size}x{settings.size}",
            "range": "0..255",
            "layout": "NHWC",
            "colour": "grey" if settings.channels == 1 else "rgb",
        },
    )


def _labels(root: Path) -> tuple[str, ...]:
    labels = tuple(sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if len(labels) < 2:
        found = f"{len(labels)} folder" + ("s" if len(labels) != 1 else "")
        raise DataError(f"{root} holds {found}.", "Allowed: one folder a class, two classes or more.")
    return labels


def _files(root: Path, labels: Sequence[str]) -> list[tuple[Path, int]]:
    """Every image with its class, in the order of class and name."""
    return [
        (path, number)
        for number, label in enumerate(labels)
        for path in sorted((root / label).rglob("*"))
        if path.is_file() and path.suffix.lower() in ENDINGS
    ]


def _faults(
    root: Path, files: Mapping[str, list[tuple[Path, int]]], labels: Sequence[str], settings: Settings
) -> list[str]:
    faults = []
    least = 1 if len(files) > 1 else 3
    for part, listed in files.items():
        where = f"{part}/" if len(files) > 1 else ""
        counts = np.bincount([number for _, number in listed], minlength=len(labels))
        few = [(label, count) for label, count in zip(labels, counts, strict=True) if count < least]
        faults += [f"{where}{label}: {count} images; {least} or more are needed" for label, count in few]
        faults += [fault for path, _ in listed if (fault := _image_fault(root, path, settings))]
    return faults


def _image_fault(root: Path, path: Path, settings: Settings) -> str:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                width, height = image.size
            if width * height > MAX_PIXELS:
                return f"{path.relative_to(root)}: {width}×{height} pixels; {MAX_PIXELS:,} are allowed"
            decode(path, settings.size, settings.channels)
    except Exception as error:  # Pillow's decoders raise classes of every kind on damaged files
        reason = (str(error).splitlines() or [type(error).__name__])[0].replace(str(path), path.name)
        return f"{path.relative_to(root)}: {reason}"
    return ""


def _splits(files: Mapping[str, list[tuple[Path, int]]], settings: Settings, seed: int) -> list[Split]:
    everything = files["train"]
    targets = np.array([number for _, number in everything])
    if "test" not in files:
        rows = split_rows(targets, settings.validation, settings.test, seed, stratify=True)
        return [_split([everything[row] for row in part], settings) for part in rows]
    if "validation" in files:
        return [_split(files[part], settings) for part in _PARTS]
    train, validation, rest = split_rows(targets, settings.validation, 0.01, seed, stratify=True)
    parts = [[everything[row] for row in part] for part in (np.concatenate([train, rest]), validation)]
    return [_split(part, settings) for part in (*parts, files["test"])]


def _split(files: Sequence[tuple[Path, int]], settings: Settings) -> Split:
    images = Images([path for path, _ in files], settings.size, settings.channels)
    return Split(inputs={"image": images}, targets=np.array([number for _, number in files], np.int64))
