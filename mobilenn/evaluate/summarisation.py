"""ROUGE-L: how much of a summary stands in the reference, in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mobilenn.core.vocabulary import END, PAD, UNKNOWN
from mobilenn.evaluate import Evaluation, Figure, Predict
from mobilenn.evaluate.translation import bits, until_end

FIGURES = {
    "rouge_l": Figure(),
    "rouge_l_precision": Figure(),
    "rouge_l_recall": Figure(),
    "mean_length": Figure(),
    "bits_per_token": Figure(higher_is_better=False),
}
SUMMARY, REFERENCE = -1, -2  # an unknown word of one is equal to none of the other


def evaluate(predict: Predict, split: Any, labels: tuple[str, ...]) -> Evaluation:
    """Judges `tokens`, (N, T), said by greedy search, by the mean F1 of ROUGE-L over the split.

    A text counts up to `<end>`; unknown words are equal to none. The details hold `rouge_l_recall`,
    `rouge_l_precision`, `mean_length` of what is said, and `bits_per_token` of the references.
    """
    targets = np.asarray(split.targets)
    found = predict(split.inputs)
    said = until_end(np.asarray(found["tokens"]))
    summaries, references = words(said, SUMMARY), words(targets, REFERENCE)
    scores = np.array([rouge_l(*pair) for pair in zip(summaries, references, strict=True)])
    details = {
        "rouge_l_precision": float(scores[:, 0].mean()),
        "rouge_l_recall": float(scores[:, 1].mean()),
        "mean_length": float(np.mean([len(summary) for summary in summaries])),
        "bits_per_token": bits(found["log_probability"], targets != PAD),
    }
    return Evaluation(metric="rouge_l", value=float(scores[:, 2].mean()), higher_is_better=True, details=details)


def lead(dataset: Any) -> float:
    """ROUGE-L of the first k words of each source; k is the one that is best on the training split."""
    most = dataset.train.targets.shape[1]
    best = max(range(1, most + 1), key=lambda k: _lead(dataset.train, k))
    return _lead(dataset.test, best)


BASELINES = {"lead": lead}


def _lead(split: Any, k: int) -> float:
    sources = words(np.asarray(split.inputs["source"]), SUMMARY)
    references = words(np.asarray(split.targets), REFERENCE)
    return float(np.mean([rouge_l(s[:k], r)[2] for s, r in zip(sources, references, strict=True)]))


def words(rows: np.ndarray, unknown: int) -> list[list[int]]:
    """The words of each row, without the special tokens; `unknown` stands for words that the vocabulary lacks."""
    return [[t if t > END else unknown for t in row if t > END or t == UNKNOWN] for row in rows.tolist()]


def rouge_l(summary: Sequence[int], reference: Sequence[int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of the longest common subsequence; 0 where one of them is empty.

    Reference:
        Lin, ROUGE: A Package for Automatic Evaluation of Summaries (2004), section 3, with β = 1.
    """
    common = longest_common(summary, reference)
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / len(summary), common / len(reference)
    return precision, recall, 2 * precision * recall / (precision + recall)


def longest_common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the longest sequence that stands in both in order, not necessarily side by side."""
    row = [0] * (len(second) + 1)
    for item in first:
        corner = 0
        for place, other in enumerate(second, 1):
            above = row[place]
            row[place] = corner + 1 if item == other else max(above, row[place - 1])
            corner = above
    return row[-1]
