"""Loops over a sequence file that weigh more than one text: beam search, and drawing by probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.core.vocabulary import END, PAD, START
from mobilenn.runtime.sequence import Arrays, Steps, check_length, checked_prompt, logs, read_prompt

LENGTH_POWER = 0.6  # of the length by which beam search divides


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """What beam search found.

    Args:
        tokens: said so far, `<end>` included.
        log_probability: of all of them.
        state: after the last one was chosen and before it is read.
    """

    tokens: tuple[int, ...]
    log_probability: float
    state: Arrays

    @property
    def score(self) -> float:
        """The logarithm divided by the length's power: without it, short texts would win."""
        return self.log_probability / ((5 + len(self.tokens)) / 6) ** LENGTH_POWER


def beam(steps: Steps, source: np.ndarray, length: int, width: int) -> list[Hypothesis]:
    """Follows the `width` best texts at once.

    Args:
        steps: the file.
        source: (1, S) int32.
        length: tokens to say at most, `<end>` included.
        width: texts followed; 1 is greedy search.

    Returns:
        At most `width` texts, the best score first; of equal ones the one with smaller numbers. What has
        not ended after `length` tokens counts as it stands.

    Raises:
        DataError: a length or a width out of range.

    Reference:
        Wu et al., Google's Neural Machine Translation System (2016), equation 14, without coverage.
    """
    check_length(steps, length, 1)
    if not 1 <= width <= 64:
        raise DataError(f"The beam is {width} wide.", "Allowed: 1 to 64.")
    open_ones = [Hypothesis(tokens=(), log_probability=0.0, state=steps.start(source, 1))]
    ended: list[Hypothesis] = []
    for _ in range(length):
        grown = [new for old in open_ones for new in _grown(steps, old, width)]
        grown = sorted(grown, key=lambda h: (-h.log_probability, h.tokens))[:width]
        ended += [h for h in grown if h.tokens[-1] == END]
        open_ones = [h for h in grown if h.tokens[-1] != END]
        if not open_ones or len(ended) >= width:
            break
    return sorted([*ended, *open_ones], key=lambda h: (-h.score, h.tokens))[:width]


def _grown(steps: Steps, old: Hypothesis, width: int) -> list[Hypothesis]:
    """The best continuations of one text by a token."""
    outputs, state = steps.step(np.array([old.tokens[-1] if old.tokens else START]), old.state)
    values = logs(outputs["probabilities"][0, END:])
    order = np.argsort(-values, kind="stable")[:width]
    return [
        Hypothesis(tokens=(*old.tokens, int(i) + END), log_probability=old.log_probability + values[i], state=state)
        for i in order
    ]


def sample(steps: Steps, prompt: np.ndarray, length: int, temperature: float, seed: int) -> np.ndarray:
    """Draws every token by its probability: for text that is to be different each time.

    Args:
        steps: a file without a source.
        prompt: (1, P) int32 tokens read first.
        length: tokens to say at most.
        temperature: probabilities are raised to its inverse: below 1 the probable become more so.
        seed: of numpy's PCG64, one `random()` a token.

    Returns:
        (1, length) int32; after `<end>`, padding.

    Raises:
        DataError: a length or a temperature out of range.
    """
    if not 0 < temperature <= 100:
        raise DataError(f"The temperature is {temperature}.", "Allowed: more than 0, 100 at most.")
    prompt = checked_prompt(prompt, 1)
    check_length(steps, length, prompt.shape[1])
    generator = np.random.default_rng(seed)
    outputs, state = read_prompt(steps, None, prompt)
    said = np.full((1, length), PAD, np.int32)
    for place in range(length):
        weights = logs(outputs["probabilities"][0, END:]) / temperature
        sums = np.cumsum(np.exp(weights - weights.max()))
        said[0, place] = END + np.searchsorted(sums, generator.random() * sums[-1], side="right")
        if place + 1 == length or said[0, place] == END:
            break
        outputs, state = steps.step(said[:, place], state)
    return said
