"""The far side of HostSession: a child process in which a file of anybody's may crash."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mobilenn.core import worker
from mobilenn.core.artifacts import Signature
from mobilenn.core.errors import ArtifactError, DataError, nearest
from mobilenn.core.records import to_dict
from mobilenn.runtime.interfaces import CompiledModelRun, InterpreterRun
from mobilenn.tflite.package import unpack
from mobilenn.tflite.reader import read

if TYPE_CHECKING:  # most files are no sequences, and every file has a worker of its own
    from mobilenn.runtime.sequence import Runner

SIGNATURE = "serving_default"
ALIVE_S = 1.0  # between signs of life
MAX_ADDRESS_BYTES = 20 << 30  # a damaged file may ask for any amount of memory

Arrays = Mapping[str, np.ndarray]
Result = tuple[dict[str, Any], Arrays]
Invoke = Callable[[], None]


_loaded: dict[str, Any] = {}


def load(arguments: dict[str, Any], _: Arrays, __: Any) -> Result:
    """Loads a file; `path`, `threads`, `api` and `delegate`.

    Returns:
        `inputs` and `outputs`, of `serving_default` or of a sequence file as a whole, `sequence`:
        whether it is one, and all `signatures`.
    """
    data = Path(arguments["path"]).read_bytes()
    flatbuffer, package = unpack(data)
    signatures = {signature.key: signature for signature in read(flatbuffer).signatures}
    _loaded["run"] = _loaded["runner"] = None  # the memory of a file before this one is given back first
    _loaded.update(arguments, data=data, signatures=signatures, key=_key(signatures))
    _loaded["golden"] = {name: a[:1] for name, a in package.golden_inputs.items()} if package else {}
    _make_ready()
    ends = _loaded["run"] if _loaded["sequence"] else signatures[_loaded["key"]]
    found = {"inputs": to_dict(ends.inputs), "outputs": to_dict(ends.outputs), "sequence": _loaded["sequence"]}
    return {**found, "signatures": [to_dict(signature) for signature in signatures.values()]}, {}


def thread(arguments: dict[str, Any], _: Arrays, __: Any) -> Result:
    """Makes the loaded file ready anew for another number of `threads`."""
    _loaded["run"] = _loaded["runner"] = None  # its threads and memory are given back first
    _loaded.update(arguments)
    _make_ready()
    return {}, {}


def _make_ready() -> None:
    key, threads, signatures = _loaded["key"], _loaded["threads"], _loaded["signatures"]
    try:
        if _loaded["api"] == "compiled_model":
            run: Any = CompiledModelRun(_loaded["data"], signatures, key, threads)
        else:
            run = InterpreterRun(_loaded["data"], key, threads, _loaded["delegate"])
        _loaded["runner"] = functools.lru_cache(maxsize=None)(run.runner)
        sequence = _in_steps(signatures, run.runner)
    except Exception as error:  # the bindings raise RuntimeError, ValueError, TypeError and classes of their own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ArtifactError(f"{_loaded['path']} cannot be loaded: {reason}.") from None
    _loaded["run"], _loaded["sequence"] = sequence or run, sequence is not None


def _in_steps(signatures: Mapping[str, Signature], runner: Callable[[str], Runner]) -> Any:
    """A sequence file as a whole; None where it is none."""
    if SIGNATURE in signatures:
        return None
    from mobilenn.runtime.sequence import DECODE
    from mobilenn.runtime.sequence_run import SequenceRun

    return SequenceRun(signatures, runner) if DECODE in signatures else None


def _key(signatures: Mapping[str, Signature]) -> str:
    if not signatures:
        raise ArtifactError("The file has no signature.", "Files of mobilenn have the signature serving_default.")
    return SIGNATURE if SIGNATURE in signatures else next(iter(signatures))


def generate(arguments: dict[str, Any], arrays: Arrays, _: Any) -> Result:
    """Says one text; see `SequenceRun.generate`. `text` holds the source, or what to go on from."""
    return _sequence().generate(arguments, arrays["text"])


def looked(_: dict[str, Any], arrays: Arrays, __: Any) -> Result:
    """What of `source` (B, S) each token of `said` (B, T) was taken from: see sequence.looked."""
    return {}, {"attention": _sequence().looked(arrays["source"], arrays["said"])}


def _sequence() -> Any:
    if not _loaded["sequence"]:
        raise ArtifactError("The file says no texts.", "Allowed: files with the signature decode_step.")
    return _loaded["run"]


def stream(arguments: dict[str, Any], arrays: Arrays, _: Any) -> Result:
    """Runs the signature `key` over pieces, (N, …) of the one array, handing its state on from one to the next.

    Returns:
        The outputs of every step, (N, …), without the state's.
    """
    from mobilenn.runtime import sequence

    key, (name, pieces) = arguments["key"], next(iter(arrays.items()))
    if key not in _loaded["signatures"]:
        raise ArtifactError(f"The file has no signature '{key}'.", nearest(key, _loaded["signatures"]))
    inputs = _loaded["signatures"][key].inputs
    if name not in {spec.name for spec in inputs}:
        raise DataError(f"The signature '{key}' has no input '{name}'.", nearest(name, (s.name for s in inputs)))
    start = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in inputs if spec.name != name}
    chunks = [pieces[i : i + 1] for i in range(len(pieces))]
    made = list(sequence.stream(_loaded["runner"](key), name, chunks, start))
    told = [output for output in made[0] if not output.startswith("next_")]
    return {}, {output: np.concatenate([step[output] for step in made]) for output in told}


def call(arguments: dict[str, Any], arrays: Arrays, _: Any) -> Result:
    """Runs the signature `key` once, on stored values."""
    return {}, _loaded["runner"](arguments["key"])(arrays)


def predict(_: dict[str, Any], arrays: Arrays, __: Any) -> Result:
    """Runs stored values (N, ...) one by one; returns stored outputs (N, ...)."""
    count = len(next(iter(arrays.values())))
    rows = _loaded["run"].run({name: array[i : i + 1] for name, array in arrays.items()} for i in range(count))
    return {}, {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def measure(arguments: dict[str, Any], arrays: Arrays, emit: Callable[[dict[str, Any]], None]) -> Result:
    """Times runs on one input; see mobilenn.runtime.timing for the arguments' meaning.

    Returns:
        `ns`: every run's nanoseconds, of the invocation alone. A sequence file's run is a whole transcript;
        without arrays, of its first golden pair. With a `key`, of whole calls of that signature: its inputs
        go in and its outputs come out each time, as they do in an app that holds the state.
    """
    run, key = _loaded["run"], arguments.get("key")
    invoke = functools.partial(_loaded["runner"](key), arrays) if key else _prepared(run, arrays)
    deadline = time.perf_counter() + arguments["warmup_s"]
    invoke()
    while time.perf_counter() < deadline:
        invoke()
    samples: list[int] = []
    started = told = time.perf_counter()
    while not _enough(samples, time.perf_counter() - started, arguments):
        for _ in range(arguments["chunk"]):
            before = time.perf_counter_ns()
            invoke()
            samples.append(time.perf_counter_ns() - before)
        if time.perf_counter() - told > ALIVE_S:
            told = time.perf_counter()
            emit({})
    return {}, {"ns": np.asarray(samples, np.int64)}


def _prepared(run: Any, arrays: Arrays) -> Invoke:
    return run.prepared(arrays or _loaded["golden"] or run.example())


def _enough(samples: list[int], elapsed_s: float, arguments: Mapping[str, Any]) -> bool:
    from mobilenn.runtime.timing import relative_interval

    if elapsed_s >= arguments["max_seconds"]:
        return bool(samples)
    if len(samples) < arguments["min_runs"]:
        return False
    return relative_interval(np.asarray(samples)) <= arguments["interval"]


def profile(arguments: dict[str, Any], _: Arrays, __: Any) -> Result:
    """Profiles `runs` runs; returns `tags` and, as an array, `elapsed_us` of every invocation of an operator."""
    from mobilenn.runtime import native_profiler

    tags, elapsed = native_profiler.profile(_loaded["data"], arguments["runs"])
    return {"tags": tags}, {"elapsed_us": elapsed}


def memory(_: dict[str, Any], __: Arrays, ___: Any) -> Result:
    """Peak resident memory of this process so far, in bytes; the runtime itself is loaded first."""
    from ai_edge_litert import compiled_model, interpreter  # noqa: F401

    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return {"peak_bytes": kibibytes * 1024}, {}


if __name__ == "__main__":
    jobs = {"load": load, "predict": predict, "measure": measure, "memory": memory}
    jobs |= {"thread": thread, "profile": profile, "call": call}
    jobs |= {"generate": generate, "looked": looked, "stream": stream}
    worker.serve(jobs, max_address_bytes=MAX_ADDRESS_BYTES)
