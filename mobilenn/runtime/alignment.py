"""Which tokens of a source a sequence file took each of its own from, as a report and a terminal show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mobilenn.core.vocabulary import PAD, Vocabulary
from mobilenn.runtime.host import HostSession
from mobilenn.runtime.sequence import ATTENTION, DECODE, ENCODE


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """One text.

    Args:
        source: its tokens.
        said: the tokens said of it, `<end>` among them.
        weights: (said, source) float32; each row sums to about 1.
    """

    source: tuple[str, ...]
    said: tuple[str, ...]
    weights: np.ndarray

    def rows(self) -> list[str]:
        """The weights as text, a row a token said: two hexadecimal digits a weight, 00 to ff for 0 to 1."""
        return [bytes(row).hex() for row in np.rint(255 * np.clip(self.weights, 0, 1)).astype(np.uint8)]


def tells(session: HostSession) -> bool:
    """Whether a loaded file has a source and says what of it matters in a step."""
    steps = session.signatures
    return ENCODE in steps and any(spec.name == ATTENTION for spec in steps[DECODE].outputs)


def align(session: HostSession, source: np.ndarray, said: np.ndarray, vocabulary: Vocabulary) -> Alignment:
    """Aligns one text with what was said of it.

    Args:
        session: a file that `tells`.
        source: (S,) int32, padded.
        said: (T,) int32, padded behind `<end>`.
        vocabulary: of both.
    """
    weights = session.looked(source[np.newaxis], said[np.newaxis])[0]
    kept = weights[said != PAD][:, source != PAD]
    return Alignment(source=_texts(source, vocabulary), said=_texts(said, vocabulary), weights=kept)


def alignments(path: Path, source: np.ndarray, said: np.ndarray, vocabulary: Vocabulary) -> list[Alignment]:
    """Aligns several texts; nothing where the file does not tell.

    Args:
        path: a sequence file.
        source: (N, S) int32.
        said: (N, T) int32.
        vocabulary: of both.
    """
    with HostSession(path) as session:
        if not tells(session):
            return []
        return [align(session, *pair, vocabulary) for pair in zip(source, said, strict=True)]


def _texts(tokens: np.ndarray, vocabulary: Vocabulary) -> tuple[str, ...]:
    return tuple(vocabulary.tokens[token] for token in tokens[tokens != PAD])


def strongest(weights: Sequence[float], most: int) -> list[int]:
    """Places of the largest weights, the largest first; of equal ones the earlier."""
    return sorted(range(len(weights)), key=lambda place: (-weights[place], place))[:most]
