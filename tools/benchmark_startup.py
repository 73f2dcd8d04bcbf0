"""Times the start of `mobilenn --help` beside other programs', and an unchanged run.

python tools/benchmark_startup.py --out tools/results/startup.json
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mobilenn.core import store

BARE = "import click\n@click.command()\ndef main():\n    '''A program.'''\nmain()"
SETTINGS = ("train.epochs=2", "floor={}", "max_drop=1.0", "bench={threads=[1], max_seconds=0.2}")


def programs() -> dict[str, list[str]]:
    """What is started, by the name it is reported under."""
    folder = Path(sys.executable).parent
    return {
        "python": [sys.executable, "-c", "pass"],
        "bare click --help": [sys.executable, "-c", BARE, "--help"],
        "mobilenn --help": [str(folder / "mobilenn"), "--help"],
        "litert-benchmark --help": [str(folder / "litert-benchmark"), "--help"],
        "aeq --help": [str(folder / "aeq"), "--help"],
    }


def seconds(command: Sequence[str]) -> float:
    """Wall time of one start to end."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return time.perf_counter() - started


def starts(times: int) -> dict[str, dict[str, float]]:
    """Starts every program in turn, `times` times; minimum and median seconds."""
    commands = programs()
    found: Mapping[str, list[float]] = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            found[name].append(seconds(command))
    return {name: {"min_s": min(took), "median_s": statistics.median(took)} for name, took in found.items()}


def unchanged_run(times: int) -> dict[str, float]:
    """Runs the mlp recipe once, then again unchanged; seconds of the second and later runs."""
    with tempfile.TemporaryDirectory() as folder:
        options = [part for setting in SETTINGS for part in ("--set", setting)]
        command = [programs()["mobilenn --help"][0], "run", "mlp", "--out", folder, *options]
        first = seconds(command)
        took = [seconds(command) for _ in range(times)]
    return {"first_s": first, "min_s": min(took), "median_s": statistics.median(took)}


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    result: dict[str, Any] = {"starts": starts(options.times), "unchanged_run": unchanged_run(5)}
    for name, row in {**result["starts"], "unchanged mobilenn run": result["unchanged_run"]}.items():
        print(f"{name:<26} min {row['min_s']:.3f} s  median {row['median_s']:.3f} s")
    if options.out:
        store.write_json(options.out, result)


if __name__ == "__main__":
    main()
