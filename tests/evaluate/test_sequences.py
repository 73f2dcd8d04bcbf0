"""Metrics of texts, against slow and plain forms of themselves."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core.vocabulary import END, PAD, SPECIAL, START, UNKNOWN
from mobilenn.data import Split
from mobilenn.evaluate import baseline, evaluate, methods, summarisation
from mobilenn.evaluate._ngram import bits_per_token, rows_of
from mobilenn.evaluate.translation import until_end

TOKENS = st.lists(st.integers(4, 7), max_size=7)


def judged(task, said, targets, log_probability=None, inputs=None):
    targets = np.asarray(targets)
    made = {"tokens": np.asarray(said, np.int32)}
    made["log_probability"] = np.zeros(made["tokens"].shape) if log_probability is None else log_probability
    return evaluate(task, lambda _: made, Split(inputs=inputs or {"source": targets}, targets=targets), ())


def test_a_translation_is_right_where_every_token_is_up_to_the_end():
    targets = [[4, 5, END, PAD], [4, 5, 6, END], [4, END, PAD, PAD]]
    said = [[4, 5, END, 9], [4, 5, 7, END], [4, 6, END, PAD]]
    found = judged("translation", said, targets, np.log([[0.5, 0.5, 0.5, 1], [1, 1, 1, 1], [0.25, 0.25, 1, 1]]))
    assert found.metric == "exact_match"
    assert found.higher_is_better
    assert found.value == pytest.approx(1 / 3)
    assert found.details["token_accuracy"] == pytest.approx(7 / 9)
    assert found.details["length_match"] == pytest.approx(2 / 3)
    assert found.details["bits_per_token"] == pytest.approx((3 + 4) / 9)
    json.dumps(found.details)


def test_what_stands_behind_the_end_does_not_count():
    rows = np.array([[4, END, 5, END], [END, 4, 4, 4], [4, 5, 6, 7]])
    assert until_end(rows).tolist() == [[4, END, 0, 0], [END, 0, 0, 0], [4, 5, 6, 7]]


def longest_by_trying(first, second):
    for size in range(min(len(first), len(second)), 0, -1):
        parts = set(itertools.combinations(second, size))
        if any(part in parts for part in itertools.combinations(first, size)):
            return size
    return 0


@given(TOKENS, TOKENS)
def test_the_longest_common_subsequence_is_the_one_found_by_trying_all(first, second):
    length = summarisation.longest_common(first, second)
    assert length == longest_by_trying(first, second)
    assert length == summarisation.longest_common(second, first)


@given(TOKENS, TOKENS)
def test_rouge_lies_between_nothing_and_all(summary, reference):
    precision, recall, f1 = summarisation.rouge_l(summary, reference)
    assert 0 <= f1 <= 1
    assert min(precision, recall) - 1e-12 <= f1 <= max(precision, recall) + 1e-12
    assert summarisation.rouge_l(summary, summary)[2] == (1.0 if summary else 0.0)
    assert (f1 == 0) == (not set(summary) & set(reference))


def test_rouge_of_the_papers_example():
    """Lin 2004, section 3.1: police killed the gunman; police kill the gunman; the gunman kill police."""
    police, killed, the, gunman, kill = range(4, 9)
    reference = [police, killed, the, gunman]
    assert summarisation.rouge_l([police, kill, the, gunman], reference)[2] == pytest.approx(3 / 4)
    assert summarisation.rouge_l([the, gunman, kill, police], reference)[2] == pytest.approx(2 / 4)


def test_a_summary_with_unknown_words_is_right_in_none_of_them():
    found = judged("summarisation", [[UNKNOWN, 5, END, 7]], [[UNKNOWN, 5, END, PAD]])
    assert found.metric == "rouge_l"
    assert found.value == pytest.approx(0.5)
    assert found.details["mean_length"] == 2


def test_the_lead_takes_the_length_that_is_best_in_training():
    source = np.array([[4, 5, 6, 7, 8, 9]])
    train = Split(inputs={"source": source}, targets=np.array([[4, 5, END, PAD]]))
    test = Split(inputs={"source": source}, targets=np.array([[4, 5, 6, END]]))
    found = baseline("summarisation", "lead", SimpleNamespace(train=train, test=test))
    assert found == pytest.approx(2 * 1 * (2 / 3) / (1 + 2 / 3))
    assert methods("summarisation") == ("lead",)


def test_bits_per_character_are_the_mean_over_the_windows():
    tokens = np.array([[4, 5, 6], [5, 5, PAD]], np.int32)
    scores = np.log([[0.5, 0.25, 1.0], [0.125, 1.0, 1.0]])
    found = judged("language_model", [[5, 4, 4], [5, 9, 9]], tokens, scores, {"tokens": tokens})
    assert found.metric == "bits_per_character"
    assert not found.higher_is_better
    assert found.value == pytest.approx((1 + 2 + 3) / 3)
    assert found.details["accuracy"] == pytest.approx(2 / 3)
    assert found.details["bits_by_place"] == pytest.approx([2, 2])


def witten_bell(known, context, token, size):
    """The definition, one probability at a time: known is a list of rows."""
    below = 1 / size if context is None else witten_bell(known, context[1:] if context else None, token, size)
    if context is None:
        return below
    width = len(context)
    followers = [
        row[i + width]
        for row in known
        for i in range(len(row) - width)
        if tuple(row[i : i + width]) == context and i + width > 0
    ]
    if not followers:
        return below
    return (followers.count(token) + len(set(followers)) * below) / (len(followers) + len(set(followers)))


@given(st.integers(0, 300), st.integers(1, 4))
def test_counting_follows_its_definition(seed, order):
    generator = np.random.default_rng(seed)
    known, asked = generator.integers(0, 4, (3, 6)), generator.integers(0, 4, (2, 5))
    rows = known.tolist()
    expected = [
        np.log2(witten_bell(rows, tuple(row[max(0, i - order + 1) : i]), row[i], 4))
        for row in asked.tolist()
        for i in range(1, len(row))
    ]
    assert bits_per_token(known, asked, order, 4) == pytest.approx(-np.mean(expected))


def test_probabilities_of_counting_sum_to_one():
    generator = np.random.default_rng(1)
    known = generator.integers(0, 5, (20, 12))
    text = [3, 1, 4, 1]
    total = sum(2 ** -(4 * bits_per_token(known, np.array([[*text, t]]), 3, 5)) for t in range(5))
    rest = 2 ** -(3 * bits_per_token(known, np.array([text]), 3, 5))
    assert total == pytest.approx(rest)


def test_a_text_that_repeats_itself_is_foretold_and_noise_is_not():
    again = np.tile(np.arange(8), (30, 4))
    assert bits_per_token(again, again, 3, 8) < 0.1
    noise = np.random.default_rng(0).integers(0, 8, (60, 32))
    assert bits_per_token(noise[:30], noise[30:], 1, 8) == pytest.approx(3.0, abs=0.02)
    with pytest.raises(ValueError, match="63 bits"):
        bits_per_token(again, again, 40, 8)


def test_the_five_gram_is_asked_what_the_network_is_asked():
    tokens = np.random.default_rng(2).integers(4, 8, (40, 9)).astype(np.int32)
    split = Split(inputs={"tokens": tokens[:, :-1]}, targets=tokens[:, 1:])
    vocabulary = {"tokens": [*SPECIAL, *"abcd"]}
    data = SimpleNamespace(train=split, test=split, preprocessing={"vocabulary": vocabulary})
    assert baseline("language_model", "five_gram", data) == pytest.approx(
        bits_per_token(rows_of(tokens[:, :-1], tokens[:, 1:]), tokens[:, :-1], 5, 8)
    )
    assert (START, END) == (2, 3)
