"""Loops over a sequence file that weigh more than one text: beam search, and drawing by probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.core.vocabulary import END, PAD
from mobilenn.runtime.sequence import Arrays, Steps, check_length, checked_prompt, logs, read_prompt

LENGTH_POWER = 0.6  # of the length by which beam search divides
MAX_WIDTH, MAX_TEMPERATURE = 64, 100.0


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """A text that beam search follows.

    Args:
        tokens: said so far, `<end>` included.
        log_probability: of all of them.
        last: the token to read next.
        state: before it is read.
    """

    tokens: tuple[int, ...]
    log_probability: float
    last: int
    state: Arrays

    @property
    def score(self) -> float:
        """The logarithm divided by the length's power: without it, short texts would win."""
        return self.log_probability / ((5 + len(self.tokens)) / 6) ** LENGTH_POWER


def beam(
    steps: Steps, source: np.ndarray | None, length: int, width: int, prompt: np.ndarray | None = None
) -> list[Hypothesis]:
    """Follows the `width` most probable texts at once.

    Args:
        steps: the file.
        source: (1, S) int32, or None.
        length: tokens to say at most, `<end>` included.
        width: texts followed; 1 is greedy search.
        prompt: (1, P) int32 tokens read first; None reads `<start>` alone.

    Returns:
        At most `width` texts, the best score first; of equal ones the one with smaller numbers. What has
        not ended after `length` tokens counts as it stands.

    Raises:
        DataError: a length or a width out of range.

    Reference:
        Wu et al., Google's Neural Machine Translation System (2016), equation 14, without coverage.
    """
    if not 1 <= width <= MAX_WIDTH:
        raise DataError(f"The beam is {width} wide.", f"Allowed: 1 to {MAX_WIDTH}.")
    prompt = checked_prompt(prompt, 1)
    check_length(steps, length, prompt.shape[1])
    state = steps.start(source, 1) if prompt.shape[1] == 1 else read_prompt(steps, source, prompt[:, :-1])[1]
    following = [Hypothesis(tokens=(), log_probability=0.0, last=int(prompt[0, -1]), state=state)]
    ended: list[Hypothesis] = []
    for _ in range(length):
        grown = [new for old in following for new in _grown(steps, old, width)]
        grown = sorted(grown, key=lambda h: (-h.log_probability, h.tokens))[:width]
        ended += [h for h in grown if h.last == END]
        following = [h for h in grown if h.last != END]
        if not following or len(ended) >= width:
            break
    return sorted([*ended, *following], key=lambda h: (-h.score, h.tokens))[:width]


def _grown(steps: Steps, old: Hypothesis, width: int) -> list[Hypothesis]:
    """The best continuations of one text by a token."""
    outputs, state = steps.step(np.array([old.last]), old.state)
    values = logs(outputs["probabilities"][0, END:])
    return [
        Hypothesis(
            tokens=(*old.tokens, int(place) + END),
            log_probability=old.log_probability + float(values[place]),
            last=int(place) + END,
            state=state,
        )
        for place in np.argsort(-values, kind="stable")[:width]
    ]


@dataclass(frozen=True, kw_only=True)
class Draw:
    """How tokens are drawn.

    Args:
        temperature: probabilities are raised to its inverse: below 1 the probable become more so.
        seed: of numpy's PCG64, one `random()` a token.
    """

    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.temperature <= MAX_TEMPERATURE:
            allowed = f"Allowed: more than 0, {MAX_TEMPERATURE:g} at most."
            raise DataError(f"The temperature is {self.temperature}.", allowed)


def sample(
    steps: Steps, source: np.ndarray | None, length: int, draw: Draw, prompt: np.ndarray | None = None
) -> np.ndarray:
    """Draws every token by its probability: for text that is to be different each time.

    Args:
        steps: the file.
        source: (1, S) int32, or None.
        length: tokens to say at most.
        draw: temperature and seed.
        prompt: (1, P) int32 tokens read first; None reads `<start>` alone.

    Returns:
        (1, length) int32; after `<end>`, padding.

    Raises:
        DataError: a length out of range.
    """
    prompt = checked_prompt(prompt, 1)
    check_length(steps, length, prompt.shape[1])
    generator = np.random.default_rng(draw.seed)
    outputs, state = read_prompt(steps, source, prompt)
    said = np.full((1, length), PAD, np.int32)
    for place in range(length):
        weights = logs(outputs["probabilities"][0, END:]) / draw.temperature
        sums = np.cumsum(np.exp(weights - weights.max()))
        said[0, place] = END + np.searchsorted(sums, generator.random() * sums[-1], side="right")
        if place + 1 == length or said[0, place] == END:
            break
        outputs, state = steps.step(said[:, place], state)
    return said
