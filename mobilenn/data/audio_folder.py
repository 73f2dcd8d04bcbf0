"""Sound of the user's own: .wav files in the layout of Speech Commands, one folder a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Dataset, Split
from mobilenn.data._clips import LISTS, NOISE_FOLDER, Clip, Clips, fault_of, listed, silences, wavs
from mobilenn.data._files import folder_fingerprint, raise_faults
from mobilenn.data._sound import RATE
from mobilenn.data._tables import TEST_SEED, check_shares, split_rows

UNKNOWN, SILENCE = "unknown", "silence"
LEAST_OF_A_CLASS = 3
_PARTS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the sound is, and what it becomes.

    Args:
        path: a folder of class folders with .wav files: PCM of 8 to 32 bits or float, any rate, any number of
            channels. `_background_noise_` in it holds longer noises. `validation_list.txt` and
            `testing_list.txt` may name the files of those splits, by path below the folder, one a line.
        length: samples of a clip at 16 kHz, to which other rates are resampled by their Fourier transform. A
            shorter clip is followed by silence; of a longer one the loudest part is heard.
        words: folders that are classes of their own; the others together are `unknown`, as many clips as a word
            has on average. Empty makes every folder a class.
        silence: clips of `silence`, cut from the noises, as a share of a class; 0 leaves the class out.
        validation, test: shares of the clips of a class, where no list names them; of the speakers, where files
            are called SPEAKER_nohash_NUMBER.wav as in Speech Commands, so that nobody is heard in two splits.
    """

    path: str
    length: int = RATE
    words: tuple[str, ...] = field(default=())
    silence: float = 1.0
    validation: float = 0.15
    test: float = 0.2

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        if not 800 <= self.length <= 60 * RATE:
            raise RecipeError(f"[data] length is {self.length}.", f"Allowed: 800 to {60 * RATE} samples.")
        if not 0 <= self.silence <= 10:
            raise RecipeError(f"[data] silence is {self.silence}.", "Allowed: 0 to 10 times a class.")


def fingerprint(settings: Settings) -> str:
    """Hash over every file's path, size and time of change.

    Raises:
        DataError: there is no such folder.
    """
    return folder_fingerprint(Path(settings.path))


def load(settings: Settings, seed: int) -> Dataset:
    """Lists and checks the clips; every one is read once, so that none fails in training: `audio` (N, length) int16.

    Raises:
        DataError: no such folder, a file that is no .wav, damaged or empty, a class of fewer than three clips, a
            list that names no file, fewer than two classes; `faults` lists each.
    """
    root = Path(settings.path)
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.", "Set data.path.")
    folders = class_folders(root, settings.words)
    noises = root / NOISE_FOLDER
    files = [*(path for folder in folders for path in wavs(root / folder)), *wavs(noises)]
    lists = {part: listed(root, part) for part in LISTS}
    faults = [fault for _, found in lists.values() for fault in found]
    faults += [fault for path in files if (fault := fault_of(root, path))]
    raise_faults(root, faults or _class_faults(root, folders))
    made = assemble(root, folders, {part: set(paths) for part, (paths, _) in lists.items()}, settings, seed)
    count = sum(len(split) for split in made[0])
    return described(made, f"{count:,} clips of {root.name}, {len(made[1])} classes.", settings)


def described(made: tuple[list[Split], tuple[str, ...]], description: str, settings: Settings) -> Dataset:
    """Splits and labels as a Dataset."""
    splits, labels = made
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        labels=labels,
        description=description,
        preprocessing={"rate": RATE, "samples": settings.length, "range": "-32768..32767", "layout": "mono"},
    )


def class_folders(root: Path, words: Sequence[str]) -> tuple[str, ...]:
    """The folders with clips, sorted.

    Raises:
        DataError: there are fewer than two, or one of `words` is not among them.
    """
    found = tuple(sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))))
    absent = [word for word in words if word not in found]
    if absent:
        raise DataError(f"{root} has no folder '{absent[0]}'.", f"data.words names it; there are: {', '.join(found)}.")
    if len(found) < 2:
        raise DataError(f"{root} holds too few folders: {len(found)}.", "Allowed: one a class, two classes or more.")
    return found


