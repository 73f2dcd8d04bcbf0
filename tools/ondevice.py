"""Trains files by themselves, beside Keras: the same losses, and five digits that a network never saw.

    python tools/ondevice.py --out tools/results/ondevice

1. The mlp recipe's network, untrained: 100 steps of descent, with momentum, and on batches larger than a call of
   `train` takes, in Keras, in the Interpreter and in CompiledModel.
2. VGG-11 is trained on the digits 0 to 4. Its file, whose convolutions are frozen, learns 5 to 9 from twenty
   examples each; how many of its dense layers are trained is chosen on validation digits. Keras does the same.

Writes <out>.json and <out>.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ondevice_table import markdown

from mobilenn import data as datasets
from mobilenn import provenance
from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.precision import Precision
from mobilenn.core.recipe import Trainable
from mobilenn.data import Dataset, Split
from mobilenn.runtime import training
from mobilenn.runtime.host import HostSession
from mobilenn.runtime.training import Descent, TrainableFile

APIS = {"Interpreter": "interpreter", "CompiledModel": "compiled_model"}
STEPS, SEED = 100, 7
CURVES = {  # samples of a step, of a call, and the step itself
    "mini-batch descent": (32, 32, Descent(learning_rate=0.1)),
    "mini-batch descent with momentum": (32, 32, Descent(learning_rate=0.02, momentum=0.9)),
    "batch descent, four calls a step": (128, 32, Descent(learning_rate=0.1, momentum=0.5)),
}
KNOWN, NEW = range(5), range(5, 10)
EXAMPLES, EPOCHS, MOMENTUM, BATCH = 20, 40, 0.9, 20
DENSE_LAYERS = (1, 2, 3)  # of VGG's three: how many are trained
BASE = (f"config.classes={len(KNOWN)}",)  # what differs from the vgg recipe
Batches = list[tuple[np.ndarray, np.ndarray]]


def main() -> None:
    """Reads the options, measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="path of the results, without an ending")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "curves": [curve(name, Path(folder)) for name in CURVES],
            "new_digits": new_digits(Path(folder)),
            "environment": provenance.environment(),
        }
    store.write_json(options.out.with_suffix(".json"), result)
    store.write_text(options.out.with_suffix(".md"), markdown(result))
    print(markdown(result))


def written(model: Any, settings: Trainable, path: Path) -> Path:
    """Writes a network's trainable file."""
    from mobilenn.convert.flatbuffer import to_flatbuffer
    from mobilenn.convert.training import training_parts
    from mobilenn.tflite.merge import SIGNATURE, merge

    main_part = to_flatbuffer(model, Precision.FLOAT32)
    store.write_bytes(path, merge({SIGNATURE: main_part, **training_parts(model, settings)}))
    return path


def opened(session: HostSession) -> TrainableFile:
    """A session's file, ready to be trained."""
    return training.trainable(session.signatures, session.runner)


