"""What a .tflite is, holds and weighs, and which runtimes take it."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core import store
from mobilenn.core.artifacts import Signature
from mobilenn.core.records import to_dict
from mobilenn.tflite.package import unpack
from mobilenn.tflite.reader import Contents, Tensor, read

_ITEM_DTYPE = {"float32": "<f4", "float16": "<f2", "int8": "i1", "int16": "<i2", "uint8": "u1"}
_WEIGHT_MIN_BYTES = 256  # biases and shapes are no weights
_FUSED_RNN = ("UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN")
_WEB_DTYPES = ("float32", "int32", "uint8")


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What `mobilenn inspect` shows.

    Args:
        path, sha256, size_bytes: the file.
        zip_bytes: its size as a download (deflate at its usual level).
        precision: read off the weights and activations.
        signatures: inputs and outputs by signature.
        operators: count by name.
        weight_bytes: by dtype.
        sparsity: share of zero weights.
        portability: by runtime, the reasons for which the file would fail there; empty is good.
        package: labels, preprocessing, lineage, and the number of golden pairs.
    """

    path: str
    sha256: str
    size_bytes: int
    zip_bytes: int
    precision: str
    signatures: Mapping[str, Signature]
    operators: Mapping[str, int]
    weight_bytes: Mapping[str, int]
    sparsity: float
    portability: Mapping[str, tuple[str, ...]]
    package: Mapping[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """Returns plain, JSON-ready values."""
        return to_dict(self)


def inspect(path: Path) -> Inspection:
    """Reads a .tflite without running it.

    Raises:
        ArtifactError: it is missing, not a .tflite, or damaged.
    """
    data = store.read_bytes(path)
    flatbuffer, package = unpack(data)
    contents = read(flatbuffer)
    carried = None
    if package is not None:
        golden = len(next(iter(package.golden_inputs.values()), ()))
        parts = {
            "labels": package.labels,
            "preprocessing": _shortened(package.preprocessing),
            "lineage": package.lineage,
        }
        carried = {**parts, "golden_pairs": golden}
    return Inspection(
        path=str(path),
        sha256=store.sha256_file(path),
        size_bytes=len(data),
        zip_bytes=_download_bytes(data),
        precision=_precision(contents),
        signatures={signature.key: signature for signature in contents.signatures},
        operators=contents.operators,
        weight_bytes=_weight_bytes(contents),
        sparsity=sparsity(contents),
        portability=portability(contents),
        package=carried,
    )


def _shortened(preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    """The preprocessing with the number of a vocabulary's tokens in place of the thousands themselves."""
    vocabulary = preprocessing.get("vocabulary")
    if not isinstance(vocabulary, Mapping) or not isinstance(vocabulary.get("tokens"), list):
        return dict(preprocessing)
    return {**preprocessing, "vocabulary": {**vocabulary, "tokens": len(vocabulary["tokens"])}}


def _download_bytes(data: bytes) -> int:
    return len(zlib.compress(data))


def precheck(flatbuffer: bytes) -> list[str]:
    """Faults that keep a model from running in every LiteRT runtime; empty where it is portable.

    Raises:
        ArtifactError: it is not a .tflite, or it is damaged.
    """
    found = portability(read(flatbuffer))
    return list(dict.fromkeys(fault for faults in found.values() for fault in faults))


def portability(contents: Contents) -> dict[str, tuple[str, ...]]:
    """By runtime, why a model would fail there."""
    custom = [f"custom operator {name[7:]}" for name in contents.operators if name.startswith("CUSTOM:")]
    variables = ["variable tensors"] if any(tensor.variable for tensor in contents.tensors) else []
    fused = [f"fused {name}" for name in _FUSED_RNN if name in contents.operators]
    ends = [(s.key, spec) for s in contents.signatures for spec in (*s.inputs, *s.outputs)]
    dynamic = [f"dynamic shape of '{spec.name}'" for _, spec in ends if min(spec.shape, default=1) < 1]
    dtypes = [f"'{spec.name}' is {spec.dtype}" for _, spec in ends if spec.dtype not in _WEB_DTYPES]
    unnamed = [] if contents.signatures else ["no signature"]
    # CompiledModel hands out memory that nobody wrote, or does not run at all
    unwritten = [f"no operator of its own writes '{name}'" for name in contents.unwritten]
    return {
        "Interpreter": tuple(custom),
        "CompiledModel": tuple(custom + variables + fused + unnamed + unwritten),
        "LiteRT.js": tuple(custom + variables + fused + unnamed + unwritten + dynamic + dtypes),
    }


def sparsity(contents: Contents) -> float:
    """Share of zeros among the weights; of an integer tensor the zero point counts as zero."""
    zeros = total = 0
    for tensor, values in _weight_values(contents):
        zeros += int(np.count_nonzero(values == tensor.spec.zero_point))
        total += values.size
    return zeros / total if total else 0.0


def _weight_values(contents: Contents) -> list[tuple[Tensor, np.ndarray]]:
    found = []
    for tensor in contents.tensors:
        dtype = tensor.spec.dtype
        if tensor.weights.size < _WEIGHT_MIN_BYTES:
            continue
        if dtype == "int4":
            nibbles = np.stack([tensor.weights & 15, tensor.weights >> 4], -1).reshape(-1)
            found.append((tensor, nibbles))
        elif dtype in _ITEM_DTYPE and tensor.weights.size % np.dtype(_ITEM_DTYPE[dtype]).itemsize == 0:
            found.append((tensor, np.frombuffer(tensor.weights.tobytes(), _ITEM_DTYPE[dtype])))
    return found


def _weight_bytes(contents: Contents) -> dict[str, int]:
    total: Counter[str] = Counter()
    for tensor in contents.tensors:
        if tensor.weights.size >= _WEIGHT_MIN_BYTES:
            total[tensor.spec.dtype] += int(tensor.weights.size)
    return dict(total.most_common())


def _precision(contents: Contents) -> str:
    """The precision that most weight bytes are stored in, and for int8 what activations are."""
    stored = _weight_bytes(contents) or {"float32": 0}
    dtype = next(iter(stored))
    if dtype != "int8":
        return dtype
    activations = Counter(t.spec.dtype for t in contents.tensors if t.weights.size == 0)
    if activations["int16"]:
        return "int16x8"
    return "int8" if activations["int8"] > activations["float32"] // 2 else "dynamic_int8"
