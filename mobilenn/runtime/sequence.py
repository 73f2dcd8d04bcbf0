"""How a sequence file is run: the one reference of each loop, which an app and a browser follow to the letter.

A sequence file has the signature `decode_step` and, where it translates, `encode`. Their names say all:

- `encode` takes `source` (1, S) int32.
- `decode_step` takes `token` (1, 1) int32, the token before the one that is asked for. Each further input has the
  name of an output of `encode`, or of its input, and takes that value; one that has neither starts as zeros.
- It returns `probabilities` (1, V) of the next token, and outputs `next_X`: the value of the input X in the step
  after. A network with attention also returns `attention` (1, S).
- An input called `cache_…` (1, T, …) holds one row a step: the file takes at most T steps.

Tokens below `<end>` (padding, unknown, start) are read but never said. Of equally probable tokens the one with the
smaller number wins.

The loops know nothing of a runtime: `Steps` holds functions from arrays by name to arrays by name, of B rows at a
time, which may be Keras models, an Interpreter's signatures or a CompiledModel's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mobilenn.core.artifacts import TensorSpec
from mobilenn.core.errors import DataError
from mobilenn.core.vocabulary import END, PAD, START

ENCODE, DECODE = "encode", "decode_step"
ATTENTION = "attention"  # the output of a step whose values say how much each token of the source mattered
LEAST_PROBABILITY = 1e-9  # below it, rounding decides; its logarithm is the least that a score counts

Arrays = Mapping[str, np.ndarray]
Runner = Callable[[Arrays], Mapping[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The signatures of a sequence file, ready to run.

    Args:
        decode: runs `decode_step` on (B, …) arrays.
        inputs: of `decode_step`, batch 1.
        encode: runs `encode` on (B, S) int32; None where there is no source.
    """

    decode: Runner
    inputs: tuple[TensorSpec, ...]
    encode: Runner | None = None

    @property
    def limit(self) -> int | None:
        """The most steps that the file takes; None where it has no cache."""
        return min((spec.shape[1] for spec in self.inputs if spec.name.startswith("cache_")), default=None)

    def start(self, source: np.ndarray | None, rows: int) -> dict[str, np.ndarray]:
        """What every input of `decode_step` but `token` holds before the first step.

        Args:
            source: (B, S) int32; None where the file has no `encode`.
            rows: B.

        Raises:
            DataError: a source that is missing, or not wanted.
        """
        if (source is None) != (self.encode is None):
            raise DataError(f"The file {'needs a' if self.encode else 'takes no'} source.")
        known: dict[str, np.ndarray] = {}
        if self.encode is not None:
            known = {"source": source, **self.encode({"source": source})}
        zeros = {s.name: np.zeros((rows, *s.shape[1:]), s.dtype) for s in self.inputs if s.name not in known}
        return {spec.name: {**zeros, **known}[spec.name] for spec in self.inputs if spec.name != "token"}

    def step(self, tokens: np.ndarray, state: Arrays) -> tuple[Mapping[str, np.ndarray], dict[str, np.ndarray]]:
        """One step: outputs by name, and the state after it.

        Args:
            tokens: (B,) the tokens read.
            state: as `start` or the step before gave it.
        """
        outputs = self.decode({"token": np.asarray(tokens, np.int32).reshape(-1, 1), **state})
        return outputs, carried(state, outputs)


def carried(state: Arrays, outputs: Arrays) -> dict[str, np.ndarray]:
    """The state after a step: the outputs `next_X` in place of X."""
    return {name: outputs.get(f"next_{name}", value) for name, value in state.items()}


def stream(run: Runner, name: str, chunks: Sequence[np.ndarray], state: Arrays) -> Iterator[Mapping[str, np.ndarray]]:
    """Runs a signature over what comes in piece by piece, handing its state on.

    Args:
        run: of a signature with inputs `name` and the state's, and outputs with `next_` before the state's names.
        name: of the input that the pieces are for.
        chunks: the pieces, batch first.
        state: the first state, which is zeros by name unless a signature says otherwise.

    Yields:
        The outputs of each step.
    """
    state = dict(state)
    for chunk in chunks:
        outputs = run({name: chunk, **state})
        state = carried(state, outputs)
        yield outputs


def best(probabilities: np.ndarray) -> np.ndarray:
    """The most probable token that may be said: (B, V) to (B,) int32."""
    return (probabilities[:, END:].argmax(-1) + END).astype(np.int32)


