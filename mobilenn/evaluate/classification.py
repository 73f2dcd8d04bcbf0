"""Accuracy, and what stands behind it: confusion, per-class figures, top-k, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.evaluate import Evaluation, Figure, Predict
from mobilenn.evaluate._linear import foretold, standardised

FIGURES = {
    "accuracy": Figure(),
    "macro_f1": Figure(),
    "mean_confidence": Figure(),
    "calibration_error": Figure(higher_is_better=False),
    "top3_accuracy": Figure(where="there are more than five classes"),
}
CALIBRATION_BINS = 15
MAX_ITERATIONS = 10_000  # of logistic regression; standardised columns take a few dozen


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `probabilities`, (N, classes), by accuracy.

    The details hold `confusion` (rows are the truth), `per_class` (precision, recall, F1, support),
    `macro_f1`, `top3_accuracy` where there are more than five classes, `mean_confidence`, and
    `calibration_error`, the expected gap between confidence and accuracy over fifteen bins.

    Reference:
        Guo et al., On Calibration of Modern Neural Networks (ICML 2017), equation 3.
    """
    probabilities = np.asarray(predict(split.inputs)["probabilities"], np.float64)
    targets = np.asarray(split.targets)
    predicted = probabilities.argmax(-1)
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (targets, predicted), 1)
    rows = per_class(confusion, labels)
    confidence = probabilities.max(-1)
    details: dict[str, Any] = {
        "confusion": confusion.tolist(),
        "per_class": rows,
        "macro_f1": float(np.mean([row["f1"] for row in rows])),
        "mean_confidence": float(confidence.mean()),
        "calibration_error": calibration_error(confidence, predicted == targets),
    }
    if len(labels) > 5:
        top = np.argsort(-probabilities, axis=-1, kind="stable")[:, :3]
        details["top3_accuracy"] = float((top == targets[:, None]).any(-1).mean())
    value = float((predicted == targets).mean())
    return Evaluation(metric="accuracy", value=value, higher_is_better=True, details=details)


def majority(dataset: Any) -> float:
    """Accuracy on the test split of always naming the training split's most frequent class."""
    most_frequent = np.bincount(dataset.train.targets).argmax()
    return float((np.asarray(dataset.test.targets) == most_frequent).mean())


def linear(dataset: Any) -> float:
    """Accuracy on the test split of least squares, fitted to the training split's classes as 0 and 1."""
    scores = foretold(dataset, np.eye(len(dataset.labels))[dataset.train.targets])
    return float((scores.argmax(-1) == np.asarray(dataset.test.targets)).mean())


def logistic_regression(dataset: Any) -> float:
    """Accuracy on the test split of scikit-learn's logistic regression on standardised columns.

    Reference:
        Cox, The regression analysis of binary sequences (1958); with scikit-learn's own penalty, C = 1.
    """
    from sklearn.linear_model import LogisticRegression

    known, asked = standardised(dataset)
    fitted = LogisticRegression(max_iter=MAX_ITERATIONS).fit(known, np.asarray(dataset.train.targets))
    return float((fitted.predict(asked) == np.asarray(dataset.test.targets)).mean())


BASELINES = {"linear": linear, "logistic_regression": logistic_regression, "majority": majority}


def per_class(confusion: np.ndarray, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and support of each class; 0 where a class was never predicted or never true."""
    hits = np.diag(confusion).astype(np.float64)
    predicted, support = confusion.sum(0), confusion.sum(1)
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    recall = np.divide(hits, support, out=np.zeros_like(hits), where=support > 0)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(hits), where=total > 0)
    return [
        {
            "label": label,
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "support": int(support[i]),
        }
        for i, label in enumerate(labels)
    ]


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Expected calibration error: the gap between confidence and accuracy, weighted by bin size."""
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    gaps = [
        abs(confidence[bins == b].mean() - correct[bins == b].mean()) * (bins == b).mean()
        for b in range(CALIBRATION_BINS)
        if (bins == b).any()
    ]
    return float(np.sum(gaps))
