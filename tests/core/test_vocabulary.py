"""Text to token numbers and back."""

from __future__ import annotations

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core.errors import ArtifactError, DataError, RecipeError
from mobilenn.core.vocabulary import END, PAD, SPECIAL, START, UNKNOWN, Vocabulary

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
KINDS = st.sampled_from(["word", "character"])


def of(*texts, kind="word", size=1000, lower=True):
    return Vocabulary.fit(texts, kind, size, lower)


@given(ANY_TEXT)
def test_characters_come_back_as_they_were_prepared(text):
    vocabulary = of(text, "x", kind="character", lower=False)
    assert vocabulary.decode(vocabulary.encode(text)) == vocabulary.prepare(text)


@given(ANY_TEXT, KINDS, st.booleans())
def test_any_text_can_be_cut_and_what_is_known_has_its_number(text, kind, lower):
    vocabulary = of(text, "x", kind=kind, lower=lower)
    tokens = vocabulary.split(text)
    numbers = vocabulary.encode(text)
    assert numbers.dtype == np.int32
    assert [vocabulary.tokens[number] for number in numbers] == tokens
    assert not {PAD, UNKNOWN, START, END} & set(numbers.tolist())


@given(ANY_TEXT, st.booleans())
def test_preparing_twice_changes_nothing(text, lower):
    vocabulary = Vocabulary(kind="word", tokens=SPECIAL, lower=lower)
    once = vocabulary.prepare(text)
    once.encode("utf-8")  # no half of a surrogate pair is left
    assert unicodedata.is_normalized("NFC", once)
    assert vocabulary.prepare(once) == once


@given(ANY_TEXT)
def test_words_decoded_and_cut_again_are_the_same_words(text):
    vocabulary = of(text, "x")
    numbers = vocabulary.encode(text)
    np.testing.assert_array_equal(vocabulary.encode(vocabulary.decode(numbers)), numbers)


@given(ANY_TEXT, st.integers(1, 20), st.booleans(), st.booleans())
def test_a_row_has_its_length_whatever_the_text(text, length, start, end):
    vocabulary = of("one two three", text, "x")
    if length - start - end < 1:
        with pytest.raises(RecipeError, match="no room"):
            vocabulary.encode(text, length, start, end)
        return
    row = vocabulary.encode(text, length, start, end)
    assert row.shape == (length,)
    used = row[row != PAD]
    assert (row[len(used) :] == PAD).all()
    assert (START in row[:1]) == start
    assert (used[-1:] == END).any() == end
    assert len(used) == min(len(vocabulary.split(text)), length - start - end) + start + end


@given(st.lists(ANY_TEXT, max_size=5), KINDS, st.booleans())
def test_it_survives_json(texts, kind, lower):
    vocabulary = of("x", *texts, kind=kind, lower=lower)
    assert Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict()))) == vocabulary


def test_an_empty_text_is_padding():
    np.testing.assert_array_equal(of("a b").encode("", 3), [PAD] * 3)
    assert of("a b").encode_all([], 3).shape == (0, 3)
    assert of("a b").decode([PAD, PAD]) == ""


def test_unknown_words_are_one_token_and_are_left_out_of_a_text():
    vocabulary = of("the lock")
    row = vocabulary.encode("the zebra lock", 4)
    assert row[1] == UNKNOWN
    assert vocabulary.decode(row) == "the lock"


def test_no_text_can_spell_a_special_token():
    vocabulary = of("a < pad > b")
    assert PAD not in vocabulary.encode("<pad>")
    assert PAD not in of("<pad>", kind="character").encode("<pad>")


def test_the_frequent_come_first_and_equals_by_code_point():
    assert of("b a b c", size=6).tokens[len(SPECIAL) :] == ("b", "a")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop, e.g. now!", ["don", "'", "t", "stop", ",", "e", ".", "g", ".", "now", "!"]),
        ("ΟΔΟΣ", ["οδοσ"]),
        ("cafe\u0301 naïve", ["café", "naïve"]),
        ("x_1  2\t3\n", ["x", "_", "1", "2", "3"]),
        ("日本語。", ["日本語", "。"]),
        ("a\u200bb", ["a", "b"]),
        ("\ud800", ["\ufffd"]),
    ],
)
def test_texts_are_cut_by_the_written_rules(text, tokens):
    assert Vocabulary(kind="word", tokens=SPECIAL).split(text) == tokens


@pytest.mark.parametrize(
    ("text", "said"),
    [("it's fine, isn't it?", "it's fine, isn't it?"), ('say "hello there" now', 'say "hello there" now')],
)
def test_decoded_words_are_spaced_as_people_do(text, said):
    vocabulary = of(text)
    assert vocabulary.decode(vocabulary.encode(text)) == said


def test_decoding_stops_at_the_end():
    vocabulary = of("a b")
    assert vocabulary.decode([START, *vocabulary.encode("a"), END, *vocabulary.encode("b")]) == "a"


def test_a_number_without_a_token_is_refused():
    for number in (-1, 99):
        with pytest.raises(DataError):
            of("a b").decode([number])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kind": "word", "lower": True},
        {"kind": "word", "lower": 1, "tokens": list(SPECIAL)},
        {"kind": "word", "lower": True, "tokens": ["a"]},
        {"kind": "word", "lower": True, "tokens": [*SPECIAL, 3]},
        {"kind": "word", "lower": True, "tokens": [*SPECIAL, "a", "a"]},
        {"kind": "character", "lower": True, "tokens": [*SPECIAL, "ab"]},
        {"kind": "phrase", "lower": True, "tokens": list(SPECIAL)},
        {"kind": "word", "lower": True, "tokens": None},
        [],
    ],
)
def test_what_is_no_vocabulary_is_one_error(values):
    with pytest.raises(ArtifactError, match="no vocabulary"):
        Vocabulary.from_dict(values)


def test_no_text_and_no_room_are_one_error():
    with pytest.raises(DataError, match="no text"):
        of("", " \n")
    with pytest.raises(RecipeError, match="too small"):
        of("a", size=4)
