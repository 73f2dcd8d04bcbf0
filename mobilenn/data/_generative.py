"""What a generator of images and its judge learn from, made of a labelled set of images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Dataset, Split

NEITHER = "neither"  # the class of an image that shows none of the others
VALIDATION, TEST = 500, 1000  # latents
_SHARE = 0.25  # of impostors, against the images of a split
_BLOCKS = 4  # a side that is cut up and put together anew

Judge = Callable[[Mapping[str, Any]], dict[str, np.ndarray]]


def prepared(dataset: Dataset, role: Mapping[str, Any], seed: int, opened: Callable[[Path], Judge]) -> Dataset:
    """Returns a dataset as a network of some role takes it.

    Args:
        dataset: as it was loaded.
        role: nothing leaves it as it is; `judges` makes it a judge's; `generates`, the length of the latents, and
            `judge`, the path of the judge's file, make it a generator's.
        seed: of the run.
        opened: makes a judge of its file, such as mobilenn.runtime.judge.judge.
    """
    if "generates" in role:
        return for_generator(dataset, role["generates"], seed, opened(Path(role["judge"])))
    return for_judge(dataset, seed) if "judges" in role else dataset


def for_generator(dataset: Dataset, latent: int, seed: int, judge: Judge) -> Dataset:
    """Returns splits of `latent` (N, latent) float32 of N(0, 1), without targets.

    Each split's `context` holds `images`, the real ones of that part, (M, H, W, C) uint8, and their `classes`, (M,);
    `known`, the images of the training split; `labels`; and `judge`. The test latents do not depend on the seed.

    Args:
        dataset: with an input `image` and labels.
        latent: numbers that an image is made of.
        seed: of the latents to train and validate with.
        judge: takes `image`, and gives `probabilities` and `features`; see mobilenn.evaluate.generation.

    Raises:
        DataError: the data have no labels.
        RecipeError: the data are no images.
    """
    check(dataset)
    known = pictures(dataset.train)
    draws = (("train", len(known), [seed, 1]), ("validation", VALIDATION, [seed, 2]), ("test", TEST, [3]))
    splits = {}
    for part, count, key in draws:
        values = np.random.default_rng([*key, 1016]).standard_normal((count, latent), np.float32)
        source = getattr(dataset, part)
        images = known if part == "train" else pictures(source)
        real = {"images": images, "classes": source.targets, "known": known}
        context = {**real, "labels": dataset.labels, "judge": judge}
        targets = np.zeros((count, 0), np.float32)
        splits[part] = Split(inputs={"latent": values}, targets=targets, context=context)
    made = {"latent": "N(0, 1)", "length": latent, "makes": dict(dataset.preprocessing)}
    return Dataset(**splits, labels=(), description=dataset.description, preprocessing=made)


def for_judge(dataset: Dataset, seed: int) -> Dataset:
    """Returns the images with a class more: impostors, one for every four of them.

    A classifier that knows nothing but digits calls anything a digit, and is sure of it. Impostors are noise from
    coarse to fine, images in blocks in another order, and two images of different classes on top of each other.

    Args:
        dataset: with an input `image` and labels.
        seed: of the impostors of the training and validation splits.

    Raises:
        DataError: the data have no labels.
        RecipeError: the data are no images.

    Reference:
        Hendrycks, Mazeika and Dietterich, Deep Anomaly Detection with Outlier Exposure (ICLR 2019), for the idea
        of showing a classifier what it is not to recognise.
    """
    check(dataset)
    keys = {"train": [seed, 1], "validation": [seed, 2], "test": [3]}
    splits = {}
    for part, key in keys.items():
        split = getattr(dataset, part)
        images, generator = pictures(split), np.random.default_rng([*key, 2019])
        strange = impostors(images, split.targets, max(3, round(_SHARE * len(images))), generator)
        targets = np.concatenate([split.targets, np.full(len(strange), len(dataset.labels), np.int64)])
        splits[part] = replace(split, inputs={"image": np.concatenate([images, strange])}, targets=targets)
    return replace(dataset, **splits, labels=(*dataset.labels, NEITHER))


def check(dataset: Dataset) -> None:
    """Raises what a set lacks that a generator shall learn from."""
    if list(dataset.train.inputs) != ["image"]:
        given = ", ".join(dataset.train.inputs)
        raise RecipeError(
            f"The task generation learns from images; the data give {given}.", 'Such as: name = "mnist5k".'
        )
    if not dataset.labels:
        raise DataError(
            "The data have no labels, so that no judge can learn what their images show.",
            "Give a folder of images with one folder a class.",
        )


def pictures(split: Split) -> np.ndarray:
    """A split's images in memory, (N, H, W, C) uint8."""
    return np.asarray(split.inputs["image"][np.arange(len(split))], np.uint8)


def impostors(images: np.ndarray, targets: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Makes `count` images that look a little like real ones, and show none of the classes; three kinds in turn.

    Args:
        images: real ones, (N, H, W, C) uint8.
        targets: their classes, (N,).
        count: how many to make.
        generator: of everything random.
    """
    kinds = (_noise, _puzzle, _blend)
    return np.stack([kinds[number % len(kinds)](images, targets, generator) for number in range(count)])


def _noise(images: np.ndarray, targets: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Squares of random brightness, from a quarter of the image down to a pixel."""
    height, width, channels = images.shape[1:]
    cells = int(2 ** generator.integers(1, int(np.log2(min(height, width))) + 1))
    values = generator.integers(0, generator.integers(2, 257), (cells, cells, channels))
    rows, columns = np.arange(height) * cells // height, np.arange(width) * cells // width
    return values[rows][:, columns].astype(np.uint8)


def _puzzle(images: np.ndarray, targets: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """An image whose blocks have changed places; what is left over at the edge stays."""
    made = images[generator.integers(len(images))].copy()
    height, width = made.shape[0] // _BLOCKS, made.shape[1] // _BLOCKS
    places = [(r * height, c * width) for r in range(_BLOCKS) for c in range(_BLOCKS)]
    blocks = [made[r : r + height, c : c + width].copy() for r, c in places]
    for (r, c), source in zip(places, generator.permutation(len(places)), strict=True):
        made[r : r + height, c : c + width] = blocks[source]
    return made


def _blend(images: np.ndarray, targets: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The brighter of each pixel of two images of different classes; of a single class, two of its images."""
    first = generator.integers(len(images))
    others = np.flatnonzero(targets != targets[first])
    second = generator.choice(others) if len(others) else generator.integers(len(images))
    return np.maximum(images[first], images[second])
