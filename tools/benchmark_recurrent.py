"""Times our recurrent forms against the stock conversion and against ONNX Runtime, all from the same weights.

    python tools/benchmark_recurrent.py --out tools/results/recurrent

LSTM, GRU and BiLSTM at 49×40→128→12 with random weights: every form in float32, dynamic_int8 and int8; the
plain conversion of the Keras model (float, dynamic, full int8); ONNX Runtime, float and dynamic int8, in an
environment of its own, which this script makes unless --peer-python names one; and, with --variants, other
ways to write the same functions. Conversions run in processes of their own, since some die. The files are
then run in turn, A B C A B C, each in its own process, on one thread. Writes <out>.json and <out>.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from recurrent_files import FEATURES, LENGTH, NETWORKS, SAMPLES, build, in_process, make_files
from recurrent_table import AIMS, markdown

from mobilenn import provenance
from mobilenn.core import store
from mobilenn.core.errors import MobilennError
from mobilenn.runtime.host import HostSession
from mobilenn.runtime.profiler import OperatorTime

PEER_PACKAGES = ("onnx==1.23.2", "onnxruntime==1.32.0")
WARMUP_S = 0.01


@dataclass
class Player:
    """One file in the race: what runs it, what it answers, and the nanoseconds of its runs."""

    side: str
    name: str
    precision: str
    size_bytes: int
    outputs: np.ndarray
    measure: Callable[[float], np.ndarray]
    path: Path | None = None
    refused_by: str = ""
    ns: list[np.ndarray] = field(default_factory=list)


def main() -> None:
    """Reads the options, measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append", help="may be repeated; default: all")
    parser.add_argument("--rounds", type=int, default=40, help="turns of the race")
    parser.add_argument("--slot", type=float, default=0.05, help="seconds of each file in a turn")
    parser.add_argument("--variants", action="store_true", help="also race what else was tried")
    parser.add_argument("--peer-python", type=Path, help="a Python that has onnx and onnxruntime")
    parser.add_argument("--work", type=Path, default=Path("build/recurrent"), help="folder of the files")
    parser.add_argument("--out", type=Path, required=True, help="path of the results, without an ending")
    options = parser.parse_args()
    peer = Peer(options.peer_python or peer_environment(options.work / "peer"))
    rows: list[dict[str, Any]] = []
    for name in options.network or NETWORKS:
        rows.append(network_row(name, options, peer))
        environment = {"environment": provenance.environment(), "peer": peer.versions}
        result = {"rows": rows, **environment, "samples": SAMPLES}
        store.write_json(options.out.with_suffix(".json"), result)  # after each: a race takes minutes
        store.write_text(options.out.with_suffix(".md"), markdown(result))
    print(markdown(result))


