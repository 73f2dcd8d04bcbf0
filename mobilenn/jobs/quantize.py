"""The quantizing worker: a child process without TensorFlow, since a calibration can kill its process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core import store, worker
from mobilenn.core.precision import Precision
from mobilenn.runtime.sequence import DECODE, Runner
from mobilenn.runtime.sequence_run import SequenceRun
from mobilenn.runtime.training import TRAIN
from mobilenn.tflite.merge import SIGNATURE, merge, split

MOST_STEPS = 400  # that ranges are taken from
DYNAMIC = Precision.DYNAMIC_INT8


def quantize(
    arguments: dict[str, Any], arrays: Mapping[str, np.ndarray], _: Callable[[dict[str, Any]], None]
) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    """Quantizes a float32 flatbuffer file; of several signatures, each by itself, those of training left out.

    Args:
        arguments: `source` and `path` (files) and `precision`.
        arrays: calibration samples by input name, (N, ...); may be empty. A sequence file reads them as texts.
    """
    from mobilenn.quantize import quantize_flatbuffer

    source = Path(arguments["source"]).read_bytes()
    precision = Precision.parse(arguments["precision"])
    parts = split(source)
    if TRAIN in parts:  # gradients are float32: what is quantized only answers
        source = parts[SIGNATURE]
        parts = {SIGNATURE: source}
    if len(parts) < 2 and DECODE not in parts:
        made = quantize_flatbuffer(source, precision, _rows(arrays) or None)
    else:
        samples = {SIGNATURE: _rows(arrays)}
        if precision.needs_calibration and DECODE in parts:
            samples = recorded(source, arrays)
        # `stream` has no samples of its state: its weights are int8, its ranges found on the fly
        kinds = {k: precision if k in samples or not precision.needs_calibration else DYNAMIC for k in parts}
        made = merge({k: quantize_flatbuffer(part, kinds[k], samples.get(k)) for k, part in parts.items()})
    path = Path(arguments["path"])
    store.write_bytes(path, made)
    return {"files": {path.name: store.sha256_file(path)}, "artifact": {}}, {}


def _rows(arrays: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Stacked samples (N, ...) one by one, (1, ...) each."""
    count = len(next(iter(arrays.values()))) if arrays else 0
    return [{name: array[i : i + 1] for name, array in arrays.items()} for i in range(count)]


def recorded(source: bytes, arrays: Mapping[str, np.ndarray]) -> dict[str, list[dict[str, np.ndarray]]]:
    """What each signature of a float sequence file is given while it reads texts: samples to calibrate on.

    Args:
        source: the float32 file.
        arrays: `source` and `target_in`, or `tokens`, (N, …) int32.

    Returns:
        By signature, inputs of single steps; of `decode_step` at most `MOST_STEPS`, evenly picked.
    """
    from mobilenn.runtime.interfaces import InterpreterRun
    from mobilenn.tflite.reader import read

    signatures = {signature.key: signature for signature in read(source).signatures}
    run, seen = InterpreterRun(source, next(iter(signatures)), threads=1), {key: [] for key in signatures}

    def recording(key: str) -> Runner:
        inner = run.runner(key)

        def record(row: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
            seen[key].append({name: np.array(value) for name, value in row.items()})
            return inner(row)

        return record

    SequenceRun(signatures, recording).run(iter(_rows({n: a.astype(np.int32) for n, a in arrays.items()})))
    return {key: rows[:: -(-len(rows) // MOST_STEPS) or 1] for key, rows in seen.items()}


if __name__ == "__main__":
    worker.serve({"quantize": quantize})
