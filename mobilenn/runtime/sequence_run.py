"""A file with the signature `decode_step` as HostSession sees it: whole texts in, whole transcripts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from mobilenn.core.artifacts import Signature, TensorSpec
from mobilenn.core.vocabulary import PAD
from mobilenn.runtime import search, sequence
from mobilenn.runtime.sequence import DECODE, ENCODE, Arrays, Runner, Steps

ANY = -1  # a dimension of a text, which any file without a cache leaves open
UNTOLD_LENGTH = 16  # tokens of a transcript where neither a cache nor golden pairs tell


class SequenceRun:
    """Runs the loops of mobilenn.runtime.sequence over a loaded file.

    Args:
        signatures: of the file, by name.
        runner: gives what runs a signature on one row.
    """

    def __init__(self, signatures: Mapping[str, Signature], runner: Callable[[str], Runner]) -> None:
        self.inputs, self.outputs = ends(signatures)
        encode = by_rows(runner(ENCODE)) if ENCODE in signatures else None
        decode = by_rows(runner(DECODE))
        self.steps = Steps(decode=decode, inputs=signatures[DECODE].inputs, encode=encode)

    def run(self, rows: Iterator[Arrays]) -> list[dict[str, np.ndarray]]:
        """Transcribes texts one by one; see `sequence.transcribe`."""
        return [sequence.transcribe(self.steps, row) for row in rows]

    def prepared(self, inputs: Arrays) -> Callable[[], Any]:
        """Returns what transcribes one text, and nothing else: greedy search, or a text read through."""
        if self.steps.encode is None:
            return lambda: sequence.transcribe(self.steps, inputs)
        length = inputs["target_in"].shape[1]
        return lambda: sequence.greedy(self.steps, inputs["source"], length)

    def example(self) -> dict[str, np.ndarray]:
        """A text to time where the file carries none: padding."""
        length = self.steps.limit or UNTOLD_LENGTH
        return {s.name: np.zeros([length if n == ANY else n for n in s.shape], np.int32) for s in self.inputs}

    def generate(self, wanted: Mapping[str, Any], text: np.ndarray) -> tuple[dict[str, Any], Arrays]:
        """Says one text.

        Args:
            wanted: `length`; `beam`, a width; or `temperature` and `seed`; greedy search without either.
            text: (1, S) the source, or (1, P) the text to go on from.

        Returns:
            `score` of beam search, else nothing; and `tokens` (1, length), padded.
        """
        length = wanted["length"]
        source, prompt = (text, None) if self.steps.encode else (None, text)
        if wanted.get("beam"):
            best = search.beam(self.steps, source, length, wanted["beam"], prompt)[0]
            said = np.full((1, length), PAD, np.int32)
            said[0, : len(best.tokens)] = best.tokens
            return {"score": float(best.score)}, {"tokens": said}
        if wanted.get("temperature") is not None:
            draw = search.Draw(temperature=wanted["temperature"], seed=wanted.get("seed", 0))
            return {}, {"tokens": search.sample(self.steps, source, length, draw, prompt)}
        return {}, {"tokens": sequence.greedy(self.steps, source, length, prompt)}

    def looked(self, source: np.ndarray, said: np.ndarray) -> np.ndarray:
        """What of the sources each token was taken from; see `sequence.looked`."""
        return sequence.looked(self.steps, source, said)


def ends(signatures: Mapping[str, Signature]) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs of a sequence file as a whole; what an app sees are its signatures."""
    if ENCODE in signatures:
        inputs = (*signatures[ENCODE].inputs, TensorSpec(name="target_in", shape=(1, ANY), dtype="int32"))
    else:
        inputs = (TensorSpec(name="tokens", shape=(1, ANY), dtype="int32"),)
    outputs = (("tokens", "int32"), ("log_probability", "float32"))
    return inputs, tuple(TensorSpec(name=name, shape=(1, ANY), dtype=dtype) for name, dtype in outputs)


def by_rows(run: Runner) -> Runner:
    """Turns what runs one row, batch 1, into what runs any number of them, one after the other."""

    def runner(arrays: Arrays) -> Mapping[str, np.ndarray]:
        count = len(next(iter(arrays.values())))
        if count == 1:
            return run(arrays)
        rows = [run({name: array[i : i + 1] for name, array in arrays.items()}) for i in range(count)]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    return runner
