"""A formant synthesiser: vocal cords and breath through resonators that move, many words at a time.

It is a small relative of Klatt's: a cascade of five formants for what the throat makes, two resonators beside it for
the noise of a constriction. It sounds like a robot, and its vowels and consonants stand where people's do.

Reference:
    Klatt, Software for a Cascade/Parallel Formant Synthesizer (JASA 67, 1980); Klatt and Klatt, Analysis, Synthesis,
    and Perception of Voice Quality Variations (JASA 87, 1990), equation 1, the glottal pulse; Peterson and Barney,
    Control Methods Used in a Study of the Vowels (JASA 24, 1952).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mobilenn.data._words import SOUNDS, scores

RATE = 16_000
SAMPLES = 16_000  # of one utterance: a second
FRAME = 80  # samples between two positions of the mouth: 5 ms
FRAMES = SAMPLES // FRAME
LONGEST = 180  # frames of a word; a slower one is said faster
_CASCADE, _HISS = 6, 2  # the tilt of the voice and five formants; resonators of a constriction
_GLIDE, _ONSET = 11, 3  # frames over which formants and loudness move
_VOICE, _NOISE = 0.35, 0.06  # levels at which vowels and constrictions balance


class Speakers(NamedTuple):
    """People, one a row: what tells their voices apart.

    Args:
        hz: (speakers, sounds, 3) formants.
        high_hz: (speakers, 2) fourth and fifth formant.
        width: (speakers,) factor on the formants' widths.
        ms: (speakers, sounds) duration of each sound.
        way: (speakers, words) which way each says a word, 0..1.
        pitch_hz, open_share, tilt_hz, breath, hiss: (speakers,) pitch, share of a period that the cords are
            open, softness, breathiness, and sharpness of consonants as a factor.
    """

    hz: np.ndarray
    high_hz: np.ndarray
    width: np.ndarray
    ms: np.ndarray
    way: np.ndarray
    pitch_hz: np.ndarray
    open_share: np.ndarray
    tilt_hz: np.ndarray
    breath: np.ndarray
    hiss: np.ndarray


def speakers(numbers: np.ndarray, words: int) -> Speakers:
    """The speakers of some numbers: men, women and children in turn, each always the same."""
    made = [_speaker(int(number), words) for number in numbers]
    return Speakers(*(np.array(values, np.float32) for values in zip(*made, strict=True)))


def _speaker(number: int, words: int) -> tuple[np.ndarray | float, ...]:
    generator = np.random.default_rng([1981, number])
    pitch, scale = [((85, 150), (0.92, 1.06)), ((160, 250), (1.08, 1.2)), ((210, 320), (1.18, 1.34))][number % 3]
    scale, table = generator.uniform(*scale), list(SOUNDS.values())
    accent = np.exp(generator.normal(0, 0.035, (len(table), 3)))
    high = np.minimum(np.array([3500, 4500]) * scale * np.exp(generator.normal(0, 0.03, 2)), 7400)
    pace = generator.uniform(0.8, 1.2) * np.exp(generator.normal(0, 0.12, len(table)))
    return (
        np.array([sound.hz for sound in table]) * scale * accent,
        high,
        generator.uniform(0.8, 1.5),
        np.array([sound.ms for sound in table]) * pace,
        generator.random(words),
        generator.uniform(*pitch),
        generator.uniform(0.4, 0.75),
        generator.uniform(1500, 5000),
        generator.uniform(0.01, 0.12),
        np.exp(generator.normal(0, 0.3)),
    )


class Tracks(NamedTuple):
    """How the mouth moves: (frames, utterances) each, formants (frames, 3, utterances)."""

    hz: np.ndarray
    voice: np.ndarray
    breath: np.ndarray
    hiss: np.ndarray
    hiss_hz: np.ndarray
    hiss_width: np.ndarray
    pitch_hz: np.ndarray


def speak(
    words: np.ndarray, people: np.ndarray, everybody: Speakers, known: tuple[str, ...], seed: list[int]
) -> np.ndarray:
    """Says words, each anew: its pitch, tempo and melody are drawn.

    Args:
        words: (N,) numbers of `known`.
        people: (N,) rows of `everybody`.
        everybody: the speakers.
        known: the words.
        seed: of the draws.

    Returns:
        (N, SAMPLES) float32: the word in the middle, silence around it; vowels peak near 1.
    """
    generator = np.random.default_rng(seed)
    tracks = _tracks(words, people, everybody, known, generator)
    voiced = _throat(tracks, people, everybody, generator)
    noise = generator.standard_normal((SAMPLES + 1, len(words)), np.float32)
    noise = np.diff(noise, axis=0) * _samples(tracks.hiss)  # what lips radiate rises with frequency
    hz = np.concatenate([np.zeros((FRAMES, 1, len(words)), np.float32), tracks.hz], axis=1)
    high = np.broadcast_to(everybody.high_hz[people].T, (FRAMES, 2, len(words)))
    width = everybody.width[people] * np.array([0, 60, 90, 130, 250, 350], np.float32)[:, None]
    width[0] = everybody.tilt_hz[people]
    cascade = _coefficients(np.concatenate([hz, high], axis=1), np.broadcast_to(width, (FRAMES, *width.shape)))
    parallel = _coefficients(tracks.hiss_hz, np.repeat(tracks.hiss_width[:, None], _HISS, axis=1), loud=True)
    return _resonate(voiced, noise, [np.concatenate(pair, axis=1) for pair in zip(cascade, parallel, strict=True)])


def _tracks(
    words: np.ndarray,
    people: np.ndarray,
    everybody: Speakers,
    known: tuple[str, ...],
    generator: np.random.Generator,
) -> Tracks:
    score, count = scores(known), len(words)
    way = score.first[words] + (everybody.way[people, words] * score.count[words]).astype(np.int64)
    sounds, shaped = score.sounds[way], score.formants[way]
    ms = everybody.ms[people[:, None], sounds] * np.exp(generator.normal(0, 0.1, sounds.shape))
    frames = ms * generator.uniform(0.8, 1.2, (count, 1)) / (1000 * FRAME / RATE)
    total = frames.sum(axis=1, keepdims=True)
    frames *= np.minimum(1, LONGEST / total)
    length = np.minimum(total, LONGEST)
    ends = (FRAMES - length) / 2 + np.cumsum(frames, axis=1)
    place = np.minimum((np.arange(FRAMES)[:, None, None] + 0.5 >= ends).sum(axis=2), sounds.shape[1] - 1)
    rows = np.arange(count)
    at, shape = sounds[rows, place], shaped[rows, place]  # (frames, count)
    hz = everybody.hz[people, shape] * np.exp(generator.normal(0, 0.02, (1, count, 3)))
    loud = {name: _loudness(name)[at] for name in ("voice", "breath", "hiss")}
    peaks = np.array([sound.hiss_hz for sound in SOUNDS.values()], np.float32)[at] * np.ones((1, count, 1))
    return Tracks(
        hz=_smooth(hz, _GLIDE).transpose(0, 2, 1).astype(np.float32),
        **{name: _smooth(values, _ONSET).astype(np.float32) for name, values in loud.items() if name != "hiss"},
        hiss=(_smooth(loud["hiss"], _ONSET) * everybody.hiss[people]).astype(np.float32),
        hiss_hz=peaks.transpose(0, 2, 1).astype(np.float32),
        hiss_width=np.array([sound.hiss_width for sound in SOUNDS.values()], np.float32)[at],
        pitch_hz=_melody(everybody.pitch_hz[people], length[:, 0], generator),
    )


def _loudness(name: str) -> np.ndarray:
    levels = [getattr(sound, name) for sound in SOUNDS.values()]
    return np.array([0 if level is None else 10 ** (level / 20) for level in levels], np.float32)


def _melody(pitch_hz: np.ndarray, length: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Pitch by frame, (FRAMES, N): it falls, or rises as in a question, and wavers a little."""
    count = len(pitch_hz)
    height, slope, bend = (
        generator.uniform(low, high, count) for low, high in ((0.85, 1.2), (-0.35, 0.15), (-0.2, 0.2))
    )
    time = (np.arange(FRAMES)[:, None] - FRAMES / 2) / length
    waver = _smooth(generator.normal(0, 0.03, (FRAMES, count)), 9)
    line = 1 + slope * time + bend * (time**2 - 0.1) + waver
    return (pitch_hz * height * np.clip(line, 0.6, 1.6)).astype(np.float32)


