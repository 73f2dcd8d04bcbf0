"""Texts of the user's own with classes: a folder with one folder a class, or a .tsv with a label on each line."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.core.vocabulary import SPECIAL, Vocabulary
from mobilenn.data import Dataset
from mobilenn.data._files import folder_fingerprint, raise_faults
from mobilenn.data._tables import check_shares
from mobilenn.data._text import Cut, check_sizes, classification, dataset
from mobilenn.data._tsv import decoded, read_bytes, read_tsv

LEAST_OF_A_CLASS = 3
_CUTTER = Vocabulary(kind="word", tokens=SPECIAL)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the texts are, and how they are cut.

    Args:
        path: a folder of class folders with .txt files, or a .tsv: label, a tab and text on each line. UTF-8.
        length: words and signs of a text; longer ones are cut.
        vocabulary: the most different words and signs, four special ones included.
        header: whether the first line of a .tsv names the columns.
        validation, test: shares of all different texts of a class.
    """

    path: str
    length: int = 64
    vocabulary: int = 8000
    header: bool = False
    validation: float = 0.15
    test: float = 0.2

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        check_sizes(length=self.length, vocabulary=self.vocabulary)


def fingerprint(settings: Settings) -> str:
    """Hash over every file's path, size and time of change, or of a .tsv's content.

    Raises:
        DataError: they are not there.
    """
    path = Path(settings.path)
    if path.is_dir():
        return folder_fingerprint(path)
    return f"{path.name} {hashlib.sha256(read_bytes(path)).hexdigest()}"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads and checks the texts: `tokens` (N, length) int32. Equal texts stand in the same split.

    Raises:
        DataError: no such folder or file; a text that is not UTF-8 or holds no word, a line that has not two
            columns, a class with fewer than three texts, one class only; `faults` lists each.
    """
    path = Path(settings.path)
    labels, rows, faults = _of_folder(path) if path.is_dir() else _of_file(path, settings.header)
    raise_faults(path, faults or _class_faults(path.name, labels, [label for label, _ in rows]))
    texts = [text for _, text in rows]
    classes = np.array([labels.index(label) for label, _ in rows])
    cut = Cut(
        vocabulary=settings.vocabulary,
        length=settings.length,
        shares=(settings.validation, settings.test),
        seed=seed,
    )
    keys = [" ".join(_CUTTER.split(text)) for text in texts]
    splits, vocabulary = classification(texts, classes, labels, keys, cut)
    count = sum(len(split) for split in splits)
    return dataset(splits, labels, f"{count:,} texts of {path.name}, {len(labels)} classes.", vocabulary)


def _of_folder(root: Path) -> tuple[tuple[str, ...], list[tuple[str, str]], list[str]]:
    """Labels, texts with their labels, and faults of a folder of class folders."""
    labels = tuple(sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if not labels:
        raise DataError(f"{root} holds no folder.", "Allowed: one folder a class, with .txt files.")
    rows, faults = [], []
    for label in labels:
        for path in sorted((root / label).rglob("*")):
            if not path.is_file() or path.suffix.lower() != ".txt":
                continue
            text, fault = decoded(read_bytes(path).removeprefix(b"\xef\xbb\xbf"))
            if not fault and not _CUTTER.split(text):
                fault = "empty"
            if fault:
                faults.append(f"{path.relative_to(root)}: {fault}")
            else:
                rows.append((label, text))
    return labels, rows, faults


def _of_file(path: Path, header: bool) -> tuple[tuple[str, ...], list[tuple[str, str]], list[str]]:
    """Labels, texts with their labels, and faults of a .tsv."""
    rows, faults = read_tsv(path, ("label", "text"), header, _CUTTER)
    return tuple(sorted({label for label, _ in rows})), rows, faults


def _class_faults(name: str, labels: tuple[str, ...], present: Sequence[str]) -> list[str]:
    if len(labels) < 2:
        return [f"{name}: one class only, '{labels[0]}'; two are needed"]
    counts = Counter(present)
    few = [label for label in labels if counts[label] < LEAST_OF_A_CLASS]
    return [f"{name}: class '{label}' has {counts[label]} texts; {LEAST_OF_A_CLASS} are needed" for label in few]
