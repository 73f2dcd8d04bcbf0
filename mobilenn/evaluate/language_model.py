"""Bits per character: how well a network foretells text."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobilenn.core.vocabulary import PAD
from mobilenn.evaluate import Evaluation, Figure, Predict
from mobilenn.evaluate._ngram import bits_per_token, rows_of
from mobilenn.evaluate.translation import bits

FIGURES = {"bits_per_character": Figure(higher_is_better=False), "accuracy": Figure()}
ORDER = 5  # of the model that only counts
PLACES = 8  # equal parts of a window whose bits are told apart


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `log_probability`, (N, T), by the mean bits of the windows' own tokens, from the second on.

    Every window starts anew, from a state of zeros, so what stands late in one is easier. The details hold
    `accuracy` (the most probable token is the right one) and `bits_by_place`: of each eighth of the windows.
    """
    tokens = np.asarray(split.inputs["tokens"])
    found = predict(split.inputs)
    expected, scores = tokens[:, 1:], np.asarray(found["log_probability"])[:, :-1]
    counted = expected != PAD
    parts = np.array_split(np.arange(expected.shape[1]), min(PLACES, expected.shape[1]))
    details = {
        "accuracy": float((np.asarray(found["tokens"])[:, :-1] == expected)[counted].mean()),
        "bits_by_place": [bits(scores[:, part], counted[:, part]) for part in parts],
    }
    value = bits(scores, counted)
    return Evaluation(metric="bits_per_character", value=value, higher_is_better=False, details=details)


def five_gram(dataset: Any) -> float:
    """Bits per character of a 5-gram model that has counted the training split, on the windows of the test."""
    known = rows_of(np.asarray(dataset.train.inputs["tokens"]), dataset.train.targets)
    return bits_per_token(known, np.asarray(dataset.test.inputs["tokens"]), ORDER, _size(dataset))


BASELINES = {"five_gram": five_gram}


def _size(dataset: Any) -> int:
    return len(dataset.preprocessing["vocabulary"]["tokens"])
