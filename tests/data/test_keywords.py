"""Keywords that a synthesiser says: the same for everybody, and speech."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.data import _espeak, _formants, _words, keywords

SMALL = {"synthesiser": "formant", "clips": 120, "speakers": 9}
WORDS = _words.KEYWORDS + _words.OTHERS


def spoken(word, people=(0, 1, 2), seed=1):
    everybody = _formants.speakers(np.arange(12), len(WORDS))
    numbers = np.full(len(people), WORDS.index(word))
    return _formants.speak(numbers, np.array(people), everybody, WORDS, [seed])


def peaks(sound, count=2):
    """The strongest resonances of a stretch of sound, in Hz, by linear prediction."""
    pressed = np.diff(sound.astype(np.float64)) * np.hanning(len(sound) - 1)
    lags = np.correlate(pressed, pressed, "full")[len(pressed) - 1 :][:19]
    matrix = lags[np.abs(np.subtract.outer(np.arange(18), np.arange(18)))] + 1e-9 * lags[0] * np.eye(18)
    roots = np.roots(np.concatenate([[1], -np.linalg.solve(matrix, lags[1:19])]))
    roots = roots[(roots.imag > 0.01) & (np.abs(roots) > 0.85)]
    return np.sort(np.angle(roots) * 16000 / 2 / np.pi)[:count]


def test_every_class_has_as_many_clips():
    dataset = data.load("keywords", SMALL, 1)
    assert dataset.labels[-2:] == ("unknown", "silence")
    assert len(dataset.labels) == 12
    for split in (dataset.train, dataset.validation, dataset.test):
        counts = np.bincount(split.targets, minlength=12)
        assert counts.max() - counts.min() <= 1
        assert split.inputs["audio"].dtype == np.int16
        assert split.inputs["audio"].shape[1:] == (16000,)
    assert "formant synthesiser" in dataset.description


def test_nobody_of_validation_or_test_is_heard_in_training(monkeypatch):
    heard = []
    speak = _formants.speak
    monkeypatch.setattr(
        _formants, "speak", lambda words, people, *rest: heard.append(people) or speak(words, people, *rest)
    )
    data.load("keywords", SMALL, 1)
    train, validation, test = (set(people.tolist()) for people in heard)
    assert not train & validation
    assert not (train | validation) & test
    assert len(train) > len(validation) >= 1


def test_settings_out_of_range_are_named():
    for key, value in (("clips", 5), ("speakers", 1), ("validation", 0.9), ("shift_ms", 900), ("most_snr_db", 0.0)):
        with pytest.raises(RecipeError, match=key):
            data.load("keywords", {**SMALL, key: value}, 1)
    with pytest.raises(RecipeError, match="Allowed"):
        data.load("keywords", {**SMALL, "synthesiser": "human"}, 1)


def test_without_espeak_auto_is_the_formant_synthesiser_and_espeak_is_one_error(monkeypatch):
    monkeypatch.setattr(_espeak, "version", lambda: "")
    assert data.fingerprint("keywords", {}) == data.fingerprint("keywords", {"synthesiser": "formant"})
    with pytest.raises(DataError, match="not installed"):
        data.load("keywords", {"synthesiser": "espeak"}, 1)


def test_espeak_has_fewer_voices(monkeypatch):
    monkeypatch.setattr(_espeak, "version", lambda: "1.51")
    assert "espeak 1.51" in data.fingerprint("keywords", {})
    with pytest.raises(RecipeError, match="2 to 50 of espeak-ng"):
        data.fingerprint("keywords", {"speakers": 51})


def test_a_program_that_fails_or_says_nothing_is_one_error(tmp_path, monkeypatch):
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\necho 'no such voice' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(_espeak, "PROGRAM", str(program))
    words = np.array([0])
    with pytest.raises(DataError, match="no such voice"):
        _espeak.speak(words, words, WORDS, 16000)
    monkeypatch.setattr(_espeak, "PROGRAM", str(tmp_path / "none"))
    with pytest.raises(DataError, match="cannot be run"):
        _espeak.speak(words, words, WORDS, 16000)


@pytest.mark.skipif(not _espeak.version(), reason="espeak-ng is not installed")
def test_espeak_says_words():
    small = {**SMALL, "synthesiser": "espeak", "clips": 120, "speakers": 3}
    dataset = data.load("keywords", small, 1)
    data.validate(dataset)
    assert "espeak-ng" in dataset.description
    np.testing.assert_array_equal(dataset.test.inputs["audio"], data.load("keywords", small, 2).test.inputs["audio"])


def test_silence_is_noise_alone_and_words_stand_out():
    dataset = data.load("keywords", {**SMALL, "least_snr_db": 30.0, "most_snr_db": 30.0}, 1)
    audio, targets = dataset.train.inputs["audio"].astype(np.float64), dataset.train.targets
    blocks = np.sqrt((audio.reshape(len(audio), 50, 320) ** 2).mean(axis=2)) + 1
    swing = blocks.max(axis=1) / np.median(np.sort(blocks)[:, :10], axis=1)
    assert swing[targets != 11].min() > swing[targets == 11].max()


def test_every_word_fits_its_second_and_is_never_said_twice_alike():
    everybody = _formants.speakers(np.arange(12), len(WORDS))
    numbers = np.arange(len(WORDS))
    made = _formants.speak(numbers, numbers % 12, everybody, WORDS, [1])
    assert np.isfinite(made).all()
    loud = np.abs(made) > 0.02
    assert not loud[:, :400].any()
    assert not loud[:, -400:].any()
    assert loud.sum(axis=1).min() > 1000
    again = _formants.speak(numbers, numbers % 12, everybody, WORDS, [2])
    assert all(not np.array_equal(*pair) for pair in zip(made, again, strict=True))
    np.testing.assert_array_equal(made, _formants.speak(numbers, numbers % 12, everybody, WORDS, [1]))


def test_a_man_s_vowels_stand_where_peterson_and_barney_heard_them():
    """The words with one long vowel, said by the man that is speaker 0."""
    person = _formants.speakers(np.arange(1), len(WORDS))
    for word, sound in (("three", "i"), ("two", "u"), ("cat", "ae"), ("four", "O")):
        made = spoken(word, people=(0,))[0]
        loudest = int(np.argmax(np.convolve(made**2, np.ones(960), "same")))
        wanted = person.hz[0, list(_words.SOUNDS).index(sound), :2]
        np.testing.assert_allclose(peaks(made[loudest - 480 : loudest + 480]), wanted, rtol=0.3)


def test_hisses_are_higher_than_vowels():
    made = spoken("stop")
    power = np.abs(np.fft.rfft(made.reshape(3, 50, 320), axis=2)) ** 2
    centre = (power * np.arange(161) * 50).sum(axis=2) / (power.sum(axis=2) + 1e-9)
    loud = power.sum(axis=2) > 0.5
    first = [int(np.argmax(row)) for row in loud]
    assert all(centre[i, start + 1] > 3000 for i, start in enumerate(first))


def test_every_word_is_written_in_known_sounds_and_speakers_repeat():
    assert set(_words.SAID) == set(WORDS)
    assert len(WORDS) == 35
    for ways in _words.SAID.values():
        assert all(sound in _words.SOUNDS for way in ways for sound in way.split())
    first, again = _formants.speakers(np.array([4]), 35), _formants.speakers(np.array([2, 4]), 35)
    np.testing.assert_array_equal(first.hz[0], again.hz[1])
    assert keywords.TEST_SPEAKERS == 15
