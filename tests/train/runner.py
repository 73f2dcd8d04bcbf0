"""Trains a toy mlp in a process of its own: `python runner.py JSON`; prints one JSON line at the end."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from mobilenn.core.errors import MobilennError
from mobilenn.core.records import from_dict
from mobilenn.data import Dataset, Split
from mobilenn.train import events
from mobilenn.train.config import TrainConfig


def main(options: dict) -> dict:
    """Trains as `options` say: `out`, `settings`, `devices` (logical CPUs), `kill_at` ([epoch, step])."""
    import tensorflow as tf

    from mobilenn.train.supervised import TrainRequest, train

    events.INTERVAL_S = 0.0
    if options.get("devices"):
        (cpu,) = tf.config.list_physical_devices("CPU")
        logical = [tf.config.LogicalDeviceConfiguration()] * options["devices"]
        tf.config.set_logical_device_configuration(cpu, logical)
    seen: list[int] = []

    def emit(event: dict) -> None:
        seen.append(event.get("epoch", 0))
        if [event.get("epoch"), event.get("step")] == options.get("kill_at"):
            os.kill(os.getpid(), signal.SIGKILL)

    request = TrainRequest(
        network="mlp",
        config={"input_shape": [8, 8, 1], "hidden": [12], "classes": 3, **options.get("config", {})},
        task="classification",
        settings=from_dict(TrainConfig, {"epochs": 3, "batch_size": 16, **options.get("settings", {})}),
        seed=7,
        out_dir=Path(options["out"]),
    )
    result = train(request, _data(), emit)
    weights = b"".join(weight.tobytes() for weight in result.model.get_weights())
    written = sorted(p.name for p in request.out_dir.rglob("*")) if request.out_dir.exists() else []
    digest = hashlib.sha256(weights).hexdigest()
    return {"history": result.history, "sha256": digest, "first_epoch": seen[0], "written": written}


def _data() -> Dataset:
    def split(count: int, seed: int) -> Split:
        rng = np.random.default_rng(seed)
        targets = np.arange(count) % 3
        images = rng.integers(0, 90, (count, 8, 8, 1)) + 60 * targets.reshape(-1, 1, 1, 1)
        return Split(inputs={"image": images.astype(np.uint8)}, targets=targets)

    parts = {"train": split(96, 1), "validation": split(32, 2), "test": split(16, 3)}
    return Dataset(**parts, labels=("a", "b", "c"), description="noise", preprocessing={})


if __name__ == "__main__":
    try:
        print(json.dumps(main(json.loads(sys.argv[1]))))
    except MobilennError as error:
        print(json.dumps({"error": type(error).__name__, "message": error.message}))
