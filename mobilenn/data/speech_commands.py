"""Speech Commands 0.02 (Warden 2018): 105,829 real recordings of 35 words; downloaded once, 2.4 GB."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from mobilenn.core import store
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import Dataset, audio_folder
from mobilenn.data._clips import LISTS, listed
from mobilenn.data._download import cache_folder, fetch
from mobilenn.data._words import KEYWORDS

_URL = "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
_FOLDER = "speech_commands_v0.02"
MAX_BYTES = 3 << 30
_DAMAGE = (OSError, EOFError, ValueError, tarfile.TarError, zlib.error)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which classes there are.

    Args:
        words: words that are classes of their own; the others together are `unknown`. Empty tells all 35 apart.
        silence: clips of `silence`, cut from the set's noises, as a share of a class; 0 leaves the class out.
    """

    words: tuple[str, ...] = field(default=KEYWORDS)
    silence: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.silence <= 10:
            raise RecipeError(f"[data] silence is {self.silence}.", "Allowed: 0 to 10 times a class.")


def fingerprint(settings: Settings) -> str:
    """The set's version; its publisher does not change it."""
    return "speech_commands 0.02"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the set: `audio` (N, 16000) int16, read when asked for; validation and test are its publisher's.

    Raises:
        DataError: the set is not in the cache and the network is away, or the archive is damaged or another.

    Reference:
        Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition (arXiv 1804.03209, 2018).
    """
    root = cache_folder() / _FOLDER
    if not root.is_dir():
        _unpack(fetch(_URL, max_bytes=MAX_BYTES), root)
    own = audio_folder.Settings(path=str(root), words=settings.words, silence=settings.silence)
    lists = {part: set(listed(root, part)[0]) for part in LISTS}
    missing = [name for part, name in LISTS.items() if not lists[part]]
    if missing:
        raise DataError(f"{root} is not the published set: no {missing[0]}.", "Delete it and run again.")
    folders = audio_folder.class_folders(root, settings.words)
    made = audio_folder.assemble(root, folders, lists, own, seed)
    count = sum(len(split) for split in made[0])
    return audio_folder.described(made, f"Speech Commands 0.02: {count:,} real recordings of single words.", own)


def _unpack(archive: Path, root: Path) -> None:
    """Unpacks the archive beside itself; the folder appears whole or not at all."""
    partial = root.with_name(f".{root.name}{store.PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(partial, filter="data")
        partial.rename(root)
    except _DAMAGE as error:
        shutil.rmtree(partial, ignore_errors=True)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{archive} is damaged: {reason}.", "Delete it and run again.") from None
