"""What is installed, what is missing, and what to type."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mobilenn.core import recipe as recipes

Status = Literal["ok", "missing", "wrong", "optional"]
_PROBE = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
_PROBE_TIMEOUT_S = 120
_GPU_USE = "a GPU trains faster; none is needed"
_TOOLS = {
    "adb": "benchmarks on Android devices",
    "chromium": "runs in the browser",
    "espeak-ng": "spoken keywords by real voices",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: what it is.
        status: `ok`; `missing` or `wrong` (to be mended); `optional` (absent, and not needed).
        found: what is there.
        wanted: what is needed, or what it is for.
        fix: what to type; empty where nothing is to be done.
    """

    name: str
    status: Status
    found: str
    wanted: str
    fix: str = ""


def diagnose() -> list[Finding]:
    """Looks at Python, the libraries and their versions, the machine, and the recipes.

    It takes the seconds that TensorFlow needs to start, in a child process, and imports none of it here.
    """
    findings = [_python(), *_libraries(), _keras(), _gpu(), *_machine(), _recipes()]
    return [*findings, *(_tool(name, use) for name, use in _TOOLS.items())]


def _python() -> Finding:
    good = sys.version_info[:2] == (3, 11)
    fix = "" if good else "make PYTHON=/path/to/python3.11"
    return Finding(
        name="Python", status="ok" if good else "wrong", found=platform.python_version(), wanted="3.11", fix=fix
    )


def _libraries() -> list[Finding]:
    """Every requirement of the package's own metadata, base and extras, and what those require in turn."""
    try:
        lines = importlib.metadata.requires("mobilenn") or []
    except importlib.metadata.PackageNotFoundError:
        return [Finding(name="mobilenn", status="missing", found="not installed", wanted="", fix="pip install -e .")]
    base, train = _active(lines, ""), _active(lines, "train")
    wanted = {canonicalize_name(r.name): (r, "mobilenn[train]") for r in train}
    wanted |= {canonicalize_name(r.name): (r, "mobilenn") for r in base}
    found = [_library(requirement, target) for requirement, target in wanted.values()]
    return [*found, _conflicts([requirement for requirement, _ in wanted.values()])]


def _active(lines: list[str], extra: str) -> list[Requirement]:
    """The requirements that hold on this machine with an extra chosen."""
    parsed = map(Requirement, lines)
    return [r for r in parsed if r.marker is None or r.marker.evaluate({"extra": extra})]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _library(requirement: Requirement, target: str) -> Finding:
    """Holds the installed version of one library against the range that is asked for."""
    wanted, fix = str(requirement.specifier), f"pip install '{target}'"
    version = _version(requirement.name)
    if version is None:
        status: Status = "missing" if target == "mobilenn" else "optional"
        return Finding(name=requirement.name, status=status, found="not installed", wanted=wanted, fix=fix)
    good = requirement.specifier.contains(version, prereleases=True)
    status = "ok" if good else "wrong"
    return Finding(name=requirement.name, status=status, found=version, wanted=wanted, fix="" if good else fix)


def _conflicts(roots: list[Requirement]) -> Finding:
    """What the libraries require of each other, all the way down; absent roots are findings of their own."""
    faults = dict(_faults([r for r in roots if _version(r.name) is not None]))
    fix = "pip install " + " ".join(f"'{wanted}'" for wanted in faults) if faults else ""
    found = "; ".join(faults.values()) or "agree"
    status: Status = "wrong" if faults else "ok"
    return Finding(name="their dependencies", status=status, found=found, wanted="no conflicts", fix=fix)


def _faults(roots: list[Requirement]) -> Iterator[tuple[str, str]]:
    """Pairs of a requirement that is not met, as pip reads it, and a sentence about it."""
    seen: set[str] = set()
    waiting = [(root.name, extra) for root in roots for extra in ("", *root.extras)]
    while waiting:
        name, extra = waiting.pop()
        if f"{canonicalize_name(name)}[{extra}]" in seen:
            continue
        seen.add(f"{canonicalize_name(name)}[{extra}]")
        for needed in _active(importlib.metadata.requires(name) or [], extra):
            version = _version(needed.name)
            if version is None:
                yield f"{needed.name}{needed.specifier}", f"{name} needs {needed.name}, which is not installed"
                continue
            if not needed.specifier.contains(version, prereleases=True):
                asked = f"{needed.name}{needed.specifier}"
                yield asked, f"{name} needs {asked}, found {version}"
            waiting += [(needed.name, inner) for inner in ("", *needed.extras)]


def _keras() -> Finding:
    value = os.environ.get("TF_USE_LEGACY_KERAS", "")
    good = value == "1"
    return Finding(
        name="TF_USE_LEGACY_KERAS",
        status="ok" if good else "wrong",
        found=value or "empty",
        wanted="1",
        fix="" if good else "unset TF_USE_LEGACY_KERAS",
    )


def _gpu() -> Finding:
    """Asks TensorFlow in a child process, since a broken driver can take it down."""
    install = "pip install 'mobilenn[gpu]'"
    if importlib.util.find_spec("tensorflow") is None:
        return Finding(name="GPU", status="optional", found="no TensorFlow", wanted=_GPU_USE, fix=install)
    try:
        command = [sys.executable, "-c", _PROBE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S)
        count = int(done.stdout.split()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        fix = f"{sys.executable} -c 'import tensorflow'"
        return Finding(name="TensorFlow", status="wrong", found="does not start", wanted="starts", fix=fix)
    if count:
        return Finding(name="GPU", status="ok", found=str(count), wanted=_GPU_USE)
    if os.environ.get("CUDA_VISIBLE_DEVICES") is not None:
        install = "unset CUDA_VISIBLE_DEVICES"
    return Finding(name="GPU", status="optional", found="0", wanted=_GPU_USE, fix=install)


def _machine() -> list[Finding]:
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    rows = (
        ("free disk", free_gb, 2.0, "df -h ."),
        ("memory", memory_gb, 4.0, "mobilenn run RECIPE --set train.batch_size=16"),
    )
    found = [
        Finding(
            name=name,
            status="ok" if value >= least else "wrong",
            found=f"{value:.0f} GB",
            wanted=f"{least:.0f} GB",
            fix="" if value >= least else fix,
        )
        for name, value, least, fix in rows
    ]
    return [*found, Finding(name="cores", status="ok", found=str(os.cpu_count()), wanted="1 or more")]


def _recipes() -> Finding:
    count = len(recipes.names())
    status: Status = "ok" if count else "missing"
    fix = "" if count else "pip install --force-reinstall --no-deps mobilenn"
    return Finding(name="recipes", status=status, found=str(count), wanted="1 or more", fix=fix)


def _tool(name: str, use: str) -> Finding:
    path = shutil.which(name)
    fix = "" if path else f"apt-get install {name}"
    return Finding(name=name, status="ok" if path else "optional", found=path or "not installed", wanted=use, fix=fix)
