"""`make` installs once, again when the lock changes, and says in one line which Python it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/sh
# A Python that makes environments whose Python notes what it is asked to do.
if [ "$1" = -c ]; then exit {wrong_version}; fi
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "$@" >> calls.txt\\n%s\\n' "{then}" > "$3/bin/python"
chmod +x "$3/bin/python"
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def make(tmp_path):
    """Runs make with the fake Python in a folder that holds what the set-up reads."""
    (tmp_path / "requirements").mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements/test.txt"):
        shutil.copy(ROOT / name, tmp_path / name)

    def run(*goals: str, wrong_version: int = 0, then: str = "") -> subprocess.CompletedProcess:
        python = tmp_path / "python"
        python.write_text(PYTHON.format(wrong_version=wrong_version, then=then))
        python.chmod(0o755)
        command = ["make", f"PYTHON={python}", *goals]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    return run


def calls(folder: Path) -> list[str]:
    """What pip was asked for since the last look."""
    path = folder / "calls.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [line.split("--quiet ")[1] for line in lines]


def touch_later(path: Path, seconds: int) -> None:
    stamp = path.stat().st_mtime + seconds
    os.utime(path, (stamp, stamp))


LOCK = "install --require-hashes --compile --requirement requirements/test.txt"
PROJECT = "install --no-deps --no-build-isolation --editable ."


def test_a_second_make_does_nothing(make, tmp_path):
    assert make(".venv/installed").returncode == 0
    assert calls(tmp_path) == [LOCK, PROJECT]
    assert make(".venv/installed").returncode == 0
    assert calls(tmp_path) == []


def test_a_changed_lock_is_installed_and_a_changed_project_alone_too(make, tmp_path):
    make(".venv/installed")
    calls(tmp_path)
    touch_later(tmp_path / "pyproject.toml", 5)
    make(".venv/installed")
    assert calls(tmp_path) == [PROJECT]
    touch_later(tmp_path / "requirements" / "test.txt", 10)
    make(".venv/installed")
    assert calls(tmp_path) == [LOCK, PROJECT]


def test_an_installation_that_failed_is_tried_again(make, tmp_path):
    assert make(".venv/installed", then="exit 1").returncode != 0
    calls(tmp_path)
    assert make(".venv/installed").returncode == 0
    assert calls(tmp_path) == [LOCK, PROJECT]


def test_another_python_is_refused_in_one_line(make, tmp_path):
    done = make("test", wrong_version=1)
    assert done.returncode != 0
    assert "error: mobilenn needs Python 3.11. Type: make PYTHON=/path/to/python3.11 test" in done.stdout.splitlines()
    assert not (tmp_path / ".venv").exists()


def test_every_goal_is_explained_by_help(make):
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    explained = make("help").stdout
    for goal in phony.split()[1:]:
        assert goal == "help" or f"make {goal}" in explained, goal
