"""Measures what `mobilenn run` costs on top of the libraries that it calls.

    python tools/benchmark_pipeline.py alexnet --out tools/results/pipeline.json

Every process of the run samples whose code its main thread is in (tools/library_clock). What is left
of the clock's time is ours: starting workers, hashing, packing, judging, writing, and what the
samples miss.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from mobilenn import provenance
from mobilenn.core import store

CLOCK = Path(__file__).parent / "library_clock"
SHOWN = 40


def measure(recipe: str, settings: list[str]) -> dict[str, Any]:
    """Runs a recipe in an empty folder; returns seconds: `wall_s`, `library_s`, and `parts` of both."""
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples"
        samples.mkdir()
        path = os.pathsep.join(filter(None, [str(CLOCK), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": path, "LIBRARY_CLOCK": str(samples)}
        options = [part for setting in settings for part in ("--set", setting)]
        command = [sys.executable, "-m", "mobilenn", "run", recipe, "--out", f"{folder}/out", *options]
        started = time.perf_counter()
        subprocess.run(command, check=True, env=environment, capture_output=True)
        wall = time.perf_counter() - started
        parts: Counter[str] = Counter()
        for file in samples.glob("*.json"):
            parts.update(json.loads(file.read_text(encoding="utf-8")))
        processes = len(list(samples.glob("*.json")))
    library = sum(seconds for owner, seconds in parts.items() if owner.startswith("library "))
    return {
        "recipe": recipe,
        "wall_s": wall,
        "library_s": library,
        "own_s": wall - library,
        "own_share": (wall - library) / library,
        "processes": processes,
        "parts": dict(parts.most_common(SHOWN)),
    }


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=["alexnet"])
    parser.add_argument("--set", action="append", default=[], dest="settings", help="as of mobilenn run")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = [measure(recipe, options.settings) for recipe in options.recipes]
    for row in rows:
        print(f"{row['recipe']}: {row['wall_s']:.1f} s, of which {row['library_s']:.1f} s in libraries;")
        print(f"  ours {row['own_s']:.2f} s, {row['own_share']:.2%} of the libraries' time")
        for name, seconds in row["parts"].items():
            print(f"  {seconds:8.2f} s  {name}")
    if options.out:
        store.write_json(options.out, {"rows": rows, "environment": provenance.environment()})


if __name__ == "__main__":
    main()
