"""Exact match: the share of texts that a network says token for token."""

from __future__ import annotations

import numpy as np

from mobilenn.core.vocabulary import END, PAD
from mobilenn.evaluate import Evaluation, Figure, Predict

FIGURES = {
    "exact_match": Figure(),
    "token_accuracy": Figure(),
    "length_match": Figure(),
    "bits_per_token": Figure(higher_is_better=False),
}


def evaluate(predict: Predict, split: object, labels: tuple[str, ...]) -> Evaluation:
    """Judges `tokens`, (N, T), said by greedy search, by the share of texts that are right up to `<end>`.

    The details hold `token_accuracy`, over the places of the references; `length_match`, the share of texts of the
    right length; and `bits_per_token`, of the references where the network reads them.
    """
    targets = np.asarray(split.targets)
    found = predict(split.inputs)
    said = until_end(np.asarray(found["tokens"]))
    counted = targets != PAD
    details = {
        "token_accuracy": float((said == targets)[counted].mean()),
        "length_match": float(((said != PAD).sum(1) == counted.sum(1)).mean()),
        "bits_per_token": bits(found["log_probability"], counted),
    }
    value = float((said == targets).all(1).mean())
    return Evaluation(metric="exact_match", value=value, higher_is_better=True, details=details)


def until_end(tokens: np.ndarray) -> np.ndarray:
    """Texts with everything behind the first `<end>` turned into padding; (N, T)."""
    ended = np.cumsum(tokens == END, axis=1)
    return np.where((ended - (tokens == END)) > 0, PAD, tokens)


def bits(log_probability: np.ndarray, counted: np.ndarray) -> float:
    """Mean bits of the tokens that count; 0 where none does."""
    return float(-np.asarray(log_probability, np.float64)[counted].sum() / np.log(2) / max(counted.sum(), 1))
