"""LiteRT's two interfaces, alike: the Interpreter, and CompiledModel, which Android apps use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mobilenn.core.artifacts import Signature

if TYPE_CHECKING:
    from mobilenn.runtime.sequence import Runner

Arrays = Mapping[str, np.ndarray]
Invoke = Callable[[], None]


class InterpreterRun:
    """A model in LiteRT's Interpreter, with XNNPACK unless asked otherwise.

    Args:
        flatbuffer: the file's bytes.
        key: the signature to run.
        threads: CPU threads.
        delegate: whether XNNPACK may take operators; without it each operator runs alone.
    """

    def __init__(self, flatbuffer: bytes, key: str, threads: int, delegate: bool = True) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kind = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter = Interpreter(
            model_content=flatbuffer, num_threads=threads, experimental_op_resolver_type=kind
        )
        self._interpreter.allocate_tensors()
        self._key = key

    def run(self, rows: Iterator[Arrays]) -> list[dict[str, np.ndarray]]:
        """Runs batches of 1 on stored values."""
        runner = self._interpreter.get_signature_runner(self._key)
        return [runner(**row) for row in rows]

    def runner(self, key: str) -> Runner:
        """What runs a signature on one row."""
        runner = self._interpreter.get_signature_runner(key)
        return lambda row: runner(**row)

    def prepared(self, inputs: Arrays) -> Invoke:
        """Sets the inputs; returns what runs the model and nothing else."""
        runner = self._interpreter.get_signature_runner(self._key)
        names = {name: detail["name"] for name, detail in runner.get_input_details().items()}
        del runner  # the interpreter refuses to run while a runner holds on to it
        indices = {detail["name"]: detail["index"] for detail in self._interpreter.get_input_details()}
        for name, tensor in names.items():
            self._interpreter.set_tensor(indices[tensor], inputs[name])
        return self._interpreter.invoke


class CompiledModelRun:
    """A model in LiteRT's CompiledModel, which Android apps use; always from a buffer.

    Args:
        flatbuffer: the file's bytes.
        signatures: by name; CompiledModel itself does not tell quantization.
        key: the signature that `run` and `prepared` take.
        threads: CPU threads.
    """

    def __init__(self, flatbuffer: bytes, signatures: Mapping[str, Signature], key: str, threads: int) -> None:
        from ai_edge_litert.compiled_model import CompiledModel
        from ai_edge_litert.cpu_options import CpuOptions
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator
        from ai_edge_litert.options import Options

        options = Options(HardwareAccelerator.CPU, cpu_options=CpuOptions(num_threads=threads))
        self._model = CompiledModel.from_buffer(flatbuffer, options=options)
        self._main = _CompiledSignature(self._model, signatures[key])
        self._signatures = signatures

    def run(self, rows: Iterator[Arrays]) -> list[dict[str, np.ndarray]]:
        """Runs batches of 1 on stored values."""
        return [self._main.run(row) for row in rows]

    def runner(self, key: str) -> Runner:
        """What runs a signature on one row."""
        return _CompiledSignature(self._model, self._signatures[key]).run

    def prepared(self, inputs: Arrays) -> Invoke:
        """Writes the inputs; returns what runs the model and nothing else."""
        return self._main.prepared(inputs)


class _CompiledSignature:
    """One signature of a CompiledModel, with buffers of its own."""

    def __init__(self, model: Any, signature: Signature) -> None:
        self._model, self._index = model, model.get_signature_index(signature.key)
        self._specs = {spec.name: spec for spec in signature.outputs}
        names = model.get_signature_by_index(self._index)
        self._ins = dict(zip(names["inputs"], model.create_input_buffers(self._index), strict=True))
        self._outs = dict(zip(names["outputs"], model.create_output_buffers(self._index), strict=True))

    def run(self, row: Arrays) -> dict[str, np.ndarray]:
        self.prepared(row)()
        return {name: self._read(name, buffer) for name, buffer in self._outs.items()}

    def prepared(self, inputs: Arrays) -> Invoke:
        for name, buffer in self._ins.items():
            buffer.write(np.ascontiguousarray(inputs[name]))
        ins, outs = list(self._ins.values()), list(self._outs.values())
        return lambda: self._model.run_by_index(self._index, ins, outs)

    def _read(self, name: str, buffer: Any) -> np.ndarray:
        spec = self._specs[name]
        values = buffer.read(int(np.prod(spec.shape)), np.dtype(spec.dtype).type)
        return np.asarray(values).reshape(spec.shape)