def _throat(tracks: Tracks, people: np.ndarray, everybody: Speakers, generator: np.random.Generator) -> np.ndarray:
    """The flow past the cords, differentiated as the lips do, and breath: (SAMPLES, N)."""
    phase = np.cumsum(_samples(tracks.pitch_hz) / RATE, axis=0, dtype=np.float64) + generator.random(len(people))
    phase = (phase % 1).astype(np.float32) / everybody.open_share[people]
    still_open = phase < 1
    pulse = np.where(still_open, 2 * phase - 3 * phase**2, 0)
    breath = everybody.breath[people] * (0.3 + 0.7 * still_open)
    loud = _samples(tracks.voice)
    noise = generator.standard_normal(pulse.shape, np.float32)
    return _VOICE * (loud * (pulse + breath * noise) + _samples(tracks.breath) * noise)


def _smooth(values: np.ndarray, frames: int) -> np.ndarray:
    """A Hann-weighted mean over time, the first axis."""
    weights = np.hanning(frames + 2)[1:-1]
    weights /= weights.sum()
    padded = np.pad(values, [(frames // 2, frames // 2)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return sum(weight * padded[start : start + len(values)] for start, weight in enumerate(weights))


def _samples(track: np.ndarray) -> np.ndarray:
    """(FRAMES, N) to (SAMPLES, N), in straight lines between frames."""
    following = np.concatenate([track[1:], track[-1:]])
    share = (np.arange(FRAME, dtype=np.float32) / FRAME)[None, :, None]
    return (track[:, None] * (1 - share) + following[:, None] * share).reshape(SAMPLES, -1)


def _coefficients(hz: np.ndarray, width: np.ndarray, loud: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a, b, c of y = a·x + b·y₋₁ + c·y₋₂; gain 1 at 0 Hz or, where `loud`, for the power of white noise."""
    radius = np.exp(-np.pi * width / RATE)
    cos = np.cos(2 * np.pi * hz / RATE)
    b, c = 2 * radius * cos, -(radius**2)
    if not loud:
        return 1 - b - c, b, c
    power = (1 - c) / (1 + c) / ((1 - c) ** 2 - b**2)
    return _NOISE / np.sqrt(power), b, c


def _resonate(voiced: np.ndarray, noise: np.ndarray, coefficients: list[np.ndarray]) -> np.ndarray:
    """Runs all resonators of all utterances abreast; each of the cascade hears the one before a sample late.

    Args:
        voiced, noise: (SAMPLES, N) what goes into the cascade, and into the resonators beside it.
        coefficients: a, b, c, (FRAMES, resonators, N) each.
    """
    count = voiced.shape[1]
    heard, new, part, last, before = (np.zeros((_CASCADE + _HISS, count), np.float32) for _ in range(5))
    made = np.empty((SAMPLES, count), np.float32)
    for sample in range(SAMPLES):
        if sample % FRAME == 0:
            a, b, c = (np.ascontiguousarray(values[sample // FRAME], np.float32) for values in coefficients)
        heard[0], heard[1:_CASCADE], heard[_CASCADE:] = voiced[sample], last[: _CASCADE - 1], noise[sample]
        np.multiply(a, heard, out=new)
        np.multiply(b, last, out=part)
        new += part
        np.multiply(c, before, out=part)
        new += part
        before, last, new = last, new, before
        np.add.reduce(last[_CASCADE - 1 :], axis=0, out=made[sample])
    return np.ascontiguousarray(made.T)
