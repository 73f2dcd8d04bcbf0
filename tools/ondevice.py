"""Trains files by themselves, beside Keras: the same losses, and five digits that a network never saw.

    python tools/ondevice.py --out tools/results/ondevice

1. The mlp recipe's network, untrained: 100 steps of descent, with momentum, and on batches larger than a call of
   `train` takes, in Keras, in the Interpreter and in CompiledModel. The same of VGG-11's dense layers behind frozen
   convolutions.
2. k-means on the digits of scikit-learn: Lloyd's iteration, step by step, beside scikit-learn's.
3. VGG-11 is trained on the digits 0 to 4. Its file, whose convolutions are frozen, learns 5 to 9 from twenty
   examples each; how many of its dense layers are trained is chosen on validation digits. Keras does the same.

Writes <out>.json and <out>.md.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
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
from mobilenn.runtime import lloyd, training
from mobilenn.runtime.host import HostSession
from mobilenn.runtime.training import Descent, TrainableFile

OWN = "Keras, behind its own convolutions"
APIS = {"Interpreter": "interpreter", "CompiledModel": "compiled_model"}
STEPS, SEED = 100, 7
ITERATIONS = 20  # of Lloyd's
STEADY = 1.0  # of a rate that `steady_rate` gives, less where there is momentum
KNOWN, NEW = range(5), range(5, 10)
EXAMPLES, EPOCHS, MOMENTUM, BATCH = 20, 40, 0.9, 20
DENSE_LAYERS = (1, 2, 3)  # of VGG's three: how many are trained
BASE = (f"config.classes={len(KNOWN)}",)  # what differs from the vgg recipe
Batches = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A hundred steps that Keras and a file take alike.

    Args:
        name: what kind of steps they are.
        recipe: whose network learns, without dropout.
        layers: dense layers that learn, counted from the output, from what the file's `prepare` gives Keras too; 0
            for all, which Keras trains from the images. Some start as in fine-tuning, the last of them blank.
        size: of the images, where the recipe's data are drawn larger than 28×28.
        samples: of a step.
        call: of a call of `train`, which sums up a larger step's.
        descent: the step.
    """

    name: str
    recipe: str = "mlp"
    layers: int = 0
    size: int = 28
    samples: int = 32
    call: int = 32
    descent: Descent


LESSONS = (
    Lesson(name="mlp, mini-batch descent", descent=Descent(learning_rate=0.1)),
    Lesson(name="mlp, with momentum", descent=Descent(learning_rate=0.02, momentum=0.9)),
    Lesson(name="mlp, four calls a step", samples=128, descent=Descent(learning_rate=0.1, momentum=0.5)),
    Lesson(name="VGG-11, mini-batch descent", recipe="vgg", layers=3, size=32, descent=Descent(learning_rate=STEADY)),
    Lesson(
        name="VGG-11, with momentum",
        recipe="vgg",
        layers=3,
        size=32,
        descent=Descent(learning_rate=STEADY, momentum=0.9),
    ),
)


