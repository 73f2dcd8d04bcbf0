"""A child process that serves jobs: a crash in a native library becomes an error, never our own end."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import resource
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from mobilenn.core import errors

Arrays = Mapping[str, np.ndarray]
Event = Callable[[dict[str, Any]], None]
Job = Callable[[dict[str, Any], dict[str, np.ndarray], Event], tuple[dict[str, Any], Arrays]]
MAX_HEADER_BYTES = 64 << 20
PIPE_BYTES = 1 << 20  # Linux' largest for anybody; arrays cross in fewer turns than by its usual 64 kB


class Worker:
    """Runs jobs in a warm child process, started at the first job and replaced after a death.

    Args:
        module: module whose `__main__` calls `serve`.
        log: file that receives everything the child and its libraries print (appended);
            None discards it.
        pass_fds: descriptors the child inherits, such as a folder's lock.
        env: environment variables set on top of our own.
        replaced: whether a new child takes the place of one that died; not where it holds what was loaded.
    """

    def __init__(
        self,
        module: str,
        *,
        log: Path | None = None,
        pass_fds: Sequence[int] = (),
        env: Mapping[str, str] | None = None,
        replaced: bool = True,
    ) -> None:
        self.module, self.log, self.pass_fds, self.env = module, log, tuple(pass_fds), dict(env or {})
        self.replaced, self._begun = replaced, False
        self._process: subprocess.Popen | None = None
        self._frames: queue.Queue = queue.Queue()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(
        self,
        job: str,
        arguments: Mapping[str, Any] | None = None,
        arrays: Arrays | None = None,
        *,
        timeout_s: float,
        on_event: Event | None = None,
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Runs one job and waits for its result.

        Args:
            job: a name of the table that the module serves.
            arguments: JSON-ready values.
            arrays: numpy arrays that travel beside them.
            timeout_s: seconds until the child is killed; every event starts them anew.
            on_event: receives each dictionary that the job emits.

        Returns:
            The job's result and its arrays.

        Raises:
            MobilennError: what the job raised, with its class, message and hint.
            WorkerError: the child died, ran past its time or raised anything else.
        """
        process = self._started(job)
        try:
            write_frame(process.stdin, {"job": job, "arguments": dict(arguments or {})}, arrays or {})
        except (BrokenPipeError, ConnectionResetError):
            raise self._died(job) from None
        while True:
            try:
                frame = self._frames.get(timeout=timeout_s)
            except queue.Empty:
                self._kill()
                message = f"'{job}' was stopped: it gave no sign of life for {timeout_s:.0f} s."
                raise errors.WorkerError(message, self._log_hint()) from None
            except BaseException:
                self._kill()
                raise
            if frame is None:
                raise self._died(job)
            header, received = frame
            if "event" in header:
                if on_event is not None:
                    on_event(header["event"])
            elif "error" in header:
                raise self._rebuilt(header["error"])
            else:
                return header["result"], received

    def renew(self) -> None:
        """Lets the next call start another child where this one has died; `replaced` or not."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._begun = False

    def close(self) -> None:
        """Ends the child; a later call starts a new one."""
        if self._process is not None:
            self._kill()

    def _started(self, job: str) -> subprocess.Popen:
        if self._process is not None and self._process.poll() is None:
            return self._process
        if self._begun and not self.replaced:
            raise self._died(job) if self._process else errors.WorkerError(f"The worker process died before '{job}'.")
        self.close()
        self._begun = True
        with open(self.log or os.devnull, "ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                pass_fds=self.pass_fds,
                env={**os.environ, **_import_path(), **self.env},
                pipesize=PIPE_BYTES,
            )
        self._frames = queue.Queue()
        arguments = (self._process.stdout, self._frames)
        threading.Thread(target=_pump, args=arguments, daemon=True).start()
        return self._process

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # bytes of a broken pipe that nobody will read
                stream.close()

    def _died(self, job: str) -> errors.WorkerError:
        code = self._process.wait() if self._process else 0
        self._kill()
        how = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit status {code}"
        return errors.WorkerError(f"The worker process died during '{job}': {how}.", self._log_hint())

    def _rebuilt(self, error: Mapping[str, Any]) -> errors.MobilennError:
        """Returns the child's error as an object of its own class."""
        kind = getattr(errors, error["kind"], None)
        if kind is None:
            return errors.WorkerError(error["message"], self._log_hint())
        if error["faults"]:
            return kind(error["message"], error["hint"], faults=error["faults"])
        return kind(error["message"], error["hint"])

    def _log_hint(self) -> str:
        return f"Its output is in {self.log}." if self.log else ""


