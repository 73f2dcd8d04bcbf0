"""Dates in words, docstrings and their first lines, text in windows."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn import data
from mobilenn.core.errors import RecipeError
from mobilenn.core.vocabulary import END, PAD, START, UNKNOWN, Vocabulary
from mobilenn.data import date_phrases, docstring_summaries, docstring_text
from mobilenn.data._docstrings import Docstring
from mobilenn.data.docstring_text import windows_of

DATES = st.dates(date_phrases.FIRST, date_phrases.LAST)


def vocabulary_of(dataset):
    return Vocabulary.from_dict(dataset.preprocessing["vocabulary"])


@pytest.fixture(scope="module")
def dates():
    return data.load("date_phrases", {"phrases": 2000}, 1)


@pytest.fixture(scope="module")
def summaries():
    return data.load("docstring_summaries", {}, 1)


@pytest.fixture(scope="module")
def text():
    return data.load("docstring_text", {"length": 64}, 1)


def wordings(language):
    return len(date_phrases.LANGUAGES[language].patterns) + len(date_phrases.LANGUAGES[language].clear)


def test_no_phrase_means_two_dates_in_any_language():
    meaning = {}
    days = [datetime.date(year, 1, 1) + datetime.timedelta(day) for year in (1950, 2012, 2049) for day in range(365)]
    for language in date_phrases.LANGUAGES:
        for day in days:
            for choice in range(wordings(language)):
                phrase = date_phrases.phrase(language, day, choice).lower()
                assert meaning.setdefault(phrase, day) == day, phrase


@given(DATES, st.sampled_from(sorted(date_phrases.LANGUAGES)), st.integers(0, 40))
def test_every_phrase_can_be_read_and_fits(day, language, choice):
    known = date_phrases.vocabulary()
    tokens = known.encode(date_phrases.phrase(language, day, choice))
    assert UNKNOWN not in tokens
    assert 8 <= len(tokens) <= date_phrases.SOURCE_LENGTH
    assert len(known.encode(day.isoformat(), end=True)) == date_phrases.TARGET_LENGTH


@pytest.mark.parametrize(
    ("language", "day", "expected"),
    [
        ("en", (2011, 3, 22), {"22 March 2011", "March 22nd, 2011", "the twenty-second of March 2011", "3/22/2011"}),
        ("en", (2011, 3, 1), {"March the first, 2011", "1-Mar-11", "Tuesday, March 1, 2011"}),
        ("de", (1999, 5, 12), {"Mittwoch, den 12. Mai 1999", "12.5.1999", "am 12. Mai 1999"}),
        ("fr", (2000, 8, 1), {"le 1er août 2000", "mardi 1er août 2000"}),
        ("es", (2020, 2, 29), {"el 29 de febrero de 2020", "29/02/2020", "29-feb-20"}),
        ("it", (1984, 12, 1), {"1º dicembre 1984", "il 1º dic '84"}),
        ("pt", (1974, 4, 25), {"quinta-feira, 25 de abril de 1974", "em 25/4/1974"}),
        ("ru", (1961, 4, 12), {"12 апреля 1961 года", "среда, 12 апреля 1961", "12.4.1961"}),
    ],
)
def test_phrases_are_what_people_write(language, day, expected):
    said = {date_phrases.phrase(language, datetime.date(*day), choice) for choice in range(60)}
    assert expected <= said


def test_day_and_month_are_never_left_to_guess():
    said = {date_phrases.phrase("en", datetime.date(2011, 3, 4), choice) for choice in range(60)}
    assert not {"3/4/2011", "04/03/2011"} & said


def test_dates_of_a_split_stand_in_no_other(dates):
    known = vocabulary_of(dates)
    sets = [{known.decode(row) for row in split.targets} for split in (dates.train, dates.validation, dates.test)]
    assert not sets[0] & sets[1]
    assert not (sets[0] | sets[1]) & sets[2]
    for text in sets[2]:
        assert date_phrases.FIRST <= datetime.date.fromisoformat(text) <= date_phrases.LAST
    assert len(dates.test) == 500


@pytest.mark.parametrize("name", ["dates", "summaries"])
def test_what_a_decoder_reads_is_what_it_says_one_place_later(name, request):
    dataset = request.getfixturevalue(name)
    for split in (dataset.train, dataset.test):
        read, said = split.inputs["target_in"], split.targets
        assert (read[:, 0] == START).all()
        np.testing.assert_array_equal(read[:, 1:], np.where(said[:, 1:] == PAD, PAD, said[:, :-1]))
        assert ((said == END).sum(1) == 1).all()
        assert read.dtype == said.dtype == np.int32


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("Sum up.\n\nThis body is long enough to be summed up.", "Sum up."),
        ("Sum\nup.\n\nThis body is long enough to be summed up.", None),
        ("Sum.\n\nThis body is long enough to be summed up.", None),
        ("Sum up.\n\nToo short.", None),
        ("Sum up.\nThis body is long enough to be summed up.", None),
    ],
)
def test_a_summary_is_a_first_line_by_itself(content, found):
    parts = docstring_summaries.body_and_summary(Docstring(module="m", name="f", text=content), 8)
    assert (parts and parts[1]) == found
    assert parts is None or parts[0].startswith("This body")


def test_equal_summaries_stand_in_one_split(summaries):
    train, validation, test = (
        {row.tobytes() for row in split.targets} for split in (summaries.train, summaries.validation, summaries.test)
    )
    assert len(train & test) + len(validation & test) + len(train & validation) <= 3  # unknown words make some equal
    assert len(summaries.train) > 1000


@given(st.integers(0, 60), st.integers(2, 9))
def test_windows_share_one_character_and_lose_only_the_end(count, length):
    stream = np.arange(count, dtype=np.int32)
    made = windows_of(stream, length)
    assert made.shape == (max(0, (count - 1) // length), length + 1)
    if len(made):
        np.testing.assert_array_equal(np.concatenate([made[:, :-1].ravel(), made[-1:, -1]]), stream[: made[-1, -1] + 1])
        assert count - made[-1, -1] <= length


def test_text_is_foretold_one_character_ahead_and_packages_stay_whole(text):
    known = vocabulary_of(text)
    for split in (text.train, text.validation, text.test):
        np.testing.assert_array_equal(split.inputs["tokens"][:, 1:], split.targets[:, :-1])
        assert split.inputs["tokens"].shape[1] == 64
    total = sum(len(split) for split in (text.train, text.validation, text.test))
    assert 0.1 < len(text.test) / total < 0.2
    assert 0.05 < len(text.validation) / total < 0.15
    assert known.kind == "character"
    assert not known.lower
    assert (text.train.targets == UNKNOWN).mean() < 0.01
    assert not (text.train.targets == PAD).any()


def test_no_package_makes_up_a_held_out_split_by_itself():
    texts = {"large": "x" * 300, "middling": "x" * 90, **{f"small{i}": "x" * 60 for i in range(5)}}
    assert docstring_text._filled(list(texts), texts, 400) == ["middling", *(f"small{i}" for i in range(5))]
    assert docstring_text._filled(list(texts), texts, 130) == []


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("date_phrases", {"phrases": 9}, "phrases is 9"),
        ("date_phrases", {"languages": ["xx"]}, "languages holds 'xx'"),
        ("date_phrases", {"languages": []}, "languages holds"),
        ("date_phrases", {"validation": 0.9}, "validation is 0.9"),
        ("docstring_summaries", {"words": 0}, "words is 0"),
        ("docstring_summaries", {"target_length": 1}, "target_length is 1"),
        ("docstring_text", {"length": 0}, "length is 0"),
        ("docstring_text", {"characters": 3}, "characters is 3"),
    ],
)
def test_settings_out_of_range_are_one_error(name, settings, words):
    with pytest.raises(RecipeError, match=words):
        data.load(name, settings, 0)
