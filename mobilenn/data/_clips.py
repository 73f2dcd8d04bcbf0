"""Clips of sound that are read when they are asked for, and the folders of Speech Commands' layout that hold them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.data._sound import fitted, pcm, resampled
from mobilenn.data._wav import decode

NOISE_FOLDER = "_background_noise_"
LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
_LEAST_GAIN = 0.1  # of a stretch of noise that stands for silence


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Where a clip's sound is.

    Args:
        path: a .wav.
        start: the first sample at 16 kHz, for a stretch of a longer noise; −1 takes the whole file.
        gain: factor on the sound.
    """

    path: Path
    start: int = -1
    gain: float = 1.0


class Clips:
    """Clips that are read when they are asked for: (N, length) int16, 16 kHz, mono.

    Args:
        clips: where they are.
        length: samples of each; a shorter file is followed by silence, of a longer one its loudest part is heard.
    """

    def __init__(self, clips: Sequence[Clip], length: int) -> None:
        self.clips, self.shape, self.dtype = list(clips), (len(clips), length), np.dtype(np.int16)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Reads the clips of an array of row numbers, or of a slice."""
        chosen = np.arange(len(self))[rows]
        read = [_read(self.clips[row], self.shape[1]) for row in np.atleast_1d(chosen)]
        stacked = np.stack(read) if read else np.zeros((0, self.shape[1]), np.int16)
        return stacked if np.ndim(chosen) else stacked[0]


def sound_of(path: Path, name: str = "") -> np.ndarray:
    """A file's sound at 16 kHz: (samples,) within −1..1, channels averaged, other rates resampled.

    Raises:
        DataError: it cannot be read, or is no .wav that is understood; the reason is the message.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name or path.name}: {error.strerror or error}") from None
    return resampled(*decode(content, name or path.name))


def _read(clip: Clip, length: int) -> np.ndarray:
    sound = sound_of(clip.path) if clip.start < 0 else _noise(clip.path)[clip.start : clip.start + length]
    return pcm(clip.gain * fitted(sound, length))


@functools.lru_cache(maxsize=8)
def _noise(path: Path) -> np.ndarray:
    """A long recording that many clips are cut from."""
    return sound_of(path).astype(np.float32)


def silences(folder: Path, count: int, length: int, generator: np.random.Generator) -> list[Clip]:
    """Stretches of a folder's noises, at random places and loudness; files take turns.

    A recording shorter than a clip is taken whole.
    """
    files = wavs(folder)
    samples = [len(sound_of(path)) for path in files]
    made = []
    for number in range(count):
        path, held = files[number % len(files)], samples[number % len(files)]
        start = int(generator.integers(0, held - length + 1)) if held > length else 0
        made.append(Clip(path=path, start=start, gain=float(generator.uniform(_LEAST_GAIN, 1))))
    return made


def wavs(folder: Path) -> list[Path]:
    """Every .wav below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() == ".wav")


def fault_of(root: Path, path: Path) -> str:
    """What is wrong with a file; empty where nothing is."""
    try:
        sound_of(path, str(path.relative_to(root)))
    except DataError as error:
        return error.message
    return ""


def listed(root: Path, part: str) -> tuple[list[Path], list[str]]:
    """Files that a list names for a split, and the lines that name none; nothing where there is no list."""
    path = root / LISTS[part]
    if not path.is_file():
        return [], []
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    named = [(number, root / line) for number, line in enumerate(lines, 1) if line]
    faults = [
        f"{path.name}:{number}: there is no {file.relative_to(root)}" for number, file in named if not file.is_file()
    ]
    return [file for _, file in named], faults
