"""Edits of a model, parsed by mobilenn.tflite.writer, that converters and quantizers leave undone."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

IMAGE_RANK = 4  # of the smallest input that can hold pixels: batch, height, width, channels
_WITH_BIAS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
MAX_BIAS = 2**30  # of a stored int32 bias: leaves as much room again for the sum that is added to it


def operators(model: Any, *kinds: str) -> Iterator[tuple[Any, Any]]:
    """Yields each subgraph and operator of the builtin kinds named, such as `CONV_2D`."""
    from ai_edge_litert import schema_py_generated as schema

    wanted = {getattr(schema.BuiltinOperator, kind) for kind in kinds}
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    for graph in model.subgraphs:
        yield from ((graph, operator) for operator in graph.operators if codes[operator.opcodeIndex] in wanted)


def constant(model: Any, tensor: Any, dtype: str) -> np.ndarray:
    """A constant tensor's values, as a view, in the tensor's shape."""
    shape = tuple(tensor.shape) if tensor.shape is not None else ()
    return np.frombuffer(model.buffers[tensor.buffer].data, dtype).reshape(shape)


def order_outputs(model: Any, names: Sequence[str]) -> None:
    """Puts the outputs of every signature into an order: an app that reads by number finds the main one first.

    The converter sorts them by name.

    Args:
        model: a `ModelT`; changed in place.
        names: of outputs, in the order wanted; others follow.
    """
    places = {name.encode(): place for place, name in enumerate(names)}
    for signature in model.signatureDefs or ():
        signature.outputs = sorted(signature.outputs, key=lambda entry: places.get(entry.name, len(places)))
        model.subgraphs[signature.subgraphIndex].outputs = [entry.tensorIndex for entry in signature.outputs]


def own_outputs(model: Any) -> None:
    """Gives every output a tensor that an operator of its own writes: a reshape to the shape it has.

    An output that is an input, handed on as it is, comes out of CompiledModel as zeros, and all others with it; two
    outputs that are one tensor keep it from running. Scalars, whose reshape CompiledModel leaves out, and what has no
    fixed shape stay as they are: `precheck` names them.

    Args:
        model: a `ModelT`; changed in place.
    """
    for signature in model.signatureDefs or ():
        graph = model.subgraphs[signature.subgraphIndex]
        written = {index for operator in graph.operators or () for index in operator.outputs}
        for entry in signature.outputs:
            if entry.tensorIndex not in written and _has_sizes(graph.tensors[entry.tensorIndex]):
                entry.tensorIndex = _reshaped(model, graph, entry.tensorIndex)
            written.discard(entry.tensorIndex)
        graph.outputs = [entry.tensorIndex for entry in signature.outputs]


def _has_sizes(tensor: Any) -> bool:
    known = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    return known is not None and len(known) > 0 and min(known) > 0


def _reshaped(model: Any, graph: Any, source: int) -> int:
    """Appends a reshape that changes nothing; returns the place of what it writes."""
    from ai_edge_litert import schema_py_generated as schema

    before, made, shape = graph.tensors[source], copy.copy(graph.tensors[source]), schema.TensorT()
    sizes = [int(size) for size in before.shape]
    made.name, made.buffer, made.isVariable = before.name + b"_own", 0, False
    shape.name, shape.type = before.name + b"_shape", schema.TensorType.INT32
    shape.shape = np.array([len(sizes)], np.int32)
    _replace(model, shape, np.asarray(sizes, np.int32))
    operator = schema.OperatorT()
    operator.opcodeIndex = _code(model, schema.BuiltinOperator.RESHAPE)
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operator.builtinOptions = schema.ReshapeOptionsT()
    operator.builtinOptions.newShape = sizes
    operator.inputs, operator.outputs = [source, len(graph.tensors)], [len(graph.tensors) + 1]
    graph.tensors += [shape, made]
    graph.operators = [*(graph.operators or ()), operator]
    return operator.outputs[0]


def _code(model: Any, builtin: int) -> int:
    """The place of a builtin operator's code, which is added where it is new."""
    from ai_edge_litert import schema_py_generated as schema

    model.operatorCodes = list(model.operatorCodes or ())
    for place, known in enumerate(model.operatorCodes):
        if max(known.builtinCode, known.deprecatedBuiltinCode) == builtin:
            return place
    made = schema.OperatorCodeT()
    made.builtinCode = made.deprecatedBuiltinCode = builtin
    made.version = 1
    model.operatorCodes.append(made)
    return len(model.operatorCodes) - 1


def follow_outputs(model: Any, source: Any) -> None:
    """Lets signatures name the outputs that a quantized model gives, where it gives another tensor than before.

    An output that an operator reads as well is stored in int8 for it and turned into floats for the caller; the
    quantizer's signature then still names the former.

    Args:
        model: a quantized `ModelT`; changed in place.
        source: the model that it was made from, with the same signatures.
    """
    for signature, before in zip(model.signatureDefs or (), source.signatureDefs or (), strict=True):
        graph, old = model.subgraphs[signature.subgraphIndex], source.subgraphs[before.subgraphIndex]
        places = {entry.name: list(old.outputs).index(entry.tensorIndex) for entry in before.outputs}
        for entry in signature.outputs:
            entry.tensorIndex = graph.outputs[places[entry.name]]


