"""Times epochs of training on this machine's processor and on its GPU, in turn; values are random, only time counts.

python tools/benchmark_gpu.py alexnet lstm --published vgg

Each side runs in a process of its own that stays warm; the first epoch of a turn, which traces and tunes, is left
out. `--published` names networks to time in the size of their paper.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
from benchmark_training import clock

from mobilenn import provenance
from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import MobilennError
from mobilenn.report.tables import text_table

RESULTS = Path(__file__).resolve().parent / "results"
HIDDEN = {"cpu": "-1", "gpu": "0"}  # CUDA_VISIBLE_DEVICES
SIDES = (("cpu", "float32"), ("gpu", "float32"), ("gpu", "mixed_float16"))
HEADS = ("network", "samples", "batch", "s, CPU", "s, GPU", "times", "s, GPU in float16", "times")


@dataclass(frozen=True, kw_only=True)
class Job:
    """A network to train on random values.

    Args:
        network: a name of mobilenn.networks.
        config: its config; none is the published size.
        task: what it is trained for.
        samples: of an epoch.
        batch_size: of a step.
        epochs: that are timed, after one that is not.
        precision: of the layers.
    """

    network: str
    config: Mapping[str, Any]
    task: str
    samples: int
    batch_size: int
    epochs: int
    precision: str


def main() -> None:
    """Reads the options, measures, prints a table and writes it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", help="in the size of their recipe")
    parser.add_argument("--published", nargs="*", default=[], metavar="NETWORK", help="in the size of their paper")
    parser.add_argument("--samples", type=int, nargs=2, default=(2048, 128), help="of an epoch; and of a published one")
    parser.add_argument("--epochs", type=int, default=3, help="timed epochs a turn")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each side")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with pool("cpu") as cpu, pool("gpu") as gpu:
        name = gpu.submit(gpu_name).result()
        found: dict[str, Any] = {"rows": [], "environment": {**provenance.environment(), "gpu": name}}
        for title, job in jobs(options):
            found["rows"].append(row(title, job, {"cpu": cpu, "gpu": gpu}, options.rounds))
            store.write_json(options.results / "gpu.json", found)
            store.write_text(options.results / "gpu.md", page(found))
    print(page(found))


def jobs(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is timed: a title, and a Job's fields without its precision."""
    for name in options.recipes:
        recipe = recipes.load(name)
        sized = {"samples": options.samples[0], "batch_size": 64, "epochs": options.epochs}
        yield name, {"network": recipe.network, "config": dict(recipe.config), "task": recipe.task, **sized}
    for name in options.published:
        sized = {"samples": options.samples[1], "batch_size": 32, "epochs": options.epochs}
        yield f"{name}, as published", {"network": name, "config": {}, "task": "classification", **sized}


def pool(device: str) -> ProcessPoolExecutor:
    """One process, warm from job to job, that sees the GPU or does not."""
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=_see, initargs=(device,))


def _see(device: str) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = HIDDEN[device]
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def gpu_name() -> str:
    """What the GPU calls itself.

    Raises:
        MobilennError: TensorFlow sees none.
    """
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    if not found:
        raise MobilennError("TensorFlow sees no GPU.", "Type: mobilenn doctor")
    return tf.config.experimental.get_device_details(found[0])["device_name"]


def row(title: str, job: dict[str, Any], pools: Mapping[str, Any], rounds: int) -> dict[str, Any]:
    """Seconds of each timed epoch by side, all sides in turn."""
    seconds: dict[str, list[float]] = {f"{device}_{precision}": [] for device, precision in SIDES}
    for turn in range(rounds):
        with click.progressbar(
            SIDES[:: 1 if turn % 2 == 0 else -1], label=f"{title}, {turn + 1}", file=sys.stderr
        ) as bar:
            for device, precision in bar:
                made = pools[device].submit(epochs, asdict(Job(**job, precision=precision))).result()
                seconds[f"{device}_{precision}"] += made
    kept = {key: job[key] for key in ("samples", "batch_size")}
    figures = {name: {"min": min(v), "median": statistics.median(v), "all": v} for name, v in seconds.items()}
    return {"title": title, **kept, "epoch_s": figures}


def epochs(fields: dict[str, Any]) -> list[float]:
    """Seconds of each timed epoch of a Job."""
    import tf_keras as keras

    from mobilenn import networks
    from mobilenn.data import Dataset, Split
    from mobilenn.train.config import FitConfig
    from mobilenn.train.fit import FitRun, fit, repeatable
    from mobilenn.train.supervised import precision

    job, watch = Job(**fields), clock()
    keras.backend.clear_session()
    repeatable(0)
    with precision(job.precision):
        model = networks.make(job.network, job.config)
    inputs, targets = values(model, job.samples)
    whole = Split(inputs=inputs, targets=targets)
    few = Split(
        inputs={name: array[: job.batch_size] for name, array in inputs.items()}, targets=targets[: job.batch_size]
    )
    data = Dataset(train=whole, validation=few, test=few, labels=(), description="random.", preprocessing={})
    settings = FitConfig(epochs=job.epochs + 1, batch_size=job.batch_size, learning_rate=1e-5)
    fit(model, data, settings, FitRun(task=job.task, seed=0, callbacks=(watch,)))
    return [wall for wall, _ in watch.seconds()]


def values(model: Any, count: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Inputs as a model takes them, pixels, sound or tokens, and a class for each sample."""
    generator = np.random.default_rng(0)
    made = {}
    for name, tensor in zip(model.input_names, model.inputs, strict=True):
        shape = (count, *tensor.shape[1:])
        pixels = name in ("image", "clip")
        whole = generator.integers(0, 256 if pixels else 20, shape)
        made[name] = whole.astype(np.uint8 if pixels else tensor.dtype.as_numpy_dtype)
    return made, generator.integers(0, model.outputs[0].shape[-1], count)


def page(found: Mapping[str, Any]) -> str:
    """The table, as Markdown."""
    body = [_cells(row) for row in found["rows"]]
    machine = found["environment"]
    said = (
        "Median seconds of an epoch, and how many times faster that is than the CPU. "
        f"{machine['gpu']} against {machine['cores']} cores of {machine['cpu']}. "
        "Only operations that repeat bit for bit were allowed; float32 keeps all bits, there is no TF32."
    )
    return f"# Training on a GPU\n\n{text_table(HEADS, body, left=1)}\n\n{said}\n"


def _cells(row: Mapping[str, Any]) -> Sequence[str]:
    cpu, *others = (row["epoch_s"][f"{device}_{precision}"]["median"] for device, precision in SIDES)
    timed = [cell for value in others for cell in (f"{value:.3f}", f"{cpu / value:.1f}×")]
    return [row["title"], str(row["samples"]), str(row["batch_size"]), f"{cpu:.3f}", *timed]


if __name__ == "__main__":
    from ended import ended

    ended(main)