def curve(name: str, folder: Path) -> dict[str, Any]:
    """A hundred steps of Keras, and of the file in both runtimes, from the same weights on the same samples."""
    import tf_keras as keras

    from mobilenn import networks

    size, call, settings = CURVES[name]
    recipe = recipes.load("mlp", ["config.dropout=0.0"])
    keras.utils.set_random_seed(SEED)
    model = networks.make(recipe.network, recipe.config)
    path = written(model, Trainable(batch_size=call), folder / "mlp.tflite")
    split = datasets.load("mnist5k", {}, SEED).train
    batches = taken(split, size)
    model.compile(keras.optimizers.SGD(settings.learning_rate, settings.momentum), "sparse_categorical_crossentropy")
    losses = {"Keras": [float(model.train_on_batch(images, targets)) for images, targets in batches]}
    for runtime, api in APIS.items():
        with HostSession(path, api=api) as session:
            losses[runtime] = file_losses(opened(session), batches, settings)
    worst = {r: float(np.abs(np.subtract(losses[r], losses["Keras"])).max()) for r in APIS}
    return {
        "name": name,
        "samples": size,
        "calls": -(-size // call),
        **vars(settings),
        "losses": losses,
        "difference": worst,
    }


def taken(split: Split, size: int) -> Batches:
    """The samples of each of the hundred steps."""

    def rows() -> Iterator[np.ndarray]:
        for number in range(STEPS):
            full = (rows for rows in training.mini_batches(len(split), size, (SEED, number)) if len(rows) == size)
            yield from full

    images = split.inputs["image"]
    return [(images[r].astype(np.float32), split.targets[r]) for r, _ in zip(rows(), range(STEPS), strict=False)]


def file_losses(file: TrainableFile, batches: Batches, settings: Descent) -> list[float]:
    """The loss of every step that a file takes."""
    state, losses = training.beginning(file), []
    for images, targets in batches:
        samples = training.prepared(file, {"image": images}), targets
        value, state = training.step(file, samples, state, settings)
        losses.append(value)
    return losses


def new_digits(folder: Path) -> dict[str, Any]:
    """What a file and Keras make of five digits after twenty examples of each."""
    recipe = recipes.load("vgg", BASE)
    everything = datasets.load("mnist5k", {"size": recipe.config["input_size"]}, SEED)
    model, known_accuracy = base(recipe, only(everything, KNOWN), folder)
    fresh = only(everything, NEW)
    rows = np.concatenate([np.flatnonzero(fresh.train.targets == c)[:EXAMPLES] for c in range(len(NEW))])
    examples = fresh.train.inputs["image"][rows], fresh.train.targets[rows]
    tried = []
    for count in DENSE_LAYERS:
        path = written(model, Trainable(batch_size=BATCH, layers=count), folder / f"vgg{count}.tflite")
        with HostSession(path) as session:
            file = opened(session)
            state, settings, _ = learned(file, examples)
            accuracy = judged(file, state, fresh.validation)
        tried.append({"layers": count, "validation": accuracy, "learning_rate": settings.learning_rate})
    count = max(tried, key=lambda row: row["validation"])["layers"]
    return {
        "known": {"digits": list(KNOWN), "accuracy": known_accuracy},
        "digits": list(NEW),
        "examples": EXAMPLES,
        "epochs": EPOCHS,
        "momentum": MOMENTUM,
        "tried": tried,
        "layers": count,
        "test_digits": len(fresh.test),
        "size_bytes": (folder / f"vgg{count}.tflite").stat().st_size,
        **compared(model, count, folder / f"vgg{count}.tflite", examples, fresh.test),
    }


def only(data: Dataset, classes: range) -> Dataset:
    """The digits of some classes, which are numbered anew."""

    def chosen(split: Split) -> Split:
        rows = np.isin(split.targets, classes)
        inputs = {name: array[rows] for name, array in split.inputs.items()}
        return Split(inputs=inputs, targets=split.targets[rows] - classes.start)

    parts = {name: chosen(getattr(data, name)) for name in ("train", "validation", "test")}
    return replace(data, labels=tuple(data.labels[c] for c in classes), **parts)


def base(recipe: recipes.Recipe, data: Dataset, folder: Path) -> tuple[Any, float]:
    """Trains the network that is frozen afterwards; its accuracy on the test digits that it knows."""
    from mobilenn.core.records import from_dict
    from mobilenn.train.config import TrainConfig
    from mobilenn.train.supervised import TrainRequest, train

    request = TrainRequest(
        network=recipe.network,
        config=recipe.config,
        task=recipe.task,
        settings=from_dict(TrainConfig, recipe.train, "[train]"),
        seed=recipe.seed,
        out_dir=folder,
    )
    model = train(request, data).model
    said = model.predict(data.test.inputs["image"].astype(np.float32), verbose=0)
    return model, float(np.mean(said.argmax(1) == data.test.targets))


def learned(
    file: TrainableFile, examples: tuple[np.ndarray, np.ndarray]
) -> tuple[Mapping[str, np.ndarray], Descent, list[float]]:
    """Has a file learn examples, its last layer blank at first; the state after it, the step, the losses."""
    images, targets = examples
    found = training.prepared(file, {"image": images})
    settings = Descent(learning_rate=training.steady_rate(found), momentum=MOMENTUM)
    state, losses = training.beginning(file, blank=True), []
    for number in range(EPOCHS):
        values, state = training.epoch(file, (found, targets), state, settings, (SEED, number))
        losses += values
    return state, settings, losses


def judged(file: TrainableFile, state: Mapping[str, np.ndarray], split: Split) -> float:
    """Accuracy of a file with the weights of a state."""
    said = training.predict(file, split.inputs, state)
    return float(np.mean(said.argmax(1) == split.targets))


def compared(
    model: Any, count: int, path: Path, examples: tuple[np.ndarray, np.ndarray], test: Split
) -> dict[str, Any]:
    """Losses and accuracy on the test digits: the file's in both runtimes, and Keras'."""
    losses, accuracy = {}, {}
    for runtime, api in APIS.items():
        with HostSession(path, api=api) as session:
            file = opened(session)
            state, settings, losses[runtime] = learned(file, examples)
            accuracy[runtime] = judged(file, state, test)
    losses["Keras"], accuracy["Keras"] = keras_learned(model, count, examples, settings, test)
    worst = {r: float(np.abs(np.subtract(losses[r], losses["Keras"])).max()) for r in APIS}
    return {"losses": losses, "accuracy": accuracy, "difference": worst}


def keras_learned(
    model: Any, count: int, examples: tuple[np.ndarray, np.ndarray], settings: Descent, test: Split
) -> tuple[list[float], float]:
    """The same head on the same frozen base, trained by Keras on the same batches."""
    import tf_keras as keras

    from mobilenn.convert.head import find_head, head_model

    head = find_head(model, count)
    frozen = keras.Model(model.inputs, head.source)
    pupil = head_model(head, blank=True)
    pupil.compile(keras.optimizers.SGD(settings.learning_rate, settings.momentum), "sparse_categorical_crossentropy")
    images, targets = examples
    found = frozen.predict(images.astype(np.float32), verbose=0)
    losses = []
    for number in range(EPOCHS):
        for rows in training.mini_batches(len(images), BATCH, (SEED, number)):
            losses.append(float(pupil.train_on_batch(found[rows], targets[rows])))
    said = pupil.predict(frozen.predict(test.inputs["image"].astype(np.float32), verbose=0), verbose=0)
    return losses, float(np.mean(said.argmax(1) == test.targets))


if __name__ == "__main__":
    main()
