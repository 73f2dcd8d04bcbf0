"""Words as sequences of sounds, and each sound as the positions of the mouth that make it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Speech Commands' order: the ten words to be told apart, then those that are to be called unknown
KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
OTHERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("bed", "bird", "cat", "dog", "happy", "house", "marvin", "sheila", "tree", "wow"),
    *("backward", "follow", "forward", "learn", "visual"),
)


class Sound(NamedTuple):
    """One steady position; speech glides from one to the next.

    Args:
        hz: first three formants of a grown man's vocal tract.
        ms: how long it lasts in a word said alone, at a middling tempo.
        voice, breath, hiss: how loud the vocal cords, the breath past them and the constriction in the mouth
            sound, in dB below the loudest vowel; None is not at all.
        hiss_hz: the two peaks of the constriction's noise.
        hiss_width: width of both, in Hz.
    """

    hz: tuple[int, int, int]
    ms: int
    voice: float | None = None
    breath: float | None = None
    hiss: float | None = None
    hiss_hz: tuple[int, int] = (2500, 5000)
    hiss_width: int = 2000


def _vowel(f1: int, f2: int, f3: int, ms: int = 170, voice: float = 0.0) -> Sound:
    return Sound((f1, f2, f3), ms, voice=voice)


# Vowels after Peterson and Barney (1952), consonants after Klatt (1980): rounded, and shortened to three formants.
SOUNDS = {
    "i": _vowel(280, 2250, 2950),
    "I": _vowel(400, 1970, 2550, 130),
    "E": _vowel(540, 1820, 2480, 150),
    "ae": _vowel(670, 1710, 2420, 180),
    "a": _vowel(740, 1110, 2450, 190),
    "O": _vowel(580, 850, 2420, 190),
    "U": _vowel(440, 1020, 2240, 120),
    "u": _vowel(310, 900, 2250),
    "V": _vowel(640, 1200, 2400, 130),
    "@": _vowel(500, 1450, 2450, 80, -3),
    "R": _vowel(480, 1340, 1680, 180),
    "o": _vowel(540, 980, 2400, 130),
    "e": _vowel(470, 2000, 2580, 100),
    "A": _vowel(730, 1260, 2480, 130),  # the first half of "right" and "down"
    "y": _vowel(350, 2120, 2700, 90, -3),  # second halves of diphthongs
    "w-": _vowel(380, 850, 2280, 90, -3),
    "j": _vowel(260, 2200, 3000, 70, -6),
    "w": _vowel(300, 650, 2150, 80, -6),
    "l": _vowel(350, 1080, 2750, 80, -5),
    "L": _vowel(440, 820, 2700, 110, -5),
    "r": _vowel(330, 1080, 1500, 85, -5),
    "m": _vowel(250, 1050, 2150, 90, -6),
    "n": _vowel(260, 1550, 2550, 100, -6),
    "h": Sound((0, 0, 0), 60, breath=-14),  # takes the next sound's formants
    "f": Sound((340, 1050, 2100), 110, hiss=-18, hiss_hz=(1500, 6500), hiss_width=2200),
    "v": Sound((300, 1100, 2150), 70, voice=-12, hiss=-25, hiss_hz=(1500, 6500), hiss_width=2200),
    "th": Sound((330, 1300, 2550), 100, hiss=-19, hiss_hz=(2000, 6000), hiss_width=1800),
    "s": Sound((330, 1450, 2600), 120, hiss=-8, hiss_hz=(4300, 5800), hiss_width=350),
    "z": Sound((280, 1450, 2600), 90, voice=-14, hiss=-14, hiss_hz=(4300, 5800), hiss_width=350),
    "S": Sound((310, 1850, 2700), 120, hiss=-7, hiss_hz=(2600, 3800), hiss_width=300),
    "Z": Sound((290, 1850, 2700), 80, voice=-14, hiss=-13, hiss_hz=(2600, 3800), hiss_width=300),
    "p-": Sound((320, 850, 2150), 75),  # the closed lips, then their release
    "p": Sound((350, 900, 2200), 12, hiss=-13, hiss_hz=(900, 2500), hiss_width=900),
    "t-": Sound((320, 1750, 2650), 70),
    "t": Sound((350, 1750, 2650), 15, hiss=-8, hiss_hz=(3600, 4800), hiss_width=900),
    "k-": Sound((310, 1950, 2300), 75),
    "k": Sound((340, 1900, 2350), 25, hiss=-9, hiss_hz=(1900, 3800), hiss_width=350),
    "b-": Sound((260, 850, 2150), 60, voice=-22),
    "b": Sound((300, 900, 2200), 8, voice=-8, hiss=-17, hiss_hz=(900, 2500), hiss_width=900),
    "d-": Sound((260, 1700, 2600), 55, voice=-22),
    "d": Sound((300, 1700, 2600), 10, voice=-8, hiss=-12, hiss_hz=(3400, 4600), hiss_width=900),
    "g-": Sound((260, 1850, 2300), 60, voice=-22),
    "g": Sound((300, 1800, 2300), 20, voice=-10, hiss=-12, hiss_hz=(1700, 3500), hiss_width=350),
    ".": Sound((0, 0, 0), 0),  # silence around the word
}

# Each word's ways to be said, as accents differ.
SAID = {
    "yes": ("j E s", "j E @ s"),
    "no": ("n o w-", "n @ w-", "n O"),
    "up": ("V p- p", "V p-"),
    "down": ("d- d A w- n", "d- d ae w- n"),
    "left": ("l E f t- t", "l E f t-"),
    "right": ("r A y t- t", "r A y t-"),
    "on": ("a n", "O n"),
    "off": ("O f", "a f"),
    "stop": ("s t- t a p- p", "s t- t O p-", "s t- t a p-"),
    "go": ("g- g o w-", "g- g @ w-", "g- g O"),
    "zero": ("z I r o w-", "z i r o w-"),
    "one": ("w V n", "w O n"),
    "two": ("t- t h u", "t- t h j u"),
    "three": ("th r i", "f r i"),
    "four": ("f O r", "f O"),
    "five": ("f A y v", "f a y v"),
    "six": ("s I k- k s",),
    "seven": ("s E v @ n", "s E v n"),
    "eight": ("e y t- t", "e y t-"),
    "nine": ("n A y n", "n a y n"),
    "bed": ("b- b E d- d", "b- b E d-"),
    "bird": ("b- b R d- d", "b- b @ d- d"),
    "cat": ("k- k h ae t- t", "k- k h ae t-"),
    "dog": ("d- d O g- g", "d- d a g-"),
    "happy": ("h ae p- p i",),
    "house": ("h A w- s", "h ae w- s"),
    "marvin": ("m a r v I n", "m a v I n"),
    "sheila": ("S i l @",),
    "tree": ("t- t h r i", "t- t S r i"),
    "wow": ("w A w-", "w ae w-"),
    "backward": ("b- b ae k- k w R d- d", "b- b ae k- w @ d-"),
    "follow": ("f a l o w-", "f O l o w-"),
    "forward": ("f O r w R d- d", "f O w @ d-"),
    "learn": ("l R n", "l @ r n"),
    "visual": ("v I Z u @ L", "v I Z w L"),
}


class Scores(NamedTuple):
    """Every way to say a word, as arrays with a row a way; rows are padded with silence.

    Args:
        sounds: (ways, places) numbers of SOUNDS.
        formants: (ways, places) number of the sound whose formants are taken: an `h` and silence have none.
        first, count: (words,) where a word's ways begin, and how many there are.
    """

    sounds: np.ndarray
    formants: np.ndarray
    first: np.ndarray
    count: np.ndarray


def scores(words: tuple[str, ...]) -> Scores:
    """The ways to say some words, silence before and after each."""
    names = list(SOUNDS)
    ways = [f". {way} .".split() for word in words for way in SAID[word]]
    places = max(map(len, ways))
    padded = [way + ["."] * (places - len(way)) for way in ways]
    count = np.array([len(SAID[word]) for word in words])
    return Scores(
        sounds=np.array([[names.index(sound) for sound in way] for way in padded]),
        formants=np.array([[names.index(sound) for sound in _shaped(way)] for way in padded]),
        first=np.cumsum(count) - count,
        count=count,
    )


def _shaped(way: list[str]) -> list[str]:
    """Sounds without formants of their own take the next one's; those at the end the last one's."""
    made, known = [], next(sound for sound in reversed(way) if any(SOUNDS[sound].hz))
    for sound in reversed(way):
        known = sound if any(SOUNDS[sound].hz) else known
        made.append(known)
    return made[::-1]