def main() -> None:
    """Reads the options, measures, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="path of the results, without an ending")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "curves": [curve(lesson, Path(folder)) for lesson in LESSONS],
            "clusters": clusters(Path(folder)),
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


def curve(lesson: Lesson, folder: Path) -> dict[str, Any]:
    """A hundred steps of Keras, and of the file in both runtimes, from the same weights on the same samples."""
    import tf_keras as keras

    from mobilenn import networks
    from mobilenn.convert.head import find_head, head_model

    settings = lesson.descent
    recipe = recipes.load(lesson.recipe, ["config.dropout=0.0"])
    keras.utils.set_random_seed(SEED)
    model = networks.make(recipe.network, recipe.config)
    path = folder / f"{lesson.recipe}.tflite"
    written(model, Trainable(batch_size=lesson.call, layers=lesson.layers), path)
    batches = taken(datasets.load("mnist5k", {"size": lesson.size}, SEED).train, lesson.samples)
    with HostSession(path) as session:
        file = opened(session)
        seen = [training.prepared(file, {"image": images}) for images, _ in batches] if lesson.layers else []
    if lesson.layers:
        settings = replace(settings, learning_rate=(1 - settings.momentum) * training.steady_rate(np.concatenate(seen)))
    pupil = head_model(find_head(model, lesson.layers), blank=True) if lesson.layers else model
    pupil.compile(keras.optimizers.SGD(settings.learning_rate, settings.momentum), "sparse_categorical_crossentropy")
    taught = zip(seen or [images for images, _ in batches], [targets for _, targets in batches], strict=True)
    losses = {"Keras": [float(pupil.train_on_batch(given, targets)) for given, targets in taught]}
    for runtime, api in APIS.items():
        with HostSession(path, api=api) as session:
            losses[runtime] = file_losses(opened(session), batches, settings, blank=lesson.layers > 0)
    worst = {r: float(np.abs(np.subtract(losses[r], losses["Keras"])).max()) for r in APIS}
    return {
        "name": lesson.name,
        "samples": lesson.samples,
        "calls": -(-lesson.samples // lesson.call),
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


def file_losses(file: TrainableFile, batches: Batches, settings: Descent, blank: bool) -> list[float]:
    """The loss of every step that a file takes, its last layer blank at first or not."""
    state, losses = training.beginning(file, blank=blank), []
    for images, targets in batches:
        samples = training.prepared(file, {"image": images}), targets
        value, state = training.step(file, samples, state, settings)
        losses.append(value)
    return losses


def clusters(folder: Path) -> dict[str, Any]:
    """The inertia after each of Lloyd's iterations: scikit-learn's, and the file's in both runtimes."""
    from sklearn.cluster import KMeans

    from mobilenn import networks
    from mobilenn.convert.flatbuffer import to_flatbuffer
    from mobilenn.convert.lloyd import centroid_layer, lloyd_parts
    from mobilenn.tflite.merge import SIGNATURE, merge

    recipe = recipes.load("kmeans")
    rows = np.asarray(datasets.load("digits", {}, SEED).train.inputs["features"], np.float32)
    model = networks.make(recipe.network, recipe.config)
    generator, width = np.random.default_rng(SEED), recipe.config["clusters"]
    begin = rows[generator.choice(len(rows), width, replace=False)]
    begin += generator.normal(0, 0.01, begin.shape).astype(np.float32)  # whole numbers are often equally near to two
    centroid_layer(model).set_weights([begin])
    parts = {SIGNATURE: to_flatbuffer(model, Precision.FLOAT32), **lloyd_parts(model, Trainable(batch_size=32))}
    store.write_bytes(folder / "kmeans.tflite", merge(parts))
    inertia: dict[str, list[float]] = {"scikit-learn": []}
    for count in range(1, ITERATIONS + 1):
        with warnings.catch_warnings(action="ignore"):  # that it stopped early: it was told to
            found = KMeans(len(begin), init=begin, n_init=1, max_iter=count, tol=0.0).fit(rows)
        inertia["scikit-learn"].append(float(found.inertia_))
    for runtime, api in APIS.items():
        with HostSession(folder / "kmeans.tflite", api=api) as session:
            inertia[runtime] = moved(opened(session), rows)
    worst = {r: float(np.max(np.abs(np.divide(inertia[r], inertia["scikit-learn"]) - 1))) for r in APIS}
    return {"samples": len(rows), "clusters": len(begin), "inertia": inertia, "difference": worst}


def moved(file: TrainableFile, rows: np.ndarray) -> list[float]:
    """The inertia after each iteration that a file takes."""
    seen, centroids, inertia = training.prepared(file, {"features": rows}), lloyd.beginning(file), []
    for _ in range(ITERATIONS):
        _, centroids = lloyd.iterate(file, seen, centroids)
        distances = np.square(rows[:, None].astype(np.float64) - centroids).sum(2)
        inertia.append(float(distances.min(1).sum()))
    return inertia


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
            found = training.prepared(file, {"image": examples[0]})
            state, settings, losses[runtime] = learned(file, examples)
            accuracy[runtime] = judged(file, state, test)
    losses["Keras"], accuracy["Keras"] = keras_learned(model, count, (found, examples[1]), settings, test, True)
    losses[OWN], accuracy[OWN] = keras_learned(model, count, examples, settings, test, False)
    worst = {name: float(np.abs(np.subtract(losses[name], losses["Keras"])).max()) for name in (OWN, *APIS)}
    return {"losses": losses, "accuracy": accuracy, "difference": worst}


def keras_learned(
    model: Any, count: int, examples: tuple[np.ndarray, np.ndarray], settings: Descent, test: Split, ready: bool
) -> tuple[list[float], float]:
    """The same head on the same frozen base, trained by Keras on the same batches.

    Where they are `ready`, the examples are what the file's `prepare` has made of the images: then nothing but the
    training itself is compared, and not how the frozen convolutions round.
    """
    import tf_keras as keras

    from mobilenn.convert.head import find_head, head_model

    head = find_head(model, count)
    frozen = keras.Model(model.inputs, head.source)
    pupil = head_model(head, blank=True)
    pupil.compile(keras.optimizers.SGD(settings.learning_rate, settings.momentum), "sparse_categorical_crossentropy")
    images, targets = examples
    found = images if ready else frozen.predict(images.astype(np.float32), verbose=0)
    losses = []
    for number in range(EPOCHS):
        for rows in training.mini_batches(len(images), BATCH, (SEED, number)):
            losses.append(float(pupil.train_on_batch(found[rows], targets[rows])))
    said = pupil.predict(frozen.predict(test.inputs["image"].astype(np.float32), verbose=0), verbose=0)
    return losses, float(np.mean(said.argmax(1) == test.targets))


if __name__ == "__main__":
    main()
