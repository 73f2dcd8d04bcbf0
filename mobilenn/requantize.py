"""Quantizes one float .tflite on disk, in a worker, keeping what travels inside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core import store
from mobilenn.core.errors import DataError
from mobilenn.core.precision import Precision
from mobilenn.core.worker import Worker

TIMEOUT_S = 1800.0


def quantize_file(path: Path, target: Path, precision: str, representative: Path | None) -> dict[str, Any]:
    """Writes a quantized copy of a float32 .tflite.

    Args:
        path: the float32 file; its labels, preprocessing and golden pairs are carried over.
        target: the file to write.
        precision: `dynamic_int8`, `int8` or `int4`.
        representative: an .npz of calibration samples by input name, (N, ...) raw values; where
            None, the golden inputs inside the file serve (few: accuracy may suffer).

    Returns:
        `path`, `size_bytes`, `source_bytes`, `precision`, `calibration_samples`.

    Raises:
        ArtifactError: the file is missing or damaged.
        DataError: int8 is asked for and there is nothing to calibrate on.
        ConversionError, WorkerError: the quantizer refused the file, or died on it.
    """
    from mobilenn.tflite.package import pack, unpack

    wanted = Precision.parse(precision)
    flatbuffer, package = unpack(store.read_bytes(path))
    samples: dict[str, np.ndarray] = {}
    if wanted.needs_calibration:
        golden = package.golden_inputs if package else {}
        samples = _samples(representative) if representative else dict(golden)
        if not samples:
            raise DataError(
                f"{precision} needs calibration samples; {path} carries none.", "Add --representative X.npz."
            )
    made = _in_worker(flatbuffer, wanted, samples, Path(target))
    store.write_bytes(target, pack(made, replace(package, lesson={})) if package else made)
    count = len(next(iter(samples.values()))) if samples else 0
    sizes = {"size_bytes": Path(target).stat().st_size, "source_bytes": Path(path).stat().st_size}
    return {"path": str(target), **sizes, "precision": wanted.value, "calibration_samples": count}


def _in_worker(flatbuffer: bytes, precision: Precision, samples: dict[str, np.ndarray], target: Path) -> bytes:
    """Quantizes in a child process, since a calibration can kill its process."""
    source, made = (target.with_name(f".{target.name}.{part}{store.PARTIAL}") for part in ("source", "made"))
    arrays = {name: array.astype(np.float32) for name, array in samples.items()}
    try:
        store.write_bytes(source, flatbuffer)
        arguments = {"source": str(source), "path": str(made), "precision": precision.value}
        with Worker("mobilenn.jobs.quantize") as worker:
            worker.call("quantize", arguments, arrays, timeout_s=TIMEOUT_S)
        return made.read_bytes()
    finally:
        source.unlink(missing_ok=True)
        made.unlink(missing_ok=True)


def _samples(path: Path) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is not an .npz of samples: {reason}.", "np.savez(path, image=samples)") from None
