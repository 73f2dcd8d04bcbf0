"""Text to token numbers and back, by rules that Kotlin and JavaScript can follow to the letter.

A text is prepared in this order, and nothing else is done to it:

1. lone surrogates become U+FFFD (`toWellFormed()` in JavaScript);
2. with `lower`, it is lower-cased without a locale (`toLowerCase()`, Kotlin's `lowercase()`), and the Greek final ς
   becomes σ, since Java and JavaScript differ on which one ends a word;
3. it is brought to Unicode's form NFC.

Kind `word` then takes the matches of `[\\p{L}\\p{M}\\p{N}]+|[\\p{P}\\p{S}]` (in JavaScript with the flags `gu`): a run
of letters, marks and digits is one token, a sign is one by itself, and whatever else there is separates. Kind
`character` takes each code point, spaces and line ends among them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from mobilenn.core.errors import ArtifactError, DataError, RecipeError, nearest

SPECIAL = ("<pad>", "<unk>", "<start>", "<end>")
PAD, UNKNOWN, START, END = range(len(SPECIAL))
KINDS = ("word", "character")

_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKEN = re.compile("w+|s")
_CLOSING = frozenset(".,;:!?)]}%…»”’")  # stand against the word before them
_OPENING = frozenset("([{«“‘¿¡#@$")  # stand against the word behind them
_JOINING = frozenset("-_/\\~^*=+<>|&")  # stand between two words without a space
_STRAIGHT = frozenset("\"'`")  # open and close in turn
_CONTRACTED = frozenset(("s", "t", "re", "ve", "ll", "d", "m"))  # what follows an apostrophe inside a word


class _Shapes(dict):
    """Code point to `w` inside a word, `s` for a sign, a space for the rest; filled as characters turn up."""

    def __missing__(self, code: int) -> str:
        shape = {"L": "w", "M": "w", "N": "w", "P": "s", "S": "s"}.get(unicodedata.category(chr(code))[0], " ")
        self[code] = shape
        return shape


_SHAPES = _Shapes()


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Which tokens have a number: a token's number is its place in `tokens`.

    Args:
        kind: `word` or `character`, which says how a text is cut.
        tokens: the four of `SPECIAL`, then the others, all different.
        lower: whether texts are lower-cased first.

    Raises:
        DataError: tokens that are no such list.
    """

    kind: Literal["word", "character"]
    tokens: tuple[str, ...]
    lower: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DataError(f"A vocabulary's kind is {self.kind!r}.", nearest(str(self.kind), KINDS))
        if self.tokens[: len(SPECIAL)] != SPECIAL:
            raise DataError(f"A vocabulary starts with {self.tokens[:4]}.", f"Allowed: {', '.join(SPECIAL)}.")
        if len(set(self.tokens)) != len(self.tokens) or "" in self.tokens:
            raise DataError("A vocabulary holds an empty token or one token twice.")
        if self.kind == "character" and any(len(token) != 1 for token in self.tokens[len(SPECIAL) :]):
            raise DataError("A vocabulary of characters holds a token of several.")

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def fit(cls, texts: Iterable[str], kind: Literal["word", "character"], size: int, lower: bool = True) -> Vocabulary:
        """Takes the most frequent tokens of texts; of equally frequent ones the first by code points.

        Args:
            texts: what the network is trained on.
            kind: `word` or `character`.
            size: the most tokens, the four special ones among them.
            lower: whether texts are lower-cased.

        Raises:
            RecipeError: a size that leaves no room for a token.
            DataError: texts without a token.
        """
        if size <= len(SPECIAL):
            raise RecipeError(f"A vocabulary of {size} tokens is too small.", f"Allowed: {len(SPECIAL) + 1} or more.")
        empty = cls(kind=kind, tokens=SPECIAL, lower=lower)
        counts = Counter(token for text in texts for token in empty.split(text))
        if not counts:
            raise DataError("There is no text to take a vocabulary from.")
        ranked = sorted(counts, key=lambda token: (-counts[token], token))
        return cls(kind=kind, tokens=(*SPECIAL, *ranked[: size - len(SPECIAL)]), lower=lower)

    def prepare(self, text: str) -> str:
        """The text as it is cut: without lone surrogates, lower-cased where that is asked for, NFC."""
        text = _SURROGATE.sub("\ufffd", text)
        if self.lower:
            text = text.lower().replace("ς", "σ")
        return unicodedata.normalize("NFC", text)

    def split(self, text: str) -> list[str]:
        """Cuts a text into tokens, known or not, by the rules at the top of this file."""
        text = self.prepare(text)
        if self.kind == "character":
            return list(text)
        return [text[match.start() : match.end()] for match in _TOKEN.finditer(text.translate(_SHAPES))]

    def encode(self, text: str, length: int | None = None, start: bool = False, end: bool = False) -> np.ndarray:
        """Numbers the tokens of a text.

        Args:
            text: any text.
            length: of the result; shorter texts are padded at the end, longer ones lose their end, but not
                `<end>`. None keeps all.
            start, end: whether `<start>` and `<end>` are put around the text.

        Returns:
            (length,) int32; 1 where a token is not in the vocabulary.

        Raises:
            RecipeError: a length without room for a token.
        """
        numbers = [self._numbers.get(token, UNKNOWN) for token in self.split(text)]
        if length is not None:
            room = length - start - end
            if room < 1:
                raise RecipeError(f"A text of {length} tokens has no room.", f"Allowed: {1 + start + end} or more.")
            numbers = numbers[:room]
        numbers = [START] * start + numbers + [END] * end
        return np.array(numbers + [PAD] * ((length or 0) - len(numbers)), np.int32)

    def encode_all(self, texts: Sequence[str], length: int, start: bool = False, end: bool = False) -> np.ndarray:
        """Encodes texts as the rows of one array, (N, length) int32."""
        rows = [self.encode(text, length, start, end) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, length), np.int32)

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """Writes the text of token numbers: up to `<end>`, the special tokens left out.

        Words are joined by spaces, which are left out where signs stand against a word; the spacing of the
        text that was encoded is not known any more.

        Raises:
            DataError: a number that no token has.
        """
        tokens = []
        for number in np.asarray(ids).ravel().tolist():
            if number == END:
                break
            if not 0 <= number < len(self.tokens):
                raise DataError(f"No token has the number {number}.", f"Allowed: 0 to {len(self.tokens) - 1}.")
            if number >= len(SPECIAL):
                tokens.append(self.tokens[int(number)])
        return "".join(tokens) if self.kind == "character" else _joined(tokens)

    def to_dict(self) -> dict[str, Any]:
        """The vocabulary as JSON-ready values."""
        return {"kind": self.kind, "lower": self.lower, "tokens": list(self.tokens)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Vocabulary:
        """Reads what `to_dict` wrote.

        Raises:
            ArtifactError: the values are no vocabulary.
        """
        try:
            tokens, lower = values["tokens"], values["lower"]
            if not isinstance(lower, bool) or not all(isinstance(token, str) for token in tokens):
                raise TypeError("a token or 'lower' is of the wrong type")
            return cls(kind=values["kind"], tokens=tuple(tokens), lower=lower)
        except (KeyError, TypeError, AttributeError, DataError) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
            raise ArtifactError(f"This is no vocabulary: {reason}.", "Run the recipe again.") from None

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """Token to number, without the special ones, which no text can spell."""
        return {token: number for number, token in enumerate(self.tokens) if number >= len(SPECIAL)}


def _joined(words: Sequence[str]) -> str:
    text, close_up, is_open = "", True, dict.fromkeys(_STRAIGHT, False)
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        apostrophe = word == "'" and not close_up and following in _CONTRACTED
        against = word in _CLOSING or word in _JOINING or apostrophe or is_open.get(word, False)
        text += word if close_up or against else f" {word}"
        close_up = word in _OPENING or word in _JOINING or apostrophe
        if word in _STRAIGHT and not apostrophe:
            is_open[word] = not is_open[word]
            close_up = is_open[word]
    return text
