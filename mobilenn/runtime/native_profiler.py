"""LiteRT's profiler through its C interface, by ctypes, since the Python package leaves it out; for the worker only.

It knows the layout of that interface as LiteRT 2.3 has it; a wrong guess ends the process.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core.errors import ArtifactError

_CPU = 1
_OPTIONS = b"runtime_options_string"
_PROFILING = b"enable_profiling = true\n"
_TENSOR_TYPE_BYTES = 256  # more than LiteRtRankedTensorType takes; it is only handed on
_WRITE = 1
# Kinds of events: an operator of the runtime, and one inside a delegate.
_OPERATOR, _DELEGATE_OPERATOR = 2, 8


class _Event(ctypes.Structure):
    _fields_ = (
        ("tag", c_char_p),
        ("kind", c_int),
        ("start_us", c_uint64),
        ("elapsed_us", c_uint64),
        ("memory", c_size_t * 6),
        ("metadata", c_uint64 * 2),
        ("source", c_int),
    )


class _Api:
    """Calls that return a status: `call` checks it, `make` returns the handle that it fills in."""

    def __init__(self) -> None:
        import ai_edge_litert

        self._library = ctypes.CDLL(str(Path(ai_edge_litert.__file__).with_name("libLiteRt.so")))

    def call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, f"LiteRt{name}")
        if status := function(*arguments):
            raise ArtifactError(f"LiteRt{name} answered {status}.")

    def make(self, name: str, *arguments: Any) -> c_void_p:
        handle = c_void_p()
        self.call(name, *arguments, byref(handle))
        return handle


class _Profiled:
    """A compiled model with its profiler and buffers; lives until the process ends."""

    def __init__(self, api: _Api, flatbuffer: bytes) -> None:
        self._api, self._bytes = api, flatbuffer
        self._environment = api.make("CreateEnvironment", 0, None)
        model = api.make("CreateModelFromBuffer", self._environment, flatbuffer, c_size_t(len(flatbuffer)))
        self._model = api.make("CreateCompiledModel", self._environment, model, self._options())
        self.profiler = api.make("CompiledModelGetProfiler", self._model)
        signature = api.make("GetModelSignature", model, c_size_t(0))
        self._inputs = self._buffers("Input", signature)
        self._outputs = self._buffers("Output", signature)

    def _options(self) -> c_void_p:
        options = self._api.make("CreateOptions")
        self._api.call("SetOptionsHardwareAccelerators", options, _CPU)
        self._payload = ctypes.create_string_buffer(_PROFILING)
        self._deleter = ctypes.CFUNCTYPE(None, c_void_p)(lambda _: None)  # Python owns the payload
        made = self._api.make("CreateOpaqueOptions", _OPTIONS, self._payload, self._deleter)
        self._api.call("AddOpaqueOptions", options, made)
        return options

    def _buffers(self, kind: str, signature: c_void_p) -> Any:
        count = c_size_t()
        self._api.call(f"GetNumSignature{kind}s", signature, byref(count))
        buffers = (c_void_p * count.value)()
        for place in range(count.value):
            index = c_size_t(place)
            tensor = self._api.make(f"GetSignature{kind}TensorByIndex", signature, index)
            kind_of_tensor = ctypes.create_string_buffer(_TENSOR_TYPE_BYTES)
            self._api.call("GetRankedTensorType", tensor, kind_of_tensor)
            needs = self._api.make(f"GetCompiledModel{kind}BufferRequirements", self._model, c_size_t(0), index)
            create = "CreateManagedTensorBufferFromRequirements"
            buffers[place] = self._api.make(create, self._environment, kind_of_tensor, needs)
            if kind == "Input":
                self._clear(c_void_p(buffers[place]))
        return buffers

    def _clear(self, buffer: c_void_p) -> None:
        """Zeros: in range for pixels, floats and token numbers alike."""
        size = c_size_t()
        self._api.call("GetTensorBufferSize", buffer, byref(size))
        memory = c_void_p()
        self._api.call("LockTensorBuffer", buffer, byref(memory), _WRITE)
        ctypes.memset(memory, 0, size.value)
        self._api.call("UnlockTensorBuffer", buffer)

    def run(self) -> None:
        sizes = c_size_t(len(self._inputs)), c_size_t(len(self._outputs))
        self._api.call("RunCompiledModel", self._model, c_size_t(0), sizes[0], self._inputs, sizes[1], self._outputs)


def profile(flatbuffer: bytes, runs: int) -> tuple[list[str], np.ndarray]:
    """Profiles runs of a file's first signature on one thread, on zeros, after a tenth as many that do not count.

    Returns:
        For every invocation of an operator: its name, and its microseconds, (events,) int64.

    Raises:
        ArtifactError: the runtime refuses the file.
    """
    api = _Api()
    model = _Profiled(api, flatbuffer)
    for _ in range(max(1, runs // 10)):
        model.run()
    tags, elapsed = [], []
    for _ in range(runs):
        api.call("StartProfiler", model.profiler)
        model.run()
        api.call("StopProfiler", model.profiler)
        for event in _events(api, model.profiler):
            if event.kind in (_OPERATOR, _DELEGATE_OPERATOR):
                tags.append(event.tag.decode(errors="replace"))
                elapsed.append(event.elapsed_us)
        api.call("ResetProfiler", model.profiler)
    return tags, np.asarray(elapsed, np.int64)


def _events(api: _Api, profiler: c_void_p) -> Any:
    count = c_int()
    api.call("GetNumProfilerEvents", profiler, byref(count))
    events = (_Event * count.value)()
    api.call("GetProfilerEvents", profiler, count, events)
    return events
