"""Several flatbuffers of one signature each to one file of several signatures, and back.

What they share is stored once: constants of equal bytes, such as an embedding that two signatures
read, take one buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mobilenn.core.errors import ArtifactError
from mobilenn.tflite.writer import parse, serialize

SIGNATURE = "serving_default"  # of a flatbuffer that stands alone


def merge(parts: Mapping[str, bytes]) -> bytes:
    """Puts flatbuffers into one, each under a signature of its own.

    Args:
        parts: by the name that its signature gets: a bare flatbuffer with one signature. The first
            one's main graph becomes the file's.

    Returns:
        A bare flatbuffer; equal parts in the same order give equal bytes.

    Raises:
        ArtifactError: a part is damaged or has not exactly one signature, or they are too large together.
    """
    if not parts:
        raise ArtifactError("There is no flatbuffer to merge.")
    joined = _Joined()
    for key, flatbuffer in parts.items():
        model = parse(flatbuffer)
        if len(model.signatureDefs or ()) != 1:
            raise ArtifactError(f"The part '{key}' has {len(model.signatureDefs or ())} signatures.", "Allowed: one.")
        joined.add(model, list(range(len(model.subgraphs))), model.signatureDefs[0], key)
    return serialize(joined.model)


def split(flatbuffer: bytes) -> dict[str, bytes]:
    """Takes a file of several signatures apart.

    Returns:
        By signature, in the file's order: a flatbuffer that holds what it needs, under the signature
        `serving_default`. `merge` makes the same file of them again.

    Raises:
        ArtifactError: it is not a .tflite, it is damaged, or it has no signature.
    """
    keys = signature_keys(parse(flatbuffer))
    if not keys:
        raise ArtifactError("The file has no signature.")
    found = {}
    for index, key in enumerate(keys):
        model = parse(flatbuffer)  # anew, since adding renumbers its objects
        signature = model.signatureDefs[index]
        joined = _Joined()
        joined.add(model, _reached(model, signature.subgraphIndex), signature, SIGNATURE)
        found[key] = serialize(joined.model)
    return found


def signature_keys(model: Any) -> list[str]:
    """Names of a parsed model's signatures, in its order."""
    return [signature.signatureKey.decode() for signature in model.signatureDefs or ()]


class _Joined:
    """A `ModelT` that graphs of other models are added to."""

    def __init__(self) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, b"MLIR Converted."
        self.model.operatorCodes, self.model.subgraphs, self.model.signatureDefs = [], [], []
        self.model.buffers = [schema.BufferT()]  # the first one is empty by the schema
        self._buffers: dict[bytes, int] = {b"": 0}
        self._codes: dict[tuple[Any, ...], int] = {}

    def add(self, model: Any, graphs: list[int], signature: Any, key: str) -> None:
        """Adds the graphs of these numbers and one signature; the model's objects are renumbered and kept."""
        numbers = {old: len(self.model.subgraphs) + new for new, old in enumerate(graphs)}
        for old in graphs:
            graph = model.subgraphs[old]
            for tensor in graph.tensors:
                tensor.buffer = self._buffer(model.buffers[tensor.buffer])
            for operator in graph.operators:
                operator.opcodeIndex = self._code(model.operatorCodes[operator.opcodeIndex])
                for options, name in _graph_fields(operator):
                    setattr(options, name, numbers[getattr(options, name)])
            self.model.subgraphs.append(graph)
        signature.subgraphIndex, signature.signatureKey = numbers[signature.subgraphIndex], key.encode()
        self.model.signatureDefs.append(signature)

    def _buffer(self, buffer: Any) -> int:
        content = b"" if buffer.data is None else np.ascontiguousarray(buffer.data, np.uint8).tobytes()
        if content not in self._buffers:
            self._buffers[content] = len(self.model.buffers)
            self.model.buffers.append(buffer)
        return self._buffers[content]

    def _code(self, code: Any) -> int:
        known = (code.builtinCode, code.deprecatedBuiltinCode, code.customCode, code.version)
        if known not in self._codes:
            self._codes[known] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(code)
        return self._codes[known]


def _graph_fields(operator: Any) -> Iterator[tuple[Any, str]]:
    """The options of an operator that hold a subgraph's number: of WHILE, IF, CALL and their like."""
    for options in (operator.builtinOptions, getattr(operator, "builtinOptions2", None)):
        for name in vars(options or object) if hasattr(options, "__dict__") else ():
            if name == "subgraph" or name.endswith("SubgraphIndex"):
                yield options, name


def _reached(model: Any, start: int) -> list[int]:
    """Numbers of the graphs that one calls, itself first, the others in the file's order."""
    found, waiting = {start}, [start]
    while waiting:
        for operator in model.subgraphs[waiting.pop()].operators:
            called = {getattr(options, name) for options, name in _graph_fields(operator)} - found
            if not all(0 <= index < len(model.subgraphs) for index in called):
                raise ArtifactError("The file is a damaged .tflite: an operator calls a graph that is not there.")
            found |= called
            waiting += called
    return [start, *sorted(found - {start})]
