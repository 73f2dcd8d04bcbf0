"""The scheme `clustering`: k-means++ and Lloyd's iteration, from several starts, the best one kept."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import tf_keras as keras

from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.train.checkpoint import Snapshot
from mobilenn.train.config import TrainConfig, check_taken
from mobilenn.train.events import Events
from mobilenn.train.fit import FitRun

_TAKEN = ("deterministic", "epochs", "scheme", "starts")
_ROWS = 4096  # whose distances are held at a time


@dataclass(frozen=True, kw_only=True)
class Clustered:
    """Where one start ended.

    Args:
        centroids: (clusters, F) float64.
        nearest: the centroid of each training row, (N,) int64.
        course: after each iteration, the mean squared distance of the training rows to their centroids.
        path: the centroids after each iteration.
    """

    centroids: np.ndarray
    nearest: np.ndarray
    course: tuple[float, ...]
    path: tuple[np.ndarray, ...]


def train_clustering(model: keras.Model, data: Dataset, settings: TrainConfig, run: FitRun) -> Snapshot:
    """Places the centroids of a network like `mobilenn.networks.kmeans`, in place.

    It takes seconds, so that a killed run starts anew. Labels have no say in where the centroids lie: they only
    number the clusters, such that as many training rows as possible lie in the cluster of their class's number.
    Without labels the largest cluster comes first.

    Args:
        model: with a layer `distances` whose weight is the centroids.
        data: `train` is clustered, `validation` watched.
        settings: `starts`, and `epochs`, the most iterations a start.
        run: task, seed and events.

    Returns:
        The last snapshot; its history is that of the best start.

    Raises:
        RecipeError: another task or network, or a setting that means nothing here.
        DataError: fewer different rows than clusters.

    Reference:
        Lloyd, Least squares quantization in PCM (1982); Arthur and Vassilvitskii, k-means++ (SODA 2007).
    """
    check_taken(settings, _TAKEN)
    layer = next((layer for layer in model.layers if layer.name == "distances"), None)
    if run.task != "clustering" or layer is None:
        message = f"The scheme clustering cannot train {model.name} for the task {run.task}."
        raise RecipeError(message, 'Allowed: network = "kmeans", task = "clustering".')
    began = time.monotonic()
    rows = _rows(data.train)
    count = int(layer.centroids.shape[0])
    if len(np.unique(rows, axis=0)) < count:
        raise DataError(f"The training split has fewer than {count} different rows.", "Lower config.clusters.")
    events = Events(run.emit, run.stage, settings.starts, 1)
    best: Clustered | None = None
    for start in range(settings.starts):
        found = descend(rows, plus_plus(rows, count, np.random.default_rng([run.seed, start])), settings.epochs)
        best = found if best is None or found.course[-1] < best.course[-1] else best
        if events.due(start, 1):
            events.tell(start, 1, {"loss": best.course[-1]})
    layer.set_weights([best.centroids[numbering(best.nearest, count, data)].astype(np.float32)])
    history = {"loss": list(best.course), "val_loss": _watched(best, data.validation)}
    return Snapshot(epoch=len(best.course), history=history, seconds=time.monotonic() - began)


def plus_plus(rows: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draws rows to start from, each in proportion to its squared distance from those drawn before; (count, F)."""
    drawn = [rows[generator.integers(len(rows))]]
    closest = ((rows - drawn[0]) ** 2).sum(1)
    while len(drawn) < count:
        drawn.append(rows[generator.choice(len(rows), p=closest / closest.sum())])
        closest = np.minimum(closest, ((rows - drawn[-1]) ** 2).sum(1))
    return np.stack(drawn)


def descend(rows: np.ndarray, centroids: np.ndarray, iterations: int) -> Clustered:
    """Lloyd's iteration: rows to their nearest centroid, centroids to the mean of their rows, until none moves.

    A centroid that loses all its rows goes to the row that lies farthest from its own.

    Args:
        rows: (N, F) float64.
        centroids: to start from, (clusters, F).
        iterations: the most.
    """
    nearest, distance = assigned(rows, centroids)
    course, path = [], []
    for _ in range(iterations):
        counts = np.bincount(nearest, minlength=len(centroids))
        sums = np.zeros_like(centroids)
        np.add.at(sums, nearest, rows)
        centroids = sums / np.maximum(counts, 1)[:, None]
        centroids[counts == 0] = rows[np.argsort(-distance)[: (counts == 0).sum()]]
        before = nearest
        nearest, distance = assigned(rows, centroids)
        course.append(float(distance.mean()))
        path.append(centroids)
        if np.array_equal(before, nearest):
            break
    return Clustered(centroids=centroids, nearest=nearest, course=tuple(course), path=tuple(path))


def assigned(rows: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest centroid of each row, the first of equally near ones, (N,); and its squared distance, (N,)."""
    nearest, distance = [], []
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        squares = (part**2).sum(1)[:, None] + (centroids**2).sum(1) - 2 * part @ centroids.T
        nearest.append(squares.argmin(1))
        distance.append(np.maximum(squares.min(1), 0.0))
    return np.concatenate(nearest), np.concatenate(distance)


def numbering(nearest: np.ndarray, count: int, data: Dataset) -> np.ndarray:
    """The order in which the centroids are numbered, (clusters,); see `train_clustering`."""
    if not data.labels:
        return np.argsort(-np.bincount(nearest, minlength=count), kind="stable")
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((len(data.labels), count))
    np.add.at(shared, (data.train.targets, nearest), 1)
    return linear_sum_assignment(-shared)[1]


def _rows(split: Split) -> np.ndarray:
    return np.asarray(split.inputs["features"][np.arange(len(split))], np.float64)


def _watched(best: Clustered, split: Split) -> list[float]:
    rows = _rows(split)
    return [float(assigned(rows, centroids)[1].mean()) for centroids in best.path]