def let_pixels_in(model: Any, names: Collection[str] | None = None) -> None:
    """Makes inputs uint8 where QUANTIZE operators alone read them.

    The stored value is then the pixel itself (scale 1, zero point 0), and the operator, which
    turned floats into int8, shifts by 128; LiteRT takes both.

    Args:
        model: a `ModelT`; changed in place.
        names: inputs that hold pixels; None for those of rank 4 and more whose quantized range
            begins at 0 and ends between 128 and 255.
    """
    from ai_edge_litert import schema_py_generated as schema

    quantizers = [(graph, operator) for graph, operator in operators(model, "QUANTIZE")]
    for graph in model.subgraphs:
        for index in graph.inputs:
            source = graph.tensors[index]
            readers = [operator for operator in graph.operators if index in operator.inputs]
            targets = [graph.tensors[o.outputs[0]] for g, o in quantizers if g is graph and o.inputs[0] == index]
            if source.type != schema.TensorType.FLOAT32 or not readers or len(targets) < len(readers):
                continue
            if all(map(_holds_pixels, targets)) if names is None else source.name.decode() in names:
                source.type = schema.TensorType.UINT8
                source.quantization = schema.QuantizationParametersT()
                source.quantization.scale = np.ones(1, np.float32)
                source.quantization.zeroPoint = np.zeros(1, np.int64)


def _holds_pixels(target: Any) -> bool:
    scale, zero_point = float(target.quantization.scale[0]), int(target.quantization.zeroPoint[0])
    low, high = (scale * (end - zero_point) for end in (-128, 127))
    return len(target.shape) >= IMAGE_RANK and abs(low) < scale and 128 <= high < 256


def read_integers(model: Any) -> None:
    """Lets a quantized matrix product or convolution read integers where it was left with the floats made of them.

    ai-edge-quantizer does so where its input is an output of the graph, too, which stays float; the runtime
    then refuses the operator.

    Args:
        model: the quantized `ModelT`; changed in place.
    """
    from ai_edge_litert import schema_py_generated as schema

    integers = {(id(graph), o.outputs[0]): o.inputs[0] for graph, o in operators(model, "DEQUANTIZE")}
    for graph, operator in operators(model, *_WITH_BIAS):
        made = graph.tensors[operator.outputs[0]].type
        if made == schema.TensorType.INT8:
            operator.inputs = [integers.get((id(graph), index), index) for index in operator.inputs]


def fit_biases(model: Any, original: Any) -> None:
    """Widens the weight scale of channels whose bias does not fit into int32.

    A bias is stored in units of input scale times weight scale. Where a channel's weights are all
    zero, as after pruning, ai-edge-quantizer takes a weight scale next to nothing, and the bias is
    cut off at ±2³¹: the channel, a constant, comes out as another one.

    Args:
        model: the quantized `ModelT`; changed in place.
        original: the float `ModelT` that it was made from.
    """
    floats = {graph.tensors[o.outputs[0]].name: (graph, o) for graph, o in operators(original, *_WITH_BIAS)}
    for graph, operator in operators(model, *_WITH_BIAS):
        source, kernel, bias = _places(graph, operator)
        if bias is None or any(t.quantization is None or t.quantization.scale is None for t in (source, kernel, bias)):
            continue
        _, *values = _places(*floats[graph.tensors[operator.outputs[0]].name])
        _fit(model, (source, kernel, bias), *(constant(original, tensor, "<f4") for tensor in values))


def _places(graph: Any, operator: Any) -> tuple[Any, Any, Any]:
    """Input, kernel and bias of an operator; None for a bias that it lacks."""
    transposed = len(operator.inputs) == 4  # TRANSPOSE_CONV: output shape, kernel, input, bias
    places = (2, 1, 3) if transposed else (0, 1, 2)
    found = [operator.inputs[place] if place < len(operator.inputs) else -1 for place in places]
    return tuple(graph.tensors[index] if index >= 0 else None for index in found)


def _fit(model: Any, tensors: tuple[Any, Any, Any], weights: np.ndarray, biases: np.ndarray) -> None:
    source, kernel, bias = tensors
    step = np.float64(source.quantization.scale[0])
    scales = np.asarray(kernel.quantization.scale, np.float64)
    needed = np.abs(biases.astype(np.float64)) / (step * MAX_BIAS)
    needed = needed if len(scales) == len(biases) else np.full(len(scales), needed.max())
    if np.all(scales >= needed):
        return
    scales = np.maximum(scales, needed)
    axis = kernel.quantization.quantizedDimension
    shape = [-1 if dimension == axis else 1 for dimension in range(weights.ndim)]
    stored = np.clip(np.rint(weights / scales.reshape(shape if len(scales) > 1 else 1)), -127, 127)
    kernel.quantization.scale = scales.astype(np.float32)
    bias.quantization.scale = (scales * step).astype(np.float32)
    _replace(model, kernel, stored.astype(np.int8))
    _replace(model, bias, np.rint(biases / (scales * step)).astype(np.int32))


def _replace(model: Any, tensor: Any, values: np.ndarray) -> None:
    """Gives a tensor a constant of its own, since equal ones may share theirs."""
    from ai_edge_litert import schema_py_generated as schema

    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