def network_row(name: str, options: argparse.Namespace, peer: Peer) -> dict[str, Any]:
    """Makes every file of one network, races those that run, and sums up."""
    folder = options.work / name
    folder.mkdir(parents=True, exist_ok=True)
    in_process(build, name, folder)
    files = make_files(name, folder, options.variants)
    players, dead = [], []
    for (side, label, precision), made in files.items():
        if isinstance(made, str):
            dead.append({"side": side, "name": label, "precision": precision, "reason": made})
            continue
        player = litert_player(side, label, precision, made, folder)
        if isinstance(player, str):
            dead.append({"side": side, "name": label, "precision": precision, "reason": player})
        else:
            players.append(player)
    players += peer.players(name, folder)
    for turn in range(options.rounds):
        for player in players:
            player.ns.append(player.measure(options.slot))
        print(f"{name}: turn {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
    expected = np.load(folder / "expected.npy")
    return summed_up(name, players, dead, expected)


def summed_up(name: str, players: list[Player], dead: list[dict[str, Any]], expected: np.ndarray) -> dict[str, Any]:
    """Figures of each file; for what misses an aim, where its time goes."""
    found = []
    for player in players:
        ms = np.concatenate(player.ns) / 1e6
        keys = ("side", "name", "precision", "size_bytes", "refused_by")
        row = {key: getattr(player, key) for key in keys}
        error = np.abs(player.outputs - expected)
        row |= {"min_ms": float(ms.min()), "median_ms": float(np.median(ms)), "runs": len(ms)}
        found.append(row | {"error": float(error.max())})
    ratios = {title: aim.ratio(found) for title, aim in AIMS[name].items()}
    missed = any(ratio is None or ratio > AIMS[name][title].most for title, ratio in ratios.items())
    ours = [player for player in players if player.side == "mobilenn" and player.precision == "dynamic_int8"]
    fastest = min(ours, key=lambda player: np.concatenate(player.ns).min())
    operators = [vars(row) for row in _profile(fastest.path)] if missed else []
    return {"network": name, "files": found, "failed": dead, "ratios": ratios, "profile": operators}


def _profile(path: Path) -> tuple[OperatorTime, ...]:
    with HostSession(path) as session:
        return session.profile(runs=500)


def litert_player(side: str, name: str, precision: str, path: Path, folder: Path) -> Player | str:
    """Loads a file in the Interpreter, and tries CompiledModel; or says why it does not run."""
    inputs = {"frames": np.load(folder / "inputs.npy")}
    try:
        session = HostSession(path)  # lives as long as the race
        outputs = session.predict(inputs)["probabilities"]
    except MobilennError as error:
        return error.message
    refused = ""
    try:
        with HostSession(path, api="compiled_model") as other:
            other.predict(inputs)
    except MobilennError:
        refused = "CompiledModel"
    job = {"warmup_s": WARMUP_S, "min_runs": 1 << 30, "interval": 0.0, "chunk": 1}

    def measure(seconds: float) -> np.ndarray:
        return session.measure({**job, "max_seconds": seconds}, {"frames": inputs["frames"][:1]})

    return Player(side, name, precision, path.stat().st_size, outputs, measure, path, refused)


def peer_environment(folder: Path) -> Path:
    """Makes an environment with ONNX Runtime, unless it stands already; returns its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEER_PACKAGES], check=True)
    return python


class Peer:
    """The child process that holds ONNX Runtime."""

    def __init__(self, python: Path) -> None:
        script = Path(__file__).with_name("recurrent_peer.py")
        pipe = subprocess.PIPE
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen([str(python), str(script)], stdin=pipe, stdout=pipe, stderr=quiet, text=True)
        self.versions: dict[str, str] = {}

    def call(self, job: str, **arguments: Any) -> dict[str, Any]:
        """Runs one job; raises MobilennError with what the peer says."""
        self._process.stdin.write(json.dumps({"job": job, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "it died"}')
        if "error" in answer:
            raise MobilennError(f"ONNX Runtime: {answer['error']}")
        return answer

    def players(self, name: str, folder: Path) -> list[Player]:
        """Both files of a network, built from Keras' weights."""
        arguments = {"cell": NETWORKS[name]["cell"], "weights": str(folder / "weights.npz")}
        made = self.call("build", path=str(folder / name), length=LENGTH, features=FEATURES, **arguments)
        self.versions = made["versions"]
        return [self._player(name, precision, path, folder) for precision, path in made["files"].items()]

    def _player(self, name: str, precision: str, path: str, folder: Path) -> Player:
        label = f"{name} {precision}"
        size = self.call("load", name=label, path=path)["size_bytes"]
        outputs = np.array(self.call("predict", name=label, inputs=str(folder / "inputs.npy"))["outputs"])

        def measure(seconds: float) -> np.ndarray:
            return np.array(self.call("measure", name=label, seconds=seconds, warmup=20)["ns"], np.int64)

        return Player("onnxruntime", "onnxruntime", precision, size, outputs, measure)


if __name__ == "__main__":
    from ended import ended

    ended(main)