def _class_faults(root: Path, folders: Sequence[str]) -> list[str]:
    counts = {folder: len(wavs(root / folder)) for folder in folders}
    few = [(folder, count) for folder, count in counts.items() if count < LEAST_OF_A_CLASS]
    return [f"{folder}: {count} .wav files; {LEAST_OF_A_CLASS} or more are needed" for folder, count in few]


def assemble(
    root: Path, folders: Sequence[str], lists: dict[str, set[Path]], settings: Settings, seed: int
) -> tuple[list[Split], tuple[str, ...]]:
    """Divides sound files into splits, and adds stretches of noise as `silence`.

    Args:
        root: the folder; its files have been checked.
        folders: the class folders.
        lists: the files of `validation` and `test` that lists name; empty draws them.
        settings: which folders are classes, and shares.
        seed: of training and validation; the test does not depend on it.
    """
    words = list(settings.words) or list(folders)
    rest = [folder for folder in folders if folder not in words]
    labels = [*words, *([UNKNOWN] if rest else [])]
    files = [(path, labels.index(f if f in words else UNKNOWN)) for f in folders for path in wavs(root / f)]
    parts = _divided(files, lists, settings, seed)
    noises = root / NOISE_FOLDER
    quiet = settings.silence > 0 and bool(wavs(noises)) and SILENCE not in labels
    splits = []
    for number, part in enumerate(parts):
        generator = np.random.default_rng([TEST_SEED, number] if number == 2 else [seed, 20, number])
        clips = [Clip(path=path) for path, _ in part]
        targets = np.array([target for _, target in part], np.int64)
        kept = _kept(targets, len(words) if rest else -1, generator)
        usual = len(kept) / len(labels)
        silent = silences(noises, max(1, round(settings.silence * usual)), settings.length, generator) if quiet else []
        targets = np.concatenate([targets[kept], np.full(len(silent), len(labels), np.int64)])
        sound = Clips([clips[row] for row in kept] + silent, settings.length)
        splits.append(Split(inputs={"audio": sound}, targets=targets))
    return splits, (*labels, *([SILENCE] if quiet else []))


def _kept(targets: np.ndarray, unknown: int, generator: np.random.Generator) -> np.ndarray:
    """Rows that stay: all, but of `unknown` no more than of another class on average."""
    rows = np.flatnonzero(targets != unknown)
    other = np.flatnonzero(targets == unknown)
    usual = round(len(rows) / max(1, unknown))
    if len(other) > usual > 0:
        other = np.sort(generator.permutation(other)[:usual])
    return np.sort(np.concatenate([rows, other]))


def _divided(
    files: list[tuple[Path, int]], lists: dict[str, set[Path]], settings: Settings, seed: int
) -> list[list[tuple[Path, int]]]:
    """Train, validation and test: as lists say, and drawn class by class where there is no list."""
    named = {part: [file for file in files if file[0] in lists[part]] for part in LISTS}
    rest = [file for file in files if not any(file[0] in paths for paths in lists.values())]
    if not rest:
        raise DataError("The lists leave no clip to train on.", f"Shorten {' or '.join(LISTS.values())}.")
    shares = [getattr(settings, part) if not named[part] else 1e-9 for part in ("validation", "test")]
    drawn = dict(zip(_PARTS, _drawn(rest, (shares[0], shares[1]), seed), strict=True))
    for part in LISTS:
        if named[part]:  # a row that the draw set aside all the same goes back to training
            drawn["train"] += drawn[part]
            drawn[part] = named[part]
    return [sorted(drawn[part]) for part in _PARTS]


def _drawn(files: list[tuple[Path, int]], shares: tuple[float, float], seed: int) -> list[list[tuple[Path, int]]]:
    """Three splits: class by class, or speaker by speaker where the files name them."""
    speakers, numbers = np.unique([_speaker(path) for path, _ in files], return_inverse=True)
    if len(speakers) == len(files):
        rows = split_rows(np.array([target for _, target in files]), *shares, seed, stratify=True)
    else:
        parts = split_rows(np.arange(len(speakers)), *shares, seed, stratify=False)
        rows = tuple(np.flatnonzero(np.isin(numbers, part)) for part in parts)
    return [[files[row] for row in part] for part in rows]


def _speaker(path: Path) -> str:
    name, marker, _ = path.stem.partition("_nohash_")
    return name if marker else str(path)