def serve(jobs: Mapping[str, Job], max_address_bytes: int = 0) -> None:
    """The child's main: reads jobs from standard input until it closes.

    Args:
        jobs: by name.
        max_address_bytes: limit of the process's memory, for files of anybody's, which may ask for
            any amount; such a process leaves no core file either. 0 sets no limit.

    Whatever libraries print goes to standard error (the log). The process ends as soon as its
    parent does, even in the middle of a job, so that a killed run leaves no writer behind.
    """
    if max_address_bytes:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (max_address_bytes, max_address_bytes))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: queue.Queue = queue.Queue()
    stdin = os.fdopen(os.dup(0), "rb")
    threading.Thread(target=_pump, args=(stdin, requests, os._exit), daemon=True).start()
    while True:
        header, arrays = requests.get()
        _answer(jobs, header, arrays, answers)


def _answer(jobs: Mapping[str, Job], header: dict[str, Any], arrays: dict[str, np.ndarray], out: IO[bytes]) -> None:
    try:
        result, made = jobs[header["job"]](header["arguments"], arrays, lambda e: write_frame(out, {"event": e}, {}))
    except errors.MobilennError as error:
        traceback.print_exc()
        faults = list(getattr(error, "faults", ()))
        kind = {"kind": type(error).__name__, "message": error.message, "hint": error.hint, "faults": faults}
        write_frame(out, {"error": kind}, {})
    except Exception as error:  # the boundary of the process: anything else becomes a WorkerError there
        traceback.print_exc()
        first = next((line for line in str(error).splitlines() if line.strip()), "")[:300]
        message = f"'{header['job']}' failed: {type(error).__name__}: {first}"
        write_frame(out, {"error": {"kind": "", "message": message, "hint": "", "faults": []}}, {})
    else:
        write_frame(out, {"result": result}, made)


def _import_path() -> dict[str, str]:
    """Makes the child find the same mobilenn as its parent, installed or not."""
    root = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [root, known]))}


def _pump(stream: IO[bytes], frames: queue.Queue, at_end: Callable[[int], Any] | None = None) -> None:
    """Moves frames from a pipe to a queue; None, or `at_end(0)`, says that the pipe has closed."""
    while True:
        try:
            frame = read_frame(stream)
        except (OSError, ValueError):
            frame = None
        if frame is None and at_end is not None:
            at_end(0)
        frames.put(frame)
        if frame is None:
            return


def write_frame(stream: IO[bytes], header: Mapping[str, Any], arrays: Arrays) -> None:
    """Writes one message: header length (8 bytes, little-endian), JSON header, then raw arrays."""
    ordered = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    layout = [[name, array.dtype.str, list(array.shape)] for name, array in ordered.items()]
    text = json.dumps({**header, "arrays": layout}).encode()
    stream.write(struct.pack("<Q", len(text)) + text)
    for array in ordered.values():
        stream.write(memoryview(array.reshape(-1)).cast("B") if array.size else b"")
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Reads what `write_frame` wrote; None at the end of the stream.

    Raises:
        ValueError: the bytes are not a frame.
    """
    prefix = stream.read(8)
    if len(prefix) < 8:
        return None
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_HEADER_BYTES:
        raise ValueError("not a frame")
    text = stream.read(length)
    if len(text) < length:
        return None
    header = json.loads(text)
    arrays = {}
    for name, dtype, shape in header.pop("arrays"):
        kind = np.dtype(dtype)
        size = kind.itemsize * int(np.prod(shape, dtype=np.int64))
        data = bytearray(size)
        if size and stream.readinto(data) < size:  # BufferedReader fills the buffer or meets the end
            return None
        arrays[name] = np.frombuffer(data, dtype=kind).reshape(shape)
    return header, arrays
