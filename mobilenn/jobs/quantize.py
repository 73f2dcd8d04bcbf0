"""The quantizing worker: a child process without TensorFlow, since a calibration can kill its process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core import store, worker
from mobilenn.core.precision import Precision


def quantize(
    arguments: dict[str, Any], arrays: Mapping[str, np.ndarray], _: Callable[[dict[str, Any]], None]
) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    """Quantizes a float32 flatbuffer file.

    Args:
        arguments: `source` and `path` (files) and `precision`.
        arrays: calibration samples by input name, (N, ...) float32; may be empty.
    """
    from mobilenn.quantize import quantize_flatbuffer

    count = len(next(iter(arrays.values()))) if arrays else 0
    samples = [{name: array[i : i + 1] for name, array in arrays.items()} for i in range(count)] or None
    precision = Precision.parse(arguments["precision"])
    path = Path(arguments["path"])
    store.write_bytes(path, quantize_flatbuffer(Path(arguments["source"]).read_bytes(), precision, samples))
    return {"files": {path.name: store.sha256_file(path)}, "artifact": {}}, {}


if __name__ == "__main__":
    worker.serve({"quantize": quantize})
