"""Arrays of the user's own, in one .npz."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.data import Dataset, Split
from mobilenn.data._files import file_fingerprint, raise_faults
from mobilenn.data._tables import check_shares, split_rows

MAX_UNPACKED_BYTES = 16 << 30


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the arrays are, and what they are called.

    Args:
        path: the .npz.
        inputs: key of the inputs: (N, H, W, C) or (N, T, H, W, C) uint8, or (N, F) numbers.
        targets: key of the class indices (N,), or of values (N,) or (N, d).
        labels: class names in order; left out, the classes are called by their numbers.
        task: `classification` or `regression`.
        validation, test: shares of all rows.
    """

    path: str
    inputs: str = "x"
    targets: str = "y"
    labels: tuple[str, ...] = ()
    task: Literal["classification", "regression"] = "classification"
    validation: float = 0.15
    test: float = 0.2

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)


def fingerprint(settings: Settings) -> str:
    """Path, size and time of change of the file."""
    return file_fingerprint(Path(settings.path))


def load(settings: Settings, seed: int) -> Dataset:
    """Loads and checks the arrays.

    Raises:
        DataError: a key is missing, an array holds objects (which would need pickle), shapes or
            values do not fit; `faults` lists them.
    """
    inputs, targets = _arrays(Path(settings.path), settings.inputs, settings.targets)
    raise_faults(settings.path, _faults(inputs, targets, settings))
    labels = settings.labels
    if settings.task == "classification":
        labels = labels or tuple(str(number) for number in range(int(targets.max()) + 1))
        targets = targets.astype(np.int64)
    else:
        targets = targets.astype(np.float32).reshape(len(targets), -1)
    rows = split_rows(targets, settings.validation, settings.test, seed, settings.task == "classification")
    name = {2: "features", 4: "image", 5: "clip"}[inputs.ndim]
    inputs = inputs.astype(np.float32) if inputs.ndim == 2 else inputs
    splits = [Split(inputs={name: inputs[part]}, targets=targets[part]) for part in rows]
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=labels if settings.task == "classification" else (),
        description=f"{len(targets):,} rows of {Path(settings.path).name}.",
        preprocessing={"range": "0..255", "layout": "NHWC"} if inputs.ndim > 2 else {"columns": inputs.shape[1]},
    )


def _arrays(path: Path, *keys: str) -> list[np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
        if total > MAX_UNPACKED_BYTES:
            raise DataError(
                f"{path} would unpack to {total / 1e9:.0f} GB.", f"Allowed: {MAX_UNPACKED_BYTES >> 30} GiB."
            )
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            missing = [key for key in keys if key not in arrays.files]
            if missing:
                raise DataError(f"{path} has no array '{missing[0]}'.", f"It holds: {', '.join(arrays.files)}.")
            return [arrays[key] for key in keys]
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", "Set data.path.") from None
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} is not a readable .npz: {str(error).splitlines()[0]}.") from None


def _faults(inputs: np.ndarray, targets: np.ndarray, settings: Settings) -> list[str]:
    faults = []
    if inputs.ndim not in (2, 4, 5):
        faults.append(f"'{settings.inputs}' has shape {inputs.shape}; allowed: (N, F), (N, H, W, C), (N, T, H, W, C)")
    elif inputs.ndim > 2 and inputs.dtype != np.uint8:
        faults.append(f"'{settings.inputs}' is {inputs.dtype}; images are uint8, 0..255")
    elif inputs.dtype.kind not in "fiub":
        faults.append(f"'{settings.inputs}' is {inputs.dtype}; allowed: numbers")
    if len(inputs) != len(targets) or len(targets) < 10:
        faults.append(f"{len(inputs)} inputs and {len(targets)} targets; allowed: as many of each, 10 or more")
    for name, array in ((settings.inputs, inputs), (settings.targets, targets)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            rows = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(1))
            faults += [f"'{name}' row {row}: not finite" for row in rows]
    if settings.task == "classification" and not faults:
        faults += _class_faults(targets, settings)
    return faults


def _class_faults(targets: np.ndarray, settings: Settings) -> list[str]:
    if targets.ndim != 1 or (targets != np.floor(targets)).any() or targets.min() < 0:
        return [f"'{settings.targets}' holds no class indices: (N,) whole numbers from 0 up"]
    present = np.unique(targets.astype(np.int64))
    count = len(settings.labels) or int(present.max()) + 1
    faults = [f"'{settings.targets}' names class {label}, of {count}" for label in present if label >= count]
    faults += [f"class {label} has no rows" for label in sorted(set(range(count)) - set(present.tolist()))]
    return faults if len(present) > 1 else [*faults, "there is one class only; two are needed"]
