"""Truncates and flips bytes of a .tflite three hundred times, and runs commands on every copy.

    python tools/fuzz_files.py out/alexnet/int8/model.tflite --out tools/results/fuzz.json

A run is bad when the command shows a traceback, dies of a signal, ends with an exit code that no
error of ours has, or says more than one line on standard error.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from mobilenn.core import errors, store

COMMANDS = (("inspect",), ("verify",), ("bench", "--threads", "1", "--max-seconds", "0.1"))
TIMEOUT_S = 120


def allowed_codes() -> set[int]:
    """Success, and every exit code that an error of ours has."""
    return {0, *(kind.exit_code for kind in errors.MobilennError.__subclasses__())}


def mutant(data: bytes, generator: random.Random) -> tuple[str, bytes]:
    """One damaged copy, and what was done to it; a third each: cut, flipped anywhere, flipped near an end."""
    kind = generator.choice(("cut", "flip", "flip at an end"))
    if kind == "cut":
        return kind, data[: generator.randrange(len(data))]
    harmed = bytearray(data)
    for _ in range(generator.choice((1, 1, 4, 32))):
        near = generator.choice((generator.randrange(min(2048, len(data))), len(data) - 1 - generator.randrange(2048)))
        place = near if "end" in kind else generator.randrange(len(data))
        harmed[max(place, 0)] ^= 1 << generator.randrange(8)
    return kind, bytes(harmed)


def fault_of(command: tuple[str, ...], path: Path) -> tuple[int, str]:
    """Runs a command on a file; returns its exit code, and what is bad about the run."""
    line = [sys.executable, "-m", "mobilenn", command[0], str(path), *command[1:]]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return -1, f"ran past {TIMEOUT_S} s"
    if "Traceback" in done.stderr + done.stdout:
        return done.returncode, "traceback"
    if done.returncode not in allowed_codes():
        return done.returncode, f"exit code {done.returncode}: {done.stderr.strip()[:200]}"
    lines = [text for text in done.stderr.splitlines() if text.strip()]
    if done.returncode and len(lines) != 1:
        return done.returncode, f"{len(lines)} lines of error"
    return done.returncode, ""


def campaign(source: Path, count: int, seed: int, report: Any = lambda _: None) -> dict[str, Any]:
    """Damages a file `count` times and runs every command on each copy.

    Returns:
        How often each command ended with each exit code, and every bad run.
    """
    generator = random.Random(seed)
    data = source.read_bytes()
    codes: dict[str, Counter[int]] = {command[0]: Counter() for command in COMMANDS}
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutant.tflite"
        for number in range(1, count + 1):
            kind, harmed = mutant(data, generator)
            path.write_bytes(harmed)
            for command in COMMANDS:
                code, fault = fault_of(command, path)
                codes[command[0]][code] += 1
                if fault:
                    bad.append({"number": number, "kind": kind, "command": command[0], "fault": fault})
            report(number)
    counted = {name: {str(code): n for code, n in sorted(found.items())} for name, found in codes.items()}
    return {"files": count, "seed": seed, "source_bytes": len(data), "exit_codes": counted, "bad": bad}


def main() -> None:
    """Runs the campaign; exits 1 where a run was bad."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    result = campaign(options.source, options.count, options.seed, lambda n: print(f"\r{n}/{options.count}", end=""))
    print()
    for name, counted in result["exit_codes"].items():
        print(f"{name:<8} {counted}")
    for row in result["bad"]:
        print(row)
    print(f"{len(result['bad'])} bad runs of {options.count * len(COMMANDS)}.")
    if options.out:
        store.write_json(options.out, result)
    sys.exit(1 if result["bad"] else 0)


if __name__ == "__main__":
    main()
