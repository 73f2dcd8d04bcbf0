"""A .tflite on this machine, in a worker process: it may crash there, and this process goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mobilenn.core.artifacts import Signature, TensorSpec
from mobilenn.core.errors import ArtifactError, DataError, MobilennError, nearest
from mobilenn.core.records import from_dict
from mobilenn.core.worker import Worker
from mobilenn.runtime.profiler import OperatorTime, summed
from mobilenn.runtime.sequence import Runner
from mobilenn.runtime.sequence_run import ANY

Api = Literal["interpreter", "compiled_model"]
BYTES = np.arange(256, dtype=np.uint8)
CHUNK_BYTES = 32 << 20  # of inputs sent to the worker at a time


class HostSession:
    """Runs one file; a context manager.

    Args:
        path: the .tflite; it is read once, so that it may be replaced while it runs.
        threads: CPU threads.
        api: LiteRT's Interpreter, or CompiledModel (what Android apps use).
        delegate: for the Interpreter: whether XNNPACK may take operators.
        timeout_s: seconds without a sign of life until the worker is ended.
        worker: one of mobilenn.runtime.host_worker that is lent, not `replaced`, and left warm for the next file;
            None makes one for this file alone, whose memory can then be measured.

    Raises:
        ArtifactError: the file is missing, or the runtime refuses it.
        WorkerError: the file killed its worker.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 1,
        api: Api = "interpreter",
        delegate: bool = True,
        timeout_s: float = 600.0,
        worker: Worker | None = None,
    ) -> None:
        if not Path(path).is_file():
            raise ArtifactError(f"There is no file {path}.")
        self._worker, self._lent = worker or Worker("mobilenn.runtime.host_worker", replaced=False), worker is not None
        self._worker.renew()
        self._timeout_s = timeout_s
        self._base_bytes = self._call("memory")[0]["peak_bytes"]
        try:
            found, _ = self._call("load", {"path": str(path), "threads": threads, "api": api, "delegate": delegate})
        except BaseException:
            self.close()
            raise
        self.threads, self.is_sequence = threads, found["sequence"]
        self.signatures = {entry["key"]: from_dict(Signature, entry) for entry in found["signatures"]}
        self.inputs, self.outputs = (
            tuple(from_dict(TensorSpec, spec) for spec in found[part]) for part in ("inputs", "outputs")
        )

    def __enter__(self) -> HostSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker, unless it is lent."""
        if not self._lent:
            self._worker.close()

    def predict(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Runs raw values through the model, one sample at a time.

        A file with the signature `decode_step` takes whole texts, and returns what it says of its own accord
        and how probable it holds what was expected: see mobilenn.runtime.sequence.transcribe.

        Args:
            inputs: by input name, (N, ...); quantized by the signature's parameters where the file
                stores integers, so the caller need not know.

        Returns:
            Outputs by name, (N, ...), dequantized to float32 where they are integers with a scale.

        Raises:
            DataError: a name, shape or value that the model cannot take.
        """
        count = self._check(inputs)
        row_bytes = sum(int(np.prod(inputs[spec.name].shape[1:])) * 4 for spec in self.inputs)
        step = max(1, CHUNK_BYTES // max(row_bytes, 1))
        parts = []
        for start in range(0, count, step):
            rows = np.arange(start, min(start + step, count))
            stored = {spec.name: quantized(np.asarray(inputs[spec.name][rows]), spec) for spec in self.inputs}
            parts.append(self._call("predict", {}, stored)[1])
        return {s.name: dequantized(np.concatenate([part[s.name] for part in parts]), s) for s in self.outputs}

    def measure(self, arguments: Mapping[str, Any], inputs: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Times runs on one sample; a run of a sequence file is a whole transcript, its loop included.

        Args:
            arguments: `warmup_s`, `min_runs`, `max_seconds`, `interval` and `chunk`.
            inputs: raw values by name, (1, ...); None draws them at random, with a fixed seed, and of a
                sequence file takes its first golden pair.

        Returns:
            Nanoseconds of every run, (runs,) int64: of the invocation alone.
        """
        if inputs is None and self.is_sequence:
            return self._call("measure", arguments, {})[1]["ns"]
        raw = self.example() if inputs is None else inputs
        stored = {spec.name: quantized(np.asarray(raw[spec.name][:1]), spec) for spec in self.inputs}
        return self._call("measure", arguments, stored)[1]["ns"]

    def measure_calls(self, key: str, arguments: Mapping[str, Any], inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Times whole calls of one signature, the copying of its inputs and outputs included.

        Args:
            key: of the signature.
            arguments: as for `measure`.
            inputs: stored values by name.

        Returns:
            Nanoseconds of every call, (runs,) int64.

        Raises:
            ArtifactError: the file has no such signature.
        """
        self.runner(key)
        return self._call("measure", {**arguments, "key": key}, inputs)[1]["ns"]

    def generate(self, text: np.ndarray, wanted: Mapping[str, Any]) -> tuple[np.ndarray, float | None]:
        """Has a sequence file say one text.

        Args:
            text: (S,) int32: the source, or for a file without one the tokens to go on from.
            wanted: `length`; `beam`, a width; or `temperature` and `seed`; greedy search without either.

        Returns:
            (length,) int32, padded behind `<end>`, and beam search's score.

        Raises:
            ArtifactError: the file is none.
            DataError: a source of another length, or a length or a setting out of range.
        """
        text = np.asarray(text, np.int32)[np.newaxis]
        wants = self.inputs[0].shape[1]
        if self.is_sequence and wants > 0 and text.shape[1] != wants:
            raise DataError(f"The source has {text.shape[1]} tokens.", f"Allowed: {wants}, padded with 0.")
        found, arrays = self._call("generate", dict(wanted), {"text": text})
        return arrays["tokens"][0], found.get("score")

    def looked(self, source: np.ndarray, said: np.ndarray) -> np.ndarray:
        """What of a source each token was taken from.

        Args:
            source: (B, S) int32.
            said: (B, T) int32, what the file said of it by whatever search, padded behind `<end>`.

        Returns:
            (B, T, S) float32: how much each token of the source mattered; 0 at padding.

        Raises:
            ArtifactError, DataError: the file is no sequence file, takes no source, or does not tell.
        """
        return self._call("looked", {}, {"source": source, "said": said})[1]["attention"]

    def stream(self, key: str, name: str, pieces: np.ndarray) -> dict[str, np.ndarray]:
        """Runs a signature piece by piece, handing its state on, which starts as zeros.

        Args:
            key: of the signature; its outputs `next_X` are its inputs X in the next step.
            name: of the input that the pieces are for.
            pieces: (N, …) stored values, one row a step.

        Returns:
            The outputs but the state's, (N, …).

        Raises:
            ArtifactError, DataError: the file has no such signature or input.
        """
        return self._call("stream", {"key": key}, {name: pieces})[1]

    def example(self) -> dict[str, np.ndarray]:
        """Raw values for every input, (1, …), drawn with a fixed seed."""
        generator = np.random.default_rng(0)
        drawn = {s.name: generator.integers(0, 256, s.shape).astype(np.float32) for s in self.inputs}
        # a token past the vocabulary would be read from behind the embedding; 0 is padding everywhere
        return {s.name: np.zeros_like(drawn[s.name]) if s.dtype == "int32" else drawn[s.name] for s in self.inputs}

    def use_threads(self, threads: int) -> None:
        """Makes the file ready anew, for so many CPU threads."""
        if threads != self.threads:
            self._call("thread", {"threads": threads})
            self.threads = threads

    def profile(self, runs: int = 100) -> tuple[OperatorTime, ...]:
        """Runs the first signature in CompiledModel on one thread with LiteRT's profiler on.

        Args:
            runs: runs that count.

        Returns:
            The operators, slowest first; nothing where the runtime gives no profile of the file.
        """
        try:
            found, arrays = self._call("profile", {"runs": runs})
        except MobilennError:  # it is a bonus: what the file itself lacks, timing it has said
            return ()
        return summed(zip(found["tags"], arrays["elapsed_us"].tolist(), strict=True), runs)

    def runner(self, key: str) -> Runner:
        """What runs one signature on stored values, such as for mobilenn.runtime.training.

        Raises:
            ArtifactError: the file has no such signature.
        """
        if key not in self.signatures:
            raise ArtifactError(f"The file has no signature '{key}'.", nearest(key, self.signatures))
        return lambda arrays: self._call("call", {"key": key}, arrays)[1]

    def peak_memory_bytes(self) -> int:
        """Peak resident memory of the worker above what it held before the file was loaded."""
        return max(0, self._call("memory")[0]["peak_bytes"] - self._base_bytes)

    def _check(self, inputs: Mapping[str, Any]) -> int:
        names = [spec.name for spec in self.inputs]
        if sorted(inputs) != sorted(names):
            raise DataError(f"The model takes {', '.join(names)}; received {', '.join(inputs) or 'nothing'}.")
        for spec in self.inputs:
            shape = tuple(inputs[spec.name].shape)
            if len(shape) != len(spec.shape) or any(
                wants not in (ANY, has) for has, wants in zip(shape[1:], spec.shape[1:], strict=True)
            ):
                raise DataError(f"Input '{spec.name}' has shape {shape}.", f"Allowed: (N, {str(spec.shape[1:])[1:]}")
        counts = {len(inputs[name]) for name in names}
        if len(counts) != 1 or counts == {0}:
            raise DataError(f"Inputs have {sorted(counts)} rows.", "Allowed: the same number, at least 1, in each.")
        return counts.pop()

    def _call(self, job: str, arguments: Mapping[str, Any] | None = None, arrays: Any = None) -> Any:
        return self._worker.call(job, arguments, arrays, timeout_s=self._timeout_s)


def quantized(values: np.ndarray, spec: TensorSpec) -> np.ndarray:
    """Raw values as the file stores them.

    Raises:
        DataError: NaN or infinity, which no integer stores and no model answers.
    """
    dtype = np.dtype(spec.dtype)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError(f"Input '{spec.name}' holds values that are not finite.")
    if dtype.kind == "f" or spec.scale == 0.0:
        return values.astype(dtype)
    if values.dtype == np.uint8 and values.size > len(BYTES):  # each of the 256 once, rather than every pixel
        return quantized(BYTES, spec)[values]
    limits = np.iinfo(dtype)
    stored = np.round(values.astype(np.float64) / spec.scale) + spec.zero_point
    return np.clip(stored, limits.min, limits.max).astype(dtype)


def dequantized(values: np.ndarray, spec: TensorSpec) -> np.ndarray:
    """Stored values as float32, where they are integers with a scale."""
    if values.dtype.kind == "f" or spec.scale == 0.0:
        return values
    return ((values.astype(np.float64) - spec.zero_point) * spec.scale).astype(np.float32)
