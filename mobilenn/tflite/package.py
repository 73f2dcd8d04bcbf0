"""What travels inside a .tflite: labels, preprocessing, lineage and golden pairs, as a zip behind the flatbuffer.

LiteRT ignores bytes behind a flatbuffer, and a zip is read from its end: the same file is a model
and an archive. TFLite Metadata attaches its files in this way; `unzip model.tflite` works.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mobilenn.core.errors import ArtifactError

# What zipfile, zlib, json and numpy raise for damaged bytes.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    RuntimeError,
)
MAX_MEMBERS = 256
MAX_UNPACKED_BYTES = 256 << 20  # what a package may expand to: a guard against zip bombs
_TRANSCRIPTS, _LESSON = "golden/transcripts.json", "golden/lesson.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_END_SIGNATURE = b"PK\x05\x06"
_END = struct.Struct("<4s4H2LH")


@dataclass(frozen=True, kw_only=True)
class Package:
    """What an app needs beside the weights.

    Args:
        labels: class names in the order of the output; empty for regression.
        preprocessing: what to do to an image before it goes in, JSON-ready.
        lineage: what made the file, JSON-ready.
        golden_inputs: raw inputs by name, (K, ...).
        golden_outputs: the float Keras model's outputs for them by name, (K, ...) float32, tokens int32.
        transcripts: of a sequence file, what the float Keras model says by greedy and by beam search, JSON-ready:
            `length`, `beam_width`, and `texts`, each with `source` or `prompt`, `greedy`, `beam` and `score`.
        lesson: of a file that can be trained, steps of Keras on the golden inputs, JSON-ready: `targets`,
            `learning_rate`, `momentum`, and the `losses` that the file's own steps must have.
    """

    labels: tuple[str, ...] = ()
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    golden_inputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    golden_outputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    transcripts: Mapping[str, Any] = field(default_factory=dict)
    lesson: Mapping[str, Any] = field(default_factory=dict)


def pack(flatbuffer: bytes, package: Package) -> bytes:
    """Appends a package to a bare flatbuffer; equal arguments give equal bytes."""
    tail = io.BytesIO()
    described = {"labels": list(package.labels), "preprocessing": package.preprocessing, "lineage": package.lineage}
    with zipfile.ZipFile(tail, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "labels.txt", "".join(f"{_one_line(label)}\n" for label in package.labels).encode())
        _add(archive, "mobilenn.json", json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False).encode())
        for part, arrays in (("inputs", package.golden_inputs), ("outputs", package.golden_outputs)):
            for name in sorted(arrays):
                _add(archive, f"golden/{part}/{name}.npy", _npy(arrays[name]))
        for name, content in ((_TRANSCRIPTS, package.transcripts), (_LESSON, package.lesson)):
            if content:
                _add(archive, name, json.dumps(content, sort_keys=True).encode())
    return flatbuffer + tail.getvalue()


def unpack(data: bytes) -> tuple[bytes, Package | None]:
    """Splits a file into its flatbuffer and its package.

    Returns:
        The bare flatbuffer, and the package; None where the file carries none.

    Raises:
        ArtifactError: there is a package and it is damaged, or it expands past 256 MiB.
    """
    start = _zip_start(data)
    if start is None:
        return data, None
    try:
        with zipfile.ZipFile(io.BytesIO(data[start:])) as archive:
            return data[:start], _read(archive)
    except ArtifactError:
        raise
    except _DAMAGE as error:
        raise ArtifactError(f"The package inside the file is damaged: {_first_line(error)}.") from None


def _read(archive: zipfile.ZipFile) -> Package | None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise ArtifactError(f"The package inside the file is too large: {len(members)} members.")
    names = {member.filename for member in members}
    if "mobilenn.json" not in names:
        return None  # somebody else's attachment, such as TFLite Metadata's
    described = json.loads(_member(archive, "mobilenn.json"))
    return Package(
        labels=tuple(str(label) for label in described["labels"]),
        preprocessing=dict(described["preprocessing"]),
        lineage=dict(described["lineage"]),
        golden_inputs=_arrays(archive, names, "golden/inputs/"),
        golden_outputs=_arrays(archive, names, "golden/outputs/"),
        transcripts=dict(json.loads(_member(archive, _TRANSCRIPTS))) if _TRANSCRIPTS in names else {},
        lesson=dict(json.loads(_member(archive, _LESSON))) if _LESSON in names else {},
    )


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Reads a member, never more than its header declares (a bomb declares less than it holds)."""
    declared = archive.getinfo(name).file_size
    with archive.open(name) as member:
        content = member.read(declared + 1)
    if len(content) != declared:
        raise ValueError(f"{name} is not of its declared size")
    return content


def _arrays(archive: zipfile.ZipFile, names: set[str], prefix: str) -> dict[str, np.ndarray]:
    found = sorted(name for name in names if name.startswith(prefix) and name.endswith(".npy"))
    return {n[len(prefix) : -4]: np.load(io.BytesIO(_member(archive, n)), allow_pickle=False) for n in found}


def _zip_start(data: bytes) -> int | None:
    """Offset of the appended zip; None where the file does not end in one."""
    end = data.rfind(_END_SIGNATURE, max(0, len(data) - 65_557))
    if end < 0 or end + _END.size > len(data):
        return None
    *_, size, offset, comment = _END.unpack_from(data, end)
    start = end - size - offset
    if end + _END.size + comment != len(data) or start < 0:
        return None
    return start


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Adds a member with a fixed date, so that equal content gives equal bytes."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(info, content)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _one_line(label: str) -> str:
    return " ".join(label.split())


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
