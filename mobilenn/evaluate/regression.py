"""R², and the errors behind it in the target's own unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.evaluate import Evaluation, Figure, Predict
from mobilenn.evaluate._linear import foretold

FIGURES = {"r2": Figure(), "mae": Figure(higher_is_better=False), "rmse": Figure(higher_is_better=False)}
MAX_POINTS = 500  # of truth and prediction, for the report's scatter plot


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `value`, (N, d), by R² = 1 − residual sum of squares / total sum of squares.

    The details hold `mae`, `rmse`, `residual_quantiles` (5, 25, 50, 75 and 95 %) and `points`
    (truth and prediction of the first output, at most 500).
    """
    truth = np.asarray(split.targets, np.float64).reshape(len(split.targets), -1)
    made = np.asarray(predict(split.inputs)["value"], np.float64).reshape(truth.shape)
    residual = made - truth
    total = ((truth - truth.mean(0)) ** 2).sum()
    value = float(1 - (residual**2).sum() / total) if total > 0 else 0.0
    quantiles = np.quantile(residual, [0.05, 0.25, 0.5, 0.75, 0.95])
    points = np.stack([truth[:, 0], made[:, 0]], 1)[:MAX_POINTS]
    details = {
        "mae": float(np.abs(residual).mean()),
        "rmse": float(np.sqrt((residual**2).mean())),
        "residual_quantiles": [float(q) for q in quantiles],
        "points": [[float(a), float(b)] for a, b in points],
    }
    return Evaluation(metric="r2", value=value, higher_is_better=True, details=details)


def linear_regression(dataset: Any) -> float:
    """R² on the test split of the linear regression that least squares fits to the training split."""
    targets = np.asarray(dataset.train.targets).reshape(len(dataset.train.targets), -1)
    return evaluate(lambda _: {"value": foretold(dataset, targets)}, dataset.test, ()).value


BASELINES = {"linear_regression": linear_regression}
