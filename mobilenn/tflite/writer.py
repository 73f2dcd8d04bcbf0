"""Flatbuffer to editable objects and back, in one canonical form: equal models give equal bytes."""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np

from mobilenn.core.errors import ArtifactError

MAX_BYTES = 2**31 - 1  # offsets inside a flatbuffer are signed 32-bit numbers
_SLACK_BYTES = 1 << 20
# How TensorFlow names the functions of a process: a kind, the name, and how many there were before.
_COUNTED = re.compile(r"__(?:inference|forward|backward)_(\w+?)_\d+(?=$|[/:;])")


def parse(flatbuffer: bytes) -> Any:
    """Returns a bare flatbuffer as a `ModelT` of the schema, with constants as views into it.

    Constants that stand behind the flatbuffer proper, as ai-edge-quantizer writes them, are
    brought inside.

    Raises:
        ArtifactError: it is not a .tflite, or it is damaged.
    """
    from ai_edge_litert import schema_py_generated as schema

    if len(flatbuffer) < 16 or flatbuffer[4:8] != b"TFL3":
        raise ArtifactError("The file is not a .tflite: it lacks the identifier TFL3.")
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
        for buffer in model.buffers:
            if buffer.offset > 1:
                buffer.data = np.frombuffer(flatbuffer, np.uint8, buffer.size, buffer.offset)
                buffer.offset = buffer.size = 0
    except (struct.error, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        raise ArtifactError(f"The file is a damaged .tflite: {type(error).__name__} while reading it.") from None
    return model


def serialize(model: Any) -> bytes:
    """Returns the bytes of a `ModelT`: every constant inside, at multiples of 16 bytes.

    Names lose the counters of the process that converted them, inputs and outputs take their names
    in the signature, and metadata about the conversion is dropped, so that equal models give equal
    bytes. Takes about 2 s per GB.

    Args:
        model: from `parse`; it is changed.

    Raises:
        ArtifactError: the model is larger than a flatbuffer can be.
    """
    import flatbuffers

    _canonicalise(model)
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in model.buffers]
    size = sum(len(buffer.data) + 64 for buffer in model.buffers) + _SLACK_BYTES
    if size > MAX_BYTES:
        raise ArtifactError(f"The model takes {size} bytes; a .tflite holds at most {MAX_BYTES}.")
    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(memoryview(builder.Bytes)[builder.Head() :])


class _AlignedBuffer:
    """A constant that packs itself at a multiple of 16 bytes, as the schema asks for.

    The generated `BufferT` aligns to single bytes, and copies twice.
    """

    def __init__(self, data: Any) -> None:
        self.data = np.zeros(0, np.uint8) if data is None else np.ascontiguousarray(data, np.uint8)

    def Pack(self, builder: Any) -> int:  # noqa: N802 (the generated code calls it so)
        from ai_edge_litert import schema_py_generated as schema

        if len(self.data):
            builder.StartVector(1, len(self.data), 16)
            start = builder.head - len(self.data)
            builder.Bytes[start : builder.head] = memoryview(self.data)
            builder.head = start
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if len(self.data):
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def _canonicalise(model: Any) -> None:
    model.metadata = [entry for entry in model.metadata or [] if entry.name != b"CONVERSION_METADATA"]
    given = {}
    for signature in model.signatureDefs or []:
        for entry in (*signature.outputs, *signature.inputs):
            given[signature.subgraphIndex, entry.tensorIndex] = entry.name
    taken = set(given.values())
    for index, graph in enumerate(model.subgraphs):
        graph.name = _uncounted(graph.name)
        for position, tensor in enumerate(graph.tensors):
            tensor.name = given.get((index, position)) or _free(_uncounted(tensor.name), taken)


def _uncounted(name: bytes | None) -> bytes:
    return _COUNTED.sub(r"\1", (name or b"").decode()).encode()


def _free(name: bytes, taken: set[bytes]) -> bytes:
    """`name`, or `name#2`, `name#3`, …: tools address tensors by name."""
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = name + f"#{count}".encode()
    taken.add(candidate)
    return candidate
