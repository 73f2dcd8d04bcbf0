"""Times our input pipeline and loop against a plain `model.fit(arrays)` of the same network, turn by turn."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn import data as datasets
from mobilenn import provenance
from mobilenn.core import recipe as recipes
from mobilenn.core import store

Seconds = list[tuple[float, float]]  # of each timed epoch: by the clock, and of all cores together
KINDS = ("wall", "cpu")


def main() -> None:
    """Reads the options, measures, prints a table and writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=["mlp", "alexnet"], help="classifiers; default: mlp alexnet")
    parser.add_argument("--samples", type=int, default=4000, help="training samples to use")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3, help="timed epochs a turn, after one that is not")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    if min(options.samples, options.batch_size, options.epochs, options.rounds) < 1:
        parser.error("every count is at least 1")
    rows = []
    for name in options.recipes:
        rows.append(measure(recipes.load(name), options))
        print(_line(rows[-1]), flush=True)
    if options.json:
        store.write_json(options.json, {"rows": rows, "environment": provenance.environment()})


def measure(recipe: recipes.Recipe, options: argparse.Namespace) -> dict[str, Any]:
    """Times both sides alternately; returns seconds an epoch of each, by the clock and of the processor.

    The processor's seconds tell the two apart even where other work disturbs the clock.

    Both see the same samples, batches, loss, metrics and validation. Ours also shuffles repeatably,
    emits events and writes a checkpoint an epoch: what a user of mobilenn really pays.
    """
    settings = dict(recipe.data)
    data = _first(datasets.load(settings.pop("name"), settings, recipe.seed), options.samples)
    sides: Mapping[str, Callable[[], Seconds]] = {
        "ours": lambda: ours(recipe, data, options),
        "plain": lambda: plain(recipe, data, options),
    }
    seconds: dict[str, Seconds] = {name: [] for name in sides}
    for turn in range(options.rounds):
        order = list(sides) if turn % 2 == 0 else list(sides)[::-1]
        for name in order:
            seconds[name] += sides[name]()
    row: dict[str, Any] = {"recipe": recipe.name, "samples": len(data.train), "batch_size": options.batch_size}
    for index, kind in enumerate(KINDS):
        by_side = {name: [epoch[index] for epoch in epochs] for name, epochs in seconds.items()}
        row[kind] = {f"{name}_min_s": min(values) for name, values in by_side.items()}
        row[kind] |= {f"{name}_median_s": statistics.median(values) for name, values in by_side.items()}
        for figure in ("min", "median"):
            row[kind][f"overhead_{figure}"] = row[kind][f"ours_{figure}_s"] / row[kind][f"plain_{figure}_s"] - 1
        row[kind] |= {f"{name}_s": values for name, values in by_side.items()}
    return row


def _first(data: datasets.Dataset, count: int) -> datasets.Dataset:
    """Returns the data with at most `count` training samples, all in memory."""
    rows = np.arange(min(count, len(data.train)))
    inputs = {name: np.asarray(array[rows]) for name, array in data.train.inputs.items()}
    return replace(data, train=datasets.Split(inputs=inputs, targets=data.train.targets[rows]))


def ours(recipe: recipes.Recipe, data: datasets.Dataset, options: argparse.Namespace) -> Seconds:
    """Seconds of each timed epoch through mobilenn."""
    from mobilenn.train.config import FitConfig
    from mobilenn.train.fit import FitRun, fit

    watch = clock()
    settings = FitConfig(epochs=options.epochs + 1, batch_size=options.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        run = FitRun(task="classification", seed=0, callbacks=(watch,), checkpoint_dir=Path(folder))
        fit(_model(recipe), data, settings, run)
    return watch.seconds()


def plain(recipe: recipes.Recipe, data: datasets.Dataset, options: argparse.Namespace) -> Seconds:
    """Seconds of each timed epoch of `model.fit` on the arrays."""
    model, watch = _model(recipe), clock()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        dict(data.train.inputs),
        data.train.targets,
        batch_size=options.batch_size,
        epochs=options.epochs + 1,
        validation_data=(dict(data.validation.inputs), data.validation.targets),
        validation_batch_size=options.batch_size,
        callbacks=[watch],
        verbose=0,
    )
    return watch.seconds()


def _model(recipe: recipes.Recipe) -> Any:
    import tf_keras as keras

    from mobilenn import networks
    from mobilenn.train.fit import repeatable

    keras.backend.clear_session()
    repeatable(0)
    return networks.make(recipe.network, recipe.config)


def clock() -> Any:
    """A Keras callback that notes when each epoch begins; the first epoch, which traces, is left out."""
    import tf_keras as keras

    class Clock(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.marks: Seconds = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.marks.append((time.perf_counter(), time.process_time()))

        def on_train_end(self, logs: Any = None) -> None:
            self.marks.append((time.perf_counter(), time.process_time()))

        def seconds(self) -> Seconds:
            return [tuple(epoch) for epoch in np.diff(self.marks, axis=0)[1:].tolist()]

    return Clock()


def _line(row: Mapping[str, Any]) -> str:
    lines = [f"{row['recipe']}, {row['samples']} samples, batches of {row['batch_size']}; seconds an epoch:"]
    for kind in KINDS:
        figures = row[kind]
        for figure in ("min", "median"):
            sides = "  ".join(f"{name} {figures[f'{name}_{figure}_s']:8.3f}" for name in ("ours", "plain"))
            lines.append(f"  {kind:<5} {figure:<7} {sides}  overhead {figures[f'overhead_{figure}']:+.1%}")
    return "\n".join(lines)


if __name__ == "__main__":
    from ended import ended

    ended(main)
