"""Kills a small run at random points, fifty times, and checks that every rerun ends in the same bytes.

    python tools/kill_runs.py --times 50 --out tools/results/kill_runs.json

Each round starts `mobilenn run` in an empty folder, kills it with SIGKILL after a random part of the
time an undisturbed run takes, starts it again, and compares the folder with the undisturbed one's.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mobilenn.core import store

# Small enough that a run takes seconds, whole enough that every stage has its turn.
SETTINGS = (
    "config.hidden=[16]",
    "train.epochs=4",
    'variants={float32={precision="float32"}, int8={precision="int8"}, '
    'pruned={precision="dynamic_int8", prune={sparsity=0.5, epochs=1}}}',
    "max_drop=1.0",
    "floor={}",
    "bench={threads=[1], max_seconds=0.2}",
)


def command(out: Path) -> list[str]:
    """The run that is killed and started again."""
    options = [part for setting in SETTINGS for part in ("--set", setting)]
    return [sys.executable, "-m", "mobilenn", "run", "mlp", "--out", str(out), *options]


def run(out: Path) -> tuple[int, str]:
    """Runs to the end; returns the exit code and what stood on standard error."""
    done = subprocess.run(command(out), capture_output=True, text=True, timeout=600)
    return done.returncode, done.stderr


def kill_after(out: Path, seconds: float) -> bool:
    """Starts a run and kills its first process after `seconds`; returns whether it was still running."""
    process = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True


def models(out: Path) -> dict[str, str]:
    """SHA-256 of every .tflite of a finished run, by variant."""
    return {path.parent.name: store.sha256_file(path) for path in sorted(out.glob("*/model.tflite"))}


def names(out: Path) -> set[str]:
    """Every path below a run's folder, relative to it."""
    return {str(path.relative_to(out)) for path in out.rglob("*")}


def one_round(folder: Path, expected: Path, seconds: float) -> dict[str, Any]:
    """Kills a run after `seconds`, runs it again, and says what differs from an undisturbed one."""
    out = folder / "killed"
    shutil.rmtree(out, ignore_errors=True)
    killed = kill_after(out, seconds)
    seen = sorted(names(out)) if out.exists() else []
    code, errors = run(out)
    return {
        "killed_after_s": round(seconds, 2),
        "killed": killed,
        "files_at_kill": len(seen),
        "completed": code == 0,
        "identical": models(out) == models(expected),
        "stray": sorted(names(out) - names(expected)),
        "missing": sorted(names(expected) - names(out)),
        "error": errors.strip().splitlines()[-1] if code else "",
    }


def campaign(times: int, seed: int, report: Any = print) -> dict[str, Any]:
    """Runs the whole campaign in a temporary folder.

    Args:
        times: number of kills.
        seed: of the kill times.
        report: receives one line a round.

    Returns:
        The undisturbed run's seconds, every round, and how many rounds were good.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.monotonic()
        code, errors = run(folder / "undisturbed")
        whole_s = time.monotonic() - started
        if code:
            raise SystemExit(f"The undisturbed run failed: {errors}")
        moments = [random.Random(f"{seed}/{i}").uniform(0.05, whole_s) for i in range(times)]
        rounds = []
        for number, moment in enumerate(moments, 1):
            rounds.append(one_round(folder, folder / "undisturbed", moment))
            report(f"{number:>3}/{times}  killed after {moment:5.1f} s  {verdict(rounds[-1])}")
    good = sum(verdict(row) == "good" for row in rounds)
    return {"undisturbed_s": round(whole_s, 1), "times": times, "good": good, "rounds": rounds}


def verdict(row: dict[str, Any]) -> str:
    """`good`, or what is wrong with a round."""
    if not row["completed"]:
        return f"the rerun failed: {row['error']}"
    if not row["identical"]:
        return "a .tflite differs"
    return f"stray {row['stray']} missing {row['missing']}" if row["stray"] or row["missing"] else "good"


def main() -> None:
    """Runs the campaign and writes its figures; exits 1 where a round was not good."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    result = campaign(options.times, options.seed, lambda line: print(line, flush=True))
    print(f"{result['good']} of {result['times']} reruns completed with identical files and nothing stray.")
    if options.out:
        store.write_json(options.out, result)
    sys.exit(0 if result["good"] == result["times"] else 1)


if __name__ == "__main__":
    main()
