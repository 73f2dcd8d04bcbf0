"""Docstring text: the docstrings of Python's standard library, character by character, each to be foretold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobilenn.core.vocabulary import Vocabulary
from mobilenn.data import Dataset, Split, _docstrings
from mobilenn.data._tables import TEST_SEED, check_shares
from mobilenn.data._text import apart, check_sizes, dataset

LARGEST = 0.25  # of a held-out split that one package may take: else the figure would be tkinter's, not English's


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the text is cut.

    Args:
        length: characters of a window.
        characters: the most different characters, four special ones included; rarer ones are unknown.
        validation, test: shares of the text, in whole packages.
    """

    length: int = 64
    characters: int = 96
    validation: float = 0.1
    test: float = 0.15

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        check_sizes(length=self.length, characters=self.characters)


def fingerprint(settings: Settings) -> str:
    """The version of Python, and that of the cutting."""
    return f"docstring_text 3, {_docstrings.fingerprint()}"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the windows: `tokens` and targets (N, length) int32, the targets one character ahead.

    A package, such as `asyncio` with all its modules, stands whole in one split. The windows of a split follow
    each other as the text does, and each character but a package's first is a target once.
    """
    texts = _by_package()
    train, validation, test = _split_packages(texts, settings, seed)
    vocabulary = Vocabulary.fit(
        (texts[package] for package in sorted(train + validation)), "character", settings.characters, lower=False
    )
    windows = {
        package: windows_of(vocabulary.encode(texts[package]), settings.length)
        for package in (*train, *validation, *test)
    }
    parts = [np.concatenate([windows[package] for package in part]) for part in (train, validation, test)]
    splits = [Split(inputs={"tokens": part[:, :-1]}, targets=part[:, 1:]) for part in _without_doubles(parts)]
    count = sum(len(text) for text in texts.values())
    described = f"{count:,} characters of the docstrings of Python's standard library, {len(texts)} packages."
    return dataset(splits, (), described, vocabulary)


def windows_of(stream: np.ndarray, length: int) -> np.ndarray:
    """Cuts a text into windows that share one character, the last of one the first of the next.

    Args:
        stream: (S,) token numbers.
        length: of a window, less the shared character.

    Returns:
        (N, length + 1) int32; what is left at the end is dropped.
    """
    count = max(0, (len(stream) - 1) // length)
    return stream[np.arange(count)[:, None] * length + np.arange(length + 1)]


def _by_package() -> dict[str, str]:
    """Each package's docstrings, in the order of module and name, an empty line between two."""
    texts: dict[str, list[str]] = {}
    for docstring in _docstrings.docstrings():
        texts.setdefault(docstring.package, []).append(docstring.text)
    return {package: "\n\n".join(parts) + "\n\n" for package, parts in texts.items()}


def _split_packages(texts: dict[str, str], settings: Settings, seed: int) -> tuple[list[str], list[str], list[str]]:
    """Packages of train, validation and test; the test's do not depend on the seed."""
    total = sum(len(text) for text in texts.values())
    order = np.random.default_rng([TEST_SEED, 3]).permutation(sorted(texts)).tolist()
    test = _filled(order, texts, settings.test * total)
    rest = [package for package in order if package not in set(test)]
    order = np.random.default_rng([seed, 9]).permutation(rest).tolist()
    validation = _filled(order, texts, settings.validation * total)
    return sorted(set(rest) - set(validation)), sorted(validation), sorted(test)


def _filled(order: Sequence[str], texts: dict[str, str], room: float) -> list[str]:
    """The packages in turn that still fit into so many characters, none of them more than its share of all."""
    chosen, most = [], LARGEST * room
    for package in order:
        if len(texts[package]) <= min(room, most):
            chosen.append(package)
            room -= len(texts[package])
    return chosen


def _without_doubles(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Leaves windows out of a split that stand in a later one, such as lines of a licence."""
    everything = np.concatenate(parts)
    ends = np.cumsum([len(part) for part in parts])
    rows = tuple(np.arange(end - len(part), end) for part, end in zip(parts, ends, strict=True))
    return [everything[kept] for kept in apart(rows, everything[:, :-1])]
