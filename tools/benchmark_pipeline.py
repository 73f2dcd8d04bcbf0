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
import statistics
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
    """Runs a recipe in an empty folder; returns seconds, shares of the libraries' time, and the largest `parts`.

    `own_share_with_native` counts as ours what C libraries take that we call without Python between
    (LiteRT's profiler, zlib, hashlib); `own_share` counts it as theirs.
    """
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
    python = sum(seconds for owner, seconds in parts.items() if owner.startswith("library "))
    native = sum(seconds for owner, seconds in parts.items() if owner.startswith("native "))
    library = python + native
    return {
        "recipe": recipe,
        "wall_s": wall,
        "library_s": library,
        "native_s": native,
        "own_s": wall - library,
        "own_share": (wall - library) / library,
        "own_share_with_native": (wall - python) / python,
        "processes": processes,
        "parts": dict(parts.most_common(SHOWN)),
    }


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=["alexnet"])
    parser.add_argument("--set", action="append", default=[], dest="settings", help="as of mobilenn run")
    parser.add_argument("--times", type=int, default=3, help="runs of each recipe; the median is what counts")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = [measure(recipe, options.settings) for recipe in options.recipes for _ in range(options.times)]
    for row in rows:
        print(f"{row['recipe']}: {row['wall_s']:.1f} s, of which {row['library_s']:.1f} s in libraries;")
        print(f"  ours {row['own_s']:.2f} s, {row['own_share']:.2%} of the libraries' time")
        for name, seconds in row["parts"].items():
            print(f"  {seconds:8.2f} s  {name}")
    medians = {recipe: median_shares(rows, recipe) for recipe in options.recipes}
    for recipe, shares in medians.items():
        print(f"{recipe}, median of {options.times}: " + ", ".join(f"{k} {v:.2%}" for k, v in shares.items()))
    if options.out:
        store.write_json(options.out, {"medians": medians, "rows": rows, "environment": provenance.environment()})


def median_shares(rows: list[dict[str, Any]], recipe: str) -> dict[str, float]:
    """The median over a recipe's runs of each share."""
    names = ("own_share", "own_share_with_native")
    return {name: statistics.median(row[name] for row in rows if row["recipe"] == recipe) for name in names}


if __name__ == "__main__":
    main()
