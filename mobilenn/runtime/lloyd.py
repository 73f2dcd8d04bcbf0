"""How an app moves a file's centroids: the reference of the loop around the signatures of mobilenn.convert.lloyd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.runtime.sequence import Arrays
from mobilenn.runtime.training import NEXT, PREPARED, TrainableFile, filled, prepared

CENTROIDS, SHARES, SUMS = "centroids", "shares", "sums"


def beginning(file: TrainableFile) -> np.ndarray:
    """The file's own centroids, (clusters, F) float32."""
    return np.array(file.initial_weights({"gain": np.ones(1, np.float32)})[CENTROIDS])


def iterate(file: TrainableFile, rows: np.ndarray, centroids: np.ndarray) -> tuple[float, np.ndarray]:
    """One of Lloyd's iterations over any number of rows, as many a call as `train` takes.

    Args:
        file: as `training.trainable` opened it.
        rows: (N, F) float32 of `training.prepared`.
        centroids: (clusters, F) float32; one that no row is nearest to stays where it is.

    Returns:
        The mean squared distance of the rows to their centroids before, and the centroids after.

    Raises:
        DataError: no row, rows of another width, or values that are not finite.
    """
    rows, batch = np.asarray(rows, np.float32), file.batch_size
    width = file.inputs[PREPARED].shape[1]
    if rows.ndim != 2 or rows.shape[1] != width or not len(rows) or not np.isfinite(rows).all():
        message = f"The rows have shape {rows.shape}, or values that are not finite."
        raise DataError(message, f"Allowed: (N, {width}) as `prepare` gives them, N at least 1.")
    held = {name: np.zeros(file.inputs[name].shape, np.float32) for name in (SHARES, SUMS)}
    loss = 0.0
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        share = np.full(len(part), 1 / len(rows), np.float32)
        given = {PREPARED: filled(part, batch), "share": filled(share, batch), CENTROIDS: centroids}
        outputs = file.train({**given, **held})
        held = {name: outputs[f"{NEXT}{name}"] for name in (SHARES, SUMS)}
        loss += float(outputs["loss"][0])
    return loss, outputs[f"{NEXT}{CENTROIDS}"]


def lesson_losses(file: TrainableFile, inputs: Arrays, lesson: Mapping[str, Any]) -> list[float]:
    """The losses of a file that is taught a golden lesson, as many iterations as that has `losses`."""
    rows, centroids, losses = prepared(file, inputs), beginning(file), []
    for _ in lesson["losses"]:
        value, centroids = iterate(file, rows, centroids)
        losses.append(value)
    return losses
