"""What is installed, what is missing, and what to type."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mobilenn.core import recipe as recipes

Status = Literal["ok", "missing", "wrong", "optional"]
_PROBE = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
_PROBE_TIMEOUT_S = 120
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
    """Looks at Python, the libraries and their versions, the machine, and the recipes."""
    findings = [_python(), *_libraries(), _keras(), _gpu(), *_machine(), _recipes()]
    return [*findings, *(_tool(name, use) for name, use in _TOOLS.items())]


def _python() -> Finding:
    good = sys.version_info[:2] == (3, 11)
    fix = "" if good else "make PYTHON=/path/to/python3.11"
    return Finding(
        name="Python", status="ok" if good else "wrong", found=platform.python_version(), wanted="3.11", fix=fix
    )


def _libraries() -> list[Finding]:
    """Every requirement of the package's own metadata, base and extras."""
    try:
        lines = importlib.metadata.requires("mobilenn") or []
    except importlib.metadata.PackageNotFoundError:
        return [Finding(name="mobilenn", status="missing", found="not installed", wanted="", fix="pip install -e .")]
    found = [_library(line) for line in lines if not line.startswith("mobilenn") and "extra == 'gpu'" not in line]
    return list({finding.name: finding for finding in found if finding is not None}.values())


def _library(line: str) -> Finding | None:
    match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*([^;]*)(?:;.*extra == ['\"](\w+)['\"])?", line)
    if match is None:
        return None
    name, wanted, extra = match.group(1), match.group(2).strip(), match.group(3)
    target = f"mobilenn[{extra}]" if extra else "mobilenn"
    fix = f"pip install '{target}'"
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        status: Status = "optional" if extra else "missing"
        return Finding(name=name, status=status, found="not installed", wanted=wanted, fix=fix)
    good = all(_satisfies(version, clause) for clause in wanted.split(",") if clause)
    return Finding(name=name, status="ok" if good else "wrong", found=version, wanted=wanted, fix="" if good else fix)


def _satisfies(version: str, clause: str) -> bool:
    """Whether a version meets one clause of `>=1.2`, `<3` or `==1.2`."""
    match = re.match(r"(>=|<=|==|<|>)\s*([\d.]+)", clause.strip())
    if match is None:
        return True
    ours, theirs = _numbers(version), _numbers(match.group(2))
    width = max(len(ours), len(theirs))
    ours, theirs = ours + (0,) * (width - len(ours)), theirs + (0,) * (width - len(theirs))
    return {
        ">=": ours >= theirs,
        "<=": ours <= theirs,
        "==": ours == theirs,
        "<": ours < theirs,
        ">": ours > theirs,
    }[match.group(1)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0])[:3])


def _keras() -> Finding:
    value = os.environ.get("TF_USE_LEGACY_KERAS", "")
    good = value == "1"
    return Finding(
        name="TF_USE_LEGACY_KERAS",
        status="ok" if good else "wrong",
        found=value or "unset",
        wanted="1",
        fix="" if good else "unset TF_USE_LEGACY_KERAS",
    )


def _gpu() -> Finding:
    """Asks TensorFlow in a child process, since a broken driver can take it down."""
    wanted = "a GPU trains faster; none is needed"
    if importlib.util.find_spec("tensorflow") is None:
        return Finding(
            name="GPU", status="optional", found="no TensorFlow", wanted=wanted, fix="pip install 'mobilenn[gpu]'"
        )
    command = [sys.executable, "-c", _PROBE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S)
        count = int(done.stdout.strip() or -1)
    except (subprocess.TimeoutExpired, ValueError):
        count = -1
    if count < 0:
        return Finding(
            name="TensorFlow",
            status="wrong",
            found="does not start",
            wanted="",
            fix=f"{sys.executable} -c 'import tensorflow'",
        )
    fix = "" if count else "pip install 'mobilenn[gpu]'"
    return Finding(name="GPU", status="ok" if count else "optional", found=str(count), wanted=wanted, fix=fix)


def _machine() -> list[Finding]:
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    rows = (("free disk", free_gb, 2.0, "free some space"), ("memory", memory_gb, 4.0, ""))
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
    fix = "" if count else "reinstall mobilenn"
    return Finding(name="recipes", status=status, found=str(count), wanted="1 or more", fix=fix)


def _tool(name: str, use: str) -> Finding:
    path = shutil.which(name)
    fix = "" if path else f"apt-get install {name}"
    return Finding(name=name, status="ok" if path else "optional", found=path or "not installed", wanted=use, fix=fix)
