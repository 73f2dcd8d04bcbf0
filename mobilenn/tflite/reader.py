"""Operators, tensors and weights of a flatbuffer, read field by field with bounds checked."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilenn.core.artifacts import Signature, TensorSpec
from mobilenn.core.errors import ArtifactError

# What reading fields past the end of a buffer, or through a wrong offset, raises.
_DAMAGE = (struct.error, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError)
MAX_ITEMS = 1_000_000  # of any vector: a damaged length must not cost memory
_DTYPES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool", 7: "int16",
    8: "complex64", 9: "int8", 10: "float64", 12: "uint64", 15: "uint32", 16: "uint16", 17: "int4", 18: "bfloat16",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor of the main subgraph; `spec` as a signature would name it.

    Args:
        spec: name, shape (−1 where dynamic), dtype, quantization of the first channel.
        variable: whether it keeps its value between runs.
        weights: its constant bytes; empty for activations.
    """

    spec: TensorSpec
    variable: bool
    weights: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Contents:
    """A parsed model.

    Args:
        operators: count by name; custom operators as `CUSTOM:<code>`.
        tensors: of all subgraphs.
        signatures: the named entry points.
        subgraphs: number of them; more than one where there is a WHILE or IF, or another signature.
        unwritten: outputs of signatures that no operator of their own writes: an input that is handed on, a
            constant, a tensor that is another output too.
    """

    operators: dict[str, int]
    tensors: tuple[Tensor, ...]
    signatures: tuple[Signature, ...]
    subgraphs: int
    unwritten: tuple[str, ...] = ()


def read(flatbuffer: bytes) -> Contents:
    """Parses a bare flatbuffer.

    Raises:
        ArtifactError: it is not a .tflite, or it is damaged.
    """
    if len(flatbuffer) < 16 or flatbuffer[4:8] != b"TFL3":
        raise ArtifactError("The file is not a .tflite: it lacks the identifier TFL3.")
    from ai_edge_litert import schema_py_generated as schema

    try:
        model = schema.Model.GetRootAs(flatbuffer, 0)
        codes = [_operator_name(model.OperatorCodes(i), schema) for i in _range(model.OperatorCodesLength())]
        graphs = [model.Subgraphs(i) for i in _range(model.SubgraphsLength())]
        if not graphs:
            raise ArtifactError("The file holds no subgraph.")
        tensors = [[_tensor(g.Tensors(i), model, flatbuffer) for i in _range(g.TensorsLength())] for g in graphs]
        counted = Counter(codes[index] for g in graphs for index in _opcode_indices(g))
        entries = [model.SignatureDefs(i) for i in _range(model.SignatureDefsLength())]
        signatures = tuple(_signature(entry, tensors) for entry in entries)
        unwritten = tuple(name for entry in entries for name in _unwritten(entry, graphs[entry.SubgraphIndex()]))
    except _DAMAGE as error:
        raise ArtifactError(f"The file is a damaged .tflite: {type(error).__name__} while reading it.") from None
    flat = tuple(tensor for graph in tensors for tensor in graph)
    return Contents(
        operators=dict(counted.most_common()),
        tensors=flat,
        signatures=signatures,
        subgraphs=len(graphs),
        unwritten=unwritten,
    )


def _range(length: int) -> range:
    if not 0 <= length <= MAX_ITEMS:
        raise ValueError("a vector of impossible length")
    return range(length)


def _opcode_indices(graph: Any) -> Iterator[int]:
    for i in _range(graph.OperatorsLength()):
        yield graph.Operators(i).OpcodeIndex()


def _operator_name(code: Any, schema: Any) -> str:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == schema.BuiltinOperator.CUSTOM:
        return f"CUSTOM:{(code.CustomCode() or b'').decode()}"
    return _builtin_names(schema)[number]


def _builtin_names(schema: Any) -> dict[int, str]:
    known = vars(schema.BuiltinOperator)
    return {value: name for name, value in known.items() if isinstance(value, int) and not name.startswith("_")}


def _tensor(tensor: Any, model: Any, flatbuffer: bytes) -> Tensor:
    shape = _shape(tensor)
    quantization = tensor.Quantization()
    scale, zero_point = 0.0, 0
    if quantization is not None and 0 < quantization.ScaleLength() <= MAX_ITEMS:
        scale = float(quantization.Scale(0))
        zero_point = int(quantization.ZeroPoint(0)) if quantization.ZeroPointLength() else 0
    name = (tensor.Name() or b"").decode()
    spec = TensorSpec(name=name, shape=shape, dtype=_DTYPES[tensor.Type()], scale=scale, zero_point=zero_point)
    return Tensor(spec=spec, variable=bool(tensor.IsVariable()), weights=_weights(tensor, model, flatbuffer))


def _shape(tensor: Any) -> tuple[int, ...]:
    """The shape, with −1 where the signature says that a dimension is dynamic."""
    if not tensor.ShapeSignatureIsNone() and tensor.ShapeSignatureLength():
        return tuple(int(tensor.ShapeSignature(i)) for i in _range(tensor.ShapeSignatureLength()))
    return tuple(int(tensor.Shape(i)) for i in _range(tensor.ShapeLength()))


def _weights(tensor: Any, model: Any, flatbuffer: bytes) -> np.ndarray:
    """A tensor's constant bytes, without a copy; stored in the flatbuffer or behind it."""
    empty = np.zeros(0, np.uint8)
    if not 0 < tensor.Buffer() < model.BuffersLength():
        return empty
    buffer = model.Buffers(tensor.Buffer())
    if buffer.Offset() > 1:
        if buffer.Offset() + buffer.Size() > len(flatbuffer):
            raise ValueError("a buffer past the end of the file")
        return np.frombuffer(flatbuffer, np.uint8, buffer.Size(), buffer.Offset())
    if buffer.DataIsNone() or buffer.DataLength() == 0:
        return empty
    data = buffer.DataAsNumpy()
    if len(data) != buffer.DataLength():
        raise ValueError("a buffer past the end of the file")
    return data


def _signature(signature: Any, tensors: list[list[Tensor]]) -> Signature:
    graph = tensors[signature.SubgraphIndex()]
    parts = (
        [signature.Inputs(i) for i in _range(signature.InputsLength())],
        [signature.Outputs(i) for i in _range(signature.OutputsLength())],
    )
    inputs, outputs = (tuple(_named(entry, graph) for entry in part) for part in parts)
    return Signature(key=(signature.SignatureKey() or b"").decode(), inputs=inputs, outputs=outputs)


def _unwritten(signature: Any, graph: Any) -> Iterator[str]:
    operators = [graph.Operators(i) for i in _range(graph.OperatorsLength())]
    written = {each.Outputs(i) for each in operators for i in _range(each.OutputsLength())}
    for i in _range(signature.OutputsLength()):
        entry = signature.Outputs(i)
        if entry.TensorIndex() not in written:
            yield (entry.Name() or b"").decode()
        written.discard(entry.TensorIndex())


def _named(entry: Any, graph: list[Tensor]) -> TensorSpec:
    spec = graph[entry.TensorIndex()].spec
    return TensorSpec(
        name=(entry.Name() or b"").decode(),
        shape=spec.shape,
        dtype=spec.dtype,
        scale=spec.scale,
        zero_point=spec.zero_point,
    )
