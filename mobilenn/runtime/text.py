"""Text in, text out: a sequence file with the vocabulary that travels inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core import store
from mobilenn.core.errors import ArtifactError, DataError, RecipeError
from mobilenn.core.vocabulary import PAD, UNKNOWN, Vocabulary
from mobilenn.runtime.alignment import Alignment, align, tells
from mobilenn.runtime.host import Api, HostSession
from mobilenn.tflite.package import unpack

WEIGHT_PLACES = 4  # digits of a weight that is told
UNTOLD_LENGTH = 200  # tokens said where the file does not tell how many


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a text is said.

    Args:
        beam: texts that beam search follows; None takes the most probable token at every step.
        length: tokens said at most; None takes the file's own limit.
        temperature: draws tokens by their probability raised to its inverse; None draws none.
        seed: of the draws.
        attention: whether to tell what of the source each token was taken from.
        api: LiteRT's Interpreter, or CompiledModel.
    """

    beam: int | None = None
    length: int | None = None
    temperature: float | None = None
    seed: int = 0
    attention: bool = False
    api: Api = "interpreter"

    def __post_init__(self) -> None:
        if self.beam is not None and self.temperature is not None:
            raise RecipeError("Beam search draws nothing.", "Allowed: a beam, or a temperature.")
        if self.seed < 0:
            raise RecipeError(f"The seed is {self.seed}.", "Allowed: 0 or more.")


def say(path: Path, text: str, wanted: Wanted = Wanted()) -> dict[str, Any]:
    """Translates, sums up or goes on from a text.

    A source that is longer than the file reads loses its end; words that the vocabulary lacks are read as
    unknown.

    Args:
        path: a sequence file of mobilenn.
        text: the source, or what to go on from.
        wanted: how.

    Returns:
        `text`, `tokens`, `score` of beam search or None, and of what was read `read` and `unknown` (numbers of
        tokens) and `left_out` (those past the file's length). Where asked for, `attention`: the `source`'s tokens,
        those `said`, and the `weights` of the former for each of the latter.

    Raises:
        ArtifactError: the file is none, is damaged, or carries no vocabulary.
        DataError: the text is empty, or a number out of range.
        WorkerError: the file killed its worker.
    """
    preprocessing = _preprocessing(path)
    vocabulary = Vocabulary.from_dict(preprocessing["vocabulary"])
    tokens = vocabulary.encode(text)
    if not len(tokens):
        raise DataError("The text is empty.", "Allowed: one word or more.")
    with HostSession(path, api=wanted.api) as session:
        most = session.inputs[0].shape[1] if session.is_sequence else len(tokens)
        read = tokens if most < 0 else np.zeros(most, np.int32)
        if most >= 0:
            kept = tokens[:most]
            read[: len(kept)] = kept
        length = preprocessing.get("target_length", UNTOLD_LENGTH) if wanted.length is None else wanted.length
        options = {"length": length, "beam": wanted.beam, "temperature": wanted.temperature, "seed": wanted.seed}
        if wanted.attention and not tells(session):
            hint = "Allowed: files of a recipe that translates or sums up."
            raise ArtifactError(f"{path} does not tell what it looks at.", hint)
        said, score = session.generate(read, options)
        looked = align(session, read, said, vocabulary) if wanted.attention else None
    counted = read[read != PAD]
    return {
        "text": vocabulary.decode(said),
        "tokens": said[said != PAD].tolist(),
        "score": score,
        "read": len(counted),
        "unknown": int((counted == UNKNOWN).sum()),
        "left_out": len(tokens) - len(counted),
        **({"attention": _plain(looked)} if looked else {}),
    }


def _plain(looked: Alignment) -> dict[str, Any]:
    weights = np.round(looked.weights.astype(np.float64), WEIGHT_PLACES).tolist()
    return {"source": list(looked.source), "said": list(looked.said), "weights": weights}


def _preprocessing(path: Path) -> Mapping[str, Any]:
    package = unpack(store.read_bytes(path))[1]
    if package is None or "vocabulary" not in package.preprocessing:
        hint = "Allowed: files of a translation, summarisation or language_model recipe."
        raise ArtifactError(f"{path} carries no vocabulary.", hint)
    return package.preprocessing
