"""ONNX Runtime's side of benchmark_recurrent.py; runs in an environment of its own, with onnx and onnxruntime.

Reads jobs, one JSON object a line, from standard input, and answers each with one. It imports nothing
of mobilenn, whose environment cannot hold these packages.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

# Where ONNX's gates (LSTM: i, o, f, c; GRU: z, r, h) stand among Keras' (i, f, c, o; z, r, h).
GATES = {"lstm": (0, 3, 1, 2), "gru": (0, 1, 2)}
OPSET, IR_VERSION = 17, 8
_sessions: dict[str, Any] = {}


def build(job: dict[str, Any]) -> dict[str, Any]:
    """Writes `<path>.float32.onnx` and `<path>.dynamic_int8.onnx` from Keras' weights in an .npz.

    Args:
        job: `cell`, `path`, `weights` (arrays named 0, 1, … in the order of Keras' get_weights),
            `length` and `features`.
    """
    with np.load(job["weights"], allow_pickle=False) as stored:
        arrays = [stored[str(index)] for index in range(len(stored.files))]
    *cells, kernel, bias = arrays
    model = _model(job["cell"], [cells[at : at + 3] for at in range(0, len(cells), 3)], kernel, bias, job)
    onnx.checker.check_model(model, full_check=True)
    files = {kind: f"{job['path']}.{kind}.onnx" for kind in ("float32", "dynamic_int8")}
    onnx.save(model, files["float32"])
    quantize_dynamic(files["float32"], files["dynamic_int8"], weight_type=QuantType.QInt8, per_channel=True)
    nodes = {kind: sorted({node.op_type for node in onnx.load(path).graph.node}) for kind, path in files.items()}
    return {"files": files, "nodes": nodes, "versions": {m.__name__: m.__version__ for m in (onnx, onnxruntime)}}


def _model(
    cell: str, chains: list[list[np.ndarray]], kernel: np.ndarray, bias: np.ndarray, job: dict[str, Any]
) -> onnx.ModelProto:
    order, units = GATES[cell], chains[0][1].shape[0]
    width = units * len(chains)

    def rows(weight: np.ndarray) -> np.ndarray:
        """Gates in ONNX's order: (…, gates · units) → (gates · units, …)."""
        parts = np.split(weight, len(order), axis=-1)
        return np.concatenate([parts[place] for place in order], axis=-1).T

    def biases(given: np.ndarray) -> np.ndarray:
        """Bias of the inputs and of the state; an LSTM of Keras' has only the first."""
        outer, inner = given if cell == "gru" else (given, np.zeros_like(given))
        return np.concatenate([rows(outer), rows(inner)])

    weights = {
        "W": np.stack([rows(chain[0]) for chain in chains]),
        "R": np.stack([rows(chain[1]) for chain in chains]),
        "B": np.stack([biases(chain[2]) for chain in chains]),
        "kernel": kernel,
        "bias": bias,
        "in_shape": np.array([job["length"], 1, job["features"]], np.int64),
        "out_shape": np.array([1, width], np.int64),
    }
    options: dict[str, Any] = {"hidden_size": units, "direction": "bidirectional" if len(chains) > 1 else "forward"}
    if cell == "gru":
        options["linear_before_reset"] = 1
    nodes = [
        helper.make_node("Reshape", ["frames", "in_shape"], ["sequence"]),
        helper.make_node(cell.upper(), ["sequence", "W", "R", "B"], ["", "last"], **options),
        # batch 1: the directions stand side by side as they are
        helper.make_node("Reshape", ["last", "out_shape"], ["state"]),
        helper.make_node("Gemm", ["state", "kernel", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        cell,
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, [1, job["length"], job["features"]])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, len(bias)])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def load(job: dict[str, Any]) -> dict[str, Any]:
    """Loads the file at `path` under the name `name`, for one thread, its buffers bound once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(job["path"], options, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    value = onnxruntime.OrtValue.ortvalue_from_numpy(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    result = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(session.get_outputs()[0].shape, np.float32))
    binding = session.io_binding()
    binding.bind_ortvalue_input("frames", value)
    binding.bind_ortvalue_output("probabilities", result)
    _sessions[job["name"]] = session, binding
    return {"size_bytes": Path(job["path"]).stat().st_size}


def predict(job: dict[str, Any]) -> dict[str, Any]:
    """Runs the rows of the .npy at `inputs` through a loaded file; returns `outputs` as lists."""
    session, _ = _sessions[job["name"]]
    rows = np.load(job["inputs"], allow_pickle=False)
    return {"outputs": [session.run(None, {"frames": row[None]})[0][0].tolist() for row in rows]}


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Times a loaded file for `seconds`; returns `ns` of every run, of the invocation alone."""
    session, binding = _sessions[job["name"]]
    invoke = session.run_with_iobinding
    for _ in range(job["warmup"]):
        invoke(binding)
    taken: list[int] = []
    deadline = time.perf_counter_ns() + int(job["seconds"] * 1e9)
    while not taken or time.perf_counter_ns() < deadline:
        before = time.perf_counter_ns()
        invoke(binding)
        taken.append(time.perf_counter_ns() - before)
    return {"ns": taken}


JOBS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "build": build,
    "load": load,
    "predict": predict,
    "measure": measure,
}


def main() -> None:
    """Serves jobs until standard input ends; what a job raises is its answer's `error`."""
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = JOBS[job["job"]](job)
        except Exception as error:  # whatever the libraries raise belongs into the report
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
