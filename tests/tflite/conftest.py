"""A tiny model, made by quantizing nothing: built field by field, without TensorFlow."""

from __future__ import annotations

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema


def tensor(name, shape, buffer=0, dtype=schema.TensorType.FLOAT32, variable=False):
    made = schema.TensorT()
    made.name, made.shape, made.buffer, made.type, made.isVariable = name, shape, buffer, dtype, variable
    return made


def dense_model(weights, *, custom=None, dynamic=False, variable=False, signature=True):
    """`features` (1, in) float32 to `value` (1, out), by one FULLY_CONNECTED."""
    inside, outside = weights.shape[1], weights.shape[0]
    model = schema.ModelT()
    model.version, model.description = 3, "made for a test"
    code = schema.OperatorCodeT()
    builtin = schema.BuiltinOperator.CUSTOM if custom else schema.BuiltinOperator.FULLY_CONNECTED
    code.builtinCode, code.deprecatedBuiltinCode, code.customCode, code.version = builtin, min(builtin, 127), custom, 1
    model.operatorCodes = [code]
    buffers = [schema.BufferT(), schema.BufferT()]
    buffers[1].data = np.frombuffer(weights.astype(np.float32).tobytes(), np.uint8)
    model.buffers = buffers
    graph = schema.SubGraphT()
    graph.tensors = [tensor("x", [1, inside]), tensor("w", [outside, inside], 1), tensor("y", [1, outside])]
    graph.tensors[1].isVariable = variable
    if dynamic:
        graph.tensors[0].shapeSignature = [-1, inside]
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, -1], [2]
    if not custom:
        operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        operator.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators, graph.inputs, graph.outputs, graph.name = [operator], [0], [2], "main"
    model.subgraphs = [graph]
    if signature:
        model.signatureDefs = [signature_of({"features": 0}, {"value": 2})]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def signature_of(inputs, outputs):
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = "serving_default", 0
    made.inputs, made.outputs = ([named(n, i) for n, i in part.items()] for part in (inputs, outputs))
    return made


def named(name, index):
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made


@pytest.fixture(scope="session")
def weights():
    made = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)
    made[:, :4] = 0.0
    return made


@pytest.fixture(scope="session")
def build():
    return dense_model


@pytest.fixture(scope="session")
def flatbuffer(weights):
    return dense_model(weights)
