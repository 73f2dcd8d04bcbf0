"""What has a say in the bytes: versions of the libraries, the source itself, the machine."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

import mobilenn

LIBRARIES = (
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "ai-edge-quantizer",
    "numpy",
)
# The rooms whose code decides what is trained, converted or judged; a report's looks do not.
_ROOMS = ("core", "data", "evaluate", "layers", "networks", "train", "compress", "convert", "jobs", "tflite")


def tools() -> dict[str, str]:
    """Versions of mobilenn and of the libraries that make a model; absent ones are left out."""
    versions = {"mobilenn": f"{mobilenn.__version__}+{source_digest()}"}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@functools.cache
def source_digest() -> str:
    """First eight hex digits of the SHA-256 of our own source, so that changed code is never a cache hit."""
    root = Path(__file__).parent
    files = [path for room in _ROOMS for path in sorted((root / room).rglob("*.py"))]
    files += [root / "quantize.py", root / "verify.py"]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


def environment() -> dict[str, object]:
    """The machine and the libraries a report was made with."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "versions": tools(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