def logs(probabilities: np.ndarray) -> np.ndarray:
    """Natural logarithms, float64, none below that of the least probability."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), LEAST_PROBABILITY))


def greedy(steps: Steps, source: np.ndarray | None, length: int, prompt: np.ndarray | None = None) -> np.ndarray:
    """Takes the most probable token at every step.

    Args:
        steps: the file.
        source: (B, S) int32, or None.
        length: tokens to say at most; `<end>` counts.
        prompt: (B, P) int32 tokens read first; None reads `<start>` alone.

    Returns:
        (B, length) int32; after `<end>`, padding.

    Raises:
        DataError: a length below 1 or past what the file takes.
    """
    prompt = checked_prompt(prompt, 1 if source is None else len(source))
    check_length(steps, length, prompt.shape[1])
    outputs, state = read_prompt(steps, source, prompt)
    said = np.full((len(prompt), length), PAD, np.int32)
    for place in range(length):
        ended = (said == END).any(1)
        said[:, place] = np.where(ended, PAD, best(outputs["probabilities"]))
        if place + 1 == length or (ended | (said[:, place] == END)).all():
            break
        outputs, state = steps.step(said[:, place], state)
    return said


def looked(steps: Steps, source: np.ndarray, said: np.ndarray) -> np.ndarray:
    """What of the source each token was taken from, whatever search has said it.

    The file reads its own words once more, so that no search has to keep what hardly anybody asks for.

    Args:
        steps: the file.
        source: (B, S) int32.
        said: (B, T) int32, padded behind `<end>`.

    Returns:
        (B, T, S) float32, the output `attention` of each step; 0 at padding.

    Raises:
        DataError: the file gives no attention, or takes no so long a text.
    """
    check_length(steps, said.shape[1], 1)
    read = np.concatenate([np.full((len(said), 1), START, np.int32), said[:, :-1]], axis=1)
    state, rows = steps.start(source, len(said)), []
    for column in read.T:
        outputs, state = steps.step(column, state)
        if ATTENTION not in outputs:
            raise DataError("The file does not tell what it looks at.", f"Allowed: files whose step gives {ATTENTION}.")
        rows.append(outputs[ATTENTION])
    return np.where((said == PAD)[..., np.newaxis], 0.0, np.stack(rows, axis=1)).astype(np.float32)


def transcribe(steps: Steps, inputs: Arrays) -> dict[str, np.ndarray]:
    """What a file says of its own accord, and how probable it holds what was expected.

    Args:
        steps: the file.
        inputs: `source` (B, S) and `target_in` (B, T), which starts with `<start>`; or `tokens` (B, T), of
            a file without a source. int32.

    Returns:
        `tokens` (B, T) int32: said by greedy search; without a source, the best next token at every place of
        the text given. `log_probability` (B, T) float32: of the token expected there, 0 at padding and behind
        the last token of a text.

    Raises:
        DataError: more tokens than the file takes.
    """
    source, target_in = inputs.get("source"), inputs["tokens" if steps.encode is None else "target_in"]
    check_length(steps, target_in.shape[1], 0)
    expected = expectations(target_in, ends=source is not None)
    led = state = steps.start(source, len(target_in))  # by the text, and by what the file says itself
    said, scores = np.full(target_in.shape, PAD, np.int32), np.zeros(target_in.shape)
    apart, done = False, np.zeros(len(target_in), bool)
    for place in range(target_in.shape[1]):
        outputs, led = steps.step(target_in[:, place], led)
        known = expected[:, place]
        scores[:, place] = np.where(known == PAD, 0, logs(outputs["probabilities"][np.arange(len(known)), known]))
        if not apart:  # both have read the same so far
            state = led
        elif not done.all():
            outputs, state = steps.step(said[:, place - 1], state)
        said[:, place] = np.where(done, PAD, best(outputs["probabilities"]))
        if source is not None:
            apart = apart or not np.array_equal(said[:, place], known)
            done = done | (said[:, place] == END)
    return {"tokens": said, "log_probability": scores.astype(np.float32)}


def expectations(target_in: np.ndarray, ends: bool) -> np.ndarray:
    """The token expected at each place of a text that is read: (B, T), the next one.

    Args:
        target_in: (B, T) int32, padded at the end.
        ends: whether `<end>` is expected behind the last token; else nothing is.
    """
    expected = np.concatenate([target_in[:, 1:], np.full((len(target_in), 1), PAD, np.int32)], axis=1)
    if ends:
        last = (target_in != PAD) & (expected == PAD)
        expected = np.where(last, END, expected)
    return expected.astype(np.int32)


def check_length(steps: Steps, length: int, read: int) -> None:
    """Raises DataError where a text is longer than the file takes.

    Args:
        steps: the file.
        length: tokens to say; at least 1.
        read: tokens to read before them.
    """
    most = steps.limit
    if length < 1 or (most is not None and max(read - 1, 0) + length > most):
        allowed = f"1 to {most - max(read - 1, 0)}" if most is not None else "1 or more"
        raise DataError(f"{length} tokens are asked for.", f"Allowed: {allowed}.")


def checked_prompt(prompt: np.ndarray | None, rows: int) -> np.ndarray:
    """What is read first: a prompt (B, P), or `<start>` where there is none; an empty one is a DataError."""
    if prompt is None:
        return np.full((rows, 1), START, np.int32)
    if prompt.ndim != 2 or prompt.shape[1] == 0:
        raise DataError("The text to go on from is empty.", "Allowed: one token or more.")
    return prompt


def read_prompt(
    steps: Steps, source: np.ndarray | None, prompt: np.ndarray
) -> tuple[Mapping[str, np.ndarray], dict[str, np.ndarray]]:
    """Outputs and state after a prompt has been read."""
    state = steps.start(source, len(prompt))
    for column in prompt.T:
        outputs, state = steps.step(column, state)
    return outputs, state
