"""Samples, in every process of a run, whose code is running; see tools/benchmark_pipeline.py.

Python imports this file by itself at its start where the folder stands on PYTHONPATH. A thread looks
at the main thread's stack every five milliseconds. The time belongs to the innermost package on it:
what an installed library called, or calls, is the library's; a process that waits for another counts
for nothing, since the other is sampled too.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

SAMPLE_S = 0.005
WRITE_EVERY = 4  # samples: workers end by being killed, and what was not written is lost
LIBRARIES, OURS = "/site-packages/", "/mobilenn/"
# Functions of ours that hand their time to a library without a frame of Python; reported apart.
NATIVE = {
    "runtime/native_profiler.py:call": "native LiteRT",
    "tflite/inspect.py:_download_bytes": "native zlib",
    "core/store.py:sha256_file": "native hashlib",
}
WAITING = ("/threading.py", "/queue.py", "/subprocess.py", "/selectors.py")


def _owner(frame):
    """`library NAME` or `own FILE:FUNCTION` of a stack, or None where it waits."""
    if frame.f_code.co_filename.endswith(WAITING):
        return None
    while frame is not None:
        name = frame.f_code.co_filename
        if LIBRARIES in name:
            return f"library {name.split(LIBRARIES)[1].partition('/')[0].removesuffix('.py')}"
        if OURS in name:
            place = f"{name.split(OURS)[-1]}:{frame.f_code.co_name}"
            return NATIVE.get(place, f"own {place}")
        frame = frame.f_back
    return "own start and end"


def _sample(path):
    main, seconds = threading.main_thread().ident, {}
    before, count = time.perf_counter(), 0
    while True:
        time.sleep(SAMPLE_S)
        now = time.perf_counter()
        frame = sys._current_frames().get(main)
        owner = frame and _owner(frame)
        if owner:
            seconds[owner] = seconds.get(owner, 0.0) + now - before
        before, count = now, count + 1
        if count % WRITE_EVERY == 0:
            part = path.with_suffix(".part")
            part.write_text(json.dumps(seconds), encoding="utf-8")
            part.replace(path)


if "LIBRARY_CLOCK" in os.environ:
    target = Path(os.environ["LIBRARY_CLOCK"]) / f"{os.getpid()}.json"
    threading.Thread(target=_sample, args=(target,), daemon=True).start()
