"""Words spoken by the program espeak-ng, in a child process a word."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mobilenn.core.errors import DataError
from mobilenn.data._sound import fitted, resampled
from mobilenn.data._wav import decode

PROGRAM = "espeak-ng"
TIMEOUT_S = 20
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp", "en-gb-x-gbclan")
# Voices of espeak-ng's own that speak plainly; each is a speaker, in whatever accent.
VOICES = (
    *("m1", "f1", "m2", "f2", "m3", "f3", "m4", "f4", "m5", "f5", "m6", "m7", "m8", "klatt", "klatt2", "klatt3"),
    *("Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Henrique", "Hugo", "Jacky", "Lee"),
    *("Marco", "Mario", "Michael", "Mike", "adam", "anika", "antonio", "aunty", "belinda", "benjamin", "boris"),
    *("caleb", "david", "ed", "edward", "grandma", "grandpa", "iven", "john", "linda", "marcelo", "max", "michel"),
    *("miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph"),
    *("travis", "victor", "zac"),
)


@functools.cache
def version() -> str:
    """The program's version; empty where it is not installed."""
    path = shutil.which(PROGRAM)
    if path is None:
        return ""
    said = subprocess.run([path, "--version"], capture_output=True, timeout=TIMEOUT_S, check=False).stdout
    words = said.decode("utf-8", "replace").split(":")
    return words[1].split()[0] if len(words) > 1 and words[1].split() else "of an unknown version"


def speak(words: np.ndarray, people: np.ndarray, known: tuple[str, ...], samples: int) -> np.ndarray:
    """Says words; a voice says the same word always in the same way.

    Args:
        words: (N,) numbers of `known`.
        people: (N,) numbers of voices.
        known: the words.
        samples: length of an utterance at 16 kHz.

    Returns:
        (N, samples) float32, the word in the middle, peak 1.

    Raises:
        DataError: the program is missing, fails, or writes what is no sound.
    """
    pairs = sorted(set(zip(words.tolist(), people.tolist(), strict=True)))
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        made = list(pool.map(lambda pair: _utterance(known[pair[0]], pair[1], samples), pairs))
    at = {pair: row for row, pair in enumerate(pairs)}
    rows = [at[pair] for pair in zip(words.tolist(), people.tolist(), strict=True)]
    return np.stack(made)[rows]


def _utterance(word: str, number: int, samples: int) -> np.ndarray:
    generator = np.random.default_rng([2007, number, *word.encode()])
    pitch, pace = generator.integers(25, 76), generator.integers(120, 211)
    voice = f"{ACCENTS[int(generator.integers(len(ACCENTS)))]}+{VOICES[number]}"
    command = [PROGRAM, "-v", voice, "-p", str(pitch), "-s", str(pace), "--stdout", "--", word]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{PROGRAM} cannot be run: {error}.", "Set data.synthesiser to 'formant'.") from None
    if done.returncode or not done.stdout:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        hint = "Set data.synthesiser to 'formant'."
        raise DataError(f"{PROGRAM} -v {voice} fails: {(reason or ['it says nothing'])[0]}.", hint)
    sound, rate = decode(done.stdout, f"what {PROGRAM} said")
    return _centred(resampled(sound, rate), samples)


def _centred(sound: np.ndarray, samples: int) -> np.ndarray:
    heard = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max(initial=1e-6))
    word = fitted(sound[heard[0] : heard[-1] + 1] if len(heard) else sound[:1], samples)
    word = word[: np.max(np.flatnonzero(word), initial=0) + 1]
    before = (samples - len(word)) // 2
    padded = np.pad(word, (before, samples - len(word) - before))
    return (padded / max(np.abs(padded).max(), 1e-6)).astype(np.float32)
