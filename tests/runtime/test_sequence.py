"""The loops, over a network that is a table: its steps can be followed by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core.artifacts import TensorSpec
from mobilenn.core.errors import DataError
from mobilenn.core.vocabulary import END, PAD, START
from mobilenn.runtime import search, sequence
from mobilenn.runtime.sequence import Steps
from mobilenn.runtime.sequence_run import by_rows

SIZE = 7  # tokens 4, 5 and 6 can be said, and <end>


def table(seed, source=False, limit=None):
    """Steps whose next token depends on the last two, and where there is a source on its first token."""
    weights = np.random.default_rng(seed).random((SIZE, SIZE, SIZE, SIZE)) ** 3
    weights /= weights.sum(-1, keepdims=True)

    def decode(arrays):
        token, before = arrays["token"][:, 0], arrays["before"][:, 0]
        first = arrays["memory"][:, 0] if source else np.zeros_like(token)
        made = {"probabilities": weights[first, before, token].astype(np.float32)}
        made["next_before"] = arrays["token"].astype(np.int32)
        if limit:
            made["next_cache_a"] = arrays["cache_a"]
        return made

    specs = [("token", (1, 1)), ("before", (1, 1))]
    specs += [("memory", (1, 3))] if source else []
    specs += [("cache_a", (1, limit, 2))] if limit else []
    named = tuple(TensorSpec(name=name, shape=shape, dtype="int32") for name, shape in specs)
    encode = (lambda arrays: {"memory": arrays["source"]}) if source else None
    return Steps(decode=decode, inputs=named, encode=encode), weights


def log_probability(weights, first, tokens):
    """Of a text behind <start>, by the table; no token counts for less than the least probability."""
    before, token, total = 0, START, 0.0
    for said in tokens:
        total += np.log(max(float(weights[first, before, token, said]), sequence.LEAST_PROBABILITY))
        before, token = token, said
    return total


def texts(length):
    """Every text of at most so many tokens: <end> ends it."""
    sayable = range(END, SIZE)
    for count in range(1, length + 1):
        for text in itertools.product(sayable, repeat=count):
            if END not in text[:-1] and (text[-1] == END or count == length):
                yield text


@given(st.integers(0, 200), st.integers(1, 4))
def test_a_beam_as_wide_as_all_texts_finds_the_best_of_all(seed, length):
    steps, weights = table(seed, source=True)
    source = np.array([[4, 5, 0]], np.int32)
    found = search.beam(steps, source, length, 64)[0]
    scores = [log_probability(weights, 4, t) / ((5 + len(t)) / 6) ** 0.6 for t in texts(length)]
    assert found.score == pytest.approx(max(scores), rel=1e-4)
    assert found.log_probability == pytest.approx(log_probability(weights, 4, found.tokens), rel=1e-4)


@given(st.integers(0, 200), st.integers(1, 6))
def test_a_beam_of_one_is_greedy(seed, length):
    steps, _ = table(seed, source=True)
    source = np.array([[5, 5, 0]], np.int32)
    said = sequence.greedy(steps, source, length)[0]
    assert search.beam(steps, source, length, 1)[0].tokens == tuple(said[said != PAD].tolist())


@given(st.integers(0, 200), st.integers(1, 4), st.integers(1, 6))
def test_rows_of_a_batch_do_not_meet(seed, rows, length):
    steps, _ = table(seed, source=True)
    source = np.random.default_rng(seed).integers(1, SIZE, (rows, 3)).astype(np.int32)
    together = sequence.greedy(steps, source, length)
    for row in range(rows):
        np.testing.assert_array_equal(together[row : row + 1], sequence.greedy(steps, source[row : row + 1], length))


@given(st.integers(0, 500), st.integers(1, 3), st.integers(1, 6))
def test_a_transcript_is_greedy_and_scores_the_reference(seed, rows, length):
    steps, weights = table(seed, source=True)
    generator = np.random.default_rng(seed)
    source = generator.integers(1, SIZE, (rows, 3)).astype(np.int32)
    target_in = np.concatenate(
        [np.full((rows, 1), START), generator.integers(4, SIZE, (rows, length - 1))], axis=1
    ).astype(np.int32)
    target_in[0, 1 + length // 2 :] = PAD
    if seed % 3 == 0:  # a reference that the network itself would say
        said = sequence.greedy(steps, source, length)
        target_in[:, 1:] = np.where(said == END, PAD, said)[:, :-1]
    found = sequence.transcribe(steps, {"source": source, "target_in": target_in})
    np.testing.assert_array_equal(found["tokens"], sequence.greedy(steps, source, length))
    for row in range(rows):
        text = [token for token in target_in[row, 1:].tolist() if token != PAD]
        text = text[: text.index(END)] if END in text else text
        total = found["log_probability"][row].astype(np.float64).sum()
        assert total == pytest.approx(log_probability(weights, source[row, 0], [*text, END]), rel=1e-4)
    assert not found["log_probability"][sequence.expectations(target_in, ends=True) == PAD].any()


def test_what_was_looked_at_follows_what_was_said_whoever_said_it():
    steps, _ = table(3, source=True, limit=4)

    def decode(arrays):  # looks at the place that the last two tokens point to
        place = (arrays["token"][:, 0] + arrays["before"][:, 0]) % 3
        return {**steps.decode(arrays), "attention": np.eye(3, dtype=np.float32)[place]}

    telling = Steps(decode=decode, inputs=steps.inputs, encode=steps.encode)
    source = np.array([[4, 5, 0], [6, 4, 5]], np.int32)
    said = np.array([[5, 4, END, PAD], [6, 6, 4, 5]], np.int32)
    found = sequence.looked(telling, source, said)
    assert found.shape == (2, 4, 3)
    read = np.concatenate([np.full((2, 1), START), said[:, :-1]], axis=1)
    before = np.concatenate([np.zeros((2, 1), int), read[:, :-1]], axis=1)
    expected = np.eye(3)[(read + before) % 3] * (said != PAD)[..., None]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found[:1], sequence.looked(telling, source[:1], said[:1]))
    with pytest.raises(DataError, match="Allowed: 1 to 4"):
        sequence.looked(telling, source, np.ones((2, 5), np.int32))
    with pytest.raises(DataError, match="does not tell what it looks at"):
        sequence.looked(steps, source, said)


def test_without_a_source_the_best_next_token_stands_at_every_place():
    steps, weights = table(3)
    tokens = np.array([[4, 6, 5, 4]], np.int32)
    found = sequence.transcribe(steps, {"tokens": tokens})
    before = [0, 4, 6, 5]
    rows = [weights[0, b, t].astype(np.float32) for b, t in zip(before, tokens[0], strict=True)]
    assert found["tokens"][0].tolist() == [int(row[END:].argmax()) + END for row in rows]
    expected = [np.log(row[t]) for row, t in zip(rows, tokens[0, 1:], strict=False)]
    np.testing.assert_allclose(found["log_probability"][0], [*expected, 0.0], rtol=1e-5)


def test_going_on_reads_the_whole_prompt_first():
    steps, weights = table(5)
    said = sequence.greedy(steps, None, 1, np.array([[6, 4]], np.int32))
    assert said[0, 0] == int(weights[0, 6, 4].astype(np.float32)[END:].argmax()) + END
    wide = search.beam(steps, None, 1, 1, np.array([[6, 4]], np.int32))
    assert wide[0].tokens == (said[0, 0],)


def test_of_equally_probable_tokens_the_smaller_wins_and_special_ones_are_never_said():
    even = np.full((1, SIZE), 1 / SIZE, np.float32)
    steps = Steps(
        decode=lambda _: {"probabilities": even}, inputs=(TensorSpec(name="token", shape=(1, 1), dtype="int32"),)
    )
    assert sequence.greedy(steps, None, 3).tolist() == [[END, PAD, PAD]]
    best = search.beam(steps, None, 2, 4)
    assert [h.tokens for h in best][:2] == [(END,), (4, END)]
    assert sequence.best(np.array([[0.9, 0.05, 0.03, 0.0, 0.01, 0.01, 0.0]])).tolist() == [4]


def test_draws_follow_the_seed_the_temperature_and_the_probabilities():
    steps, weights = table(2)
    prompt = np.array([[4]], np.int32)
    draw = search.Draw(temperature=1.0, seed=7)
    first = search.sample(steps, None, 6, draw, prompt)
    np.testing.assert_array_equal(first, search.sample(steps, None, 6, draw, prompt))
    cold = search.Draw(temperature=0.01, seed=1)
    np.testing.assert_array_equal(search.sample(steps, None, 6, cold, prompt), sequence.greedy(steps, None, 6, prompt))
    drawn = [search.sample(steps, None, 1, search.Draw(seed=seed), prompt)[0, 0] for seed in range(2000)]
    said = weights[0, 0, 4, END:] / weights[0, 0, 4, END:].sum()
    np.testing.assert_allclose(np.bincount(drawn, minlength=SIZE)[END:] / 2000, said, atol=0.04)


@pytest.mark.parametrize("length", [0, -1, 6])
def test_lengths_past_the_cache_are_one_error(length):
    steps, _ = table(0, source=True, limit=5)
    source = np.array([[4, 4, 4]], np.int32)
    for say in (sequence.greedy, lambda *a: search.beam(*a, 2), lambda *a: search.sample(*a, search.Draw())):
        with pytest.raises(DataError, match="Allowed: 1 to 5"):
            say(steps, source, length)
    assert sequence.greedy(steps, source, 5).shape == (1, 5)
    assert steps.limit == 5


def test_a_prompt_counts_against_the_cache():
    steps, _ = table(0, limit=5)
    prompt = np.array([[4, 5, 6]], np.int32)
    assert sequence.greedy(steps, None, 3, prompt).shape == (1, 3)
    with pytest.raises(DataError, match="1 to 3"):
        sequence.greedy(steps, None, 4, prompt)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: sequence.greedy(s, None, 3), "needs a source"),
        (lambda s: search.beam(s, np.ones((1, 3), np.int32), 3, 65), "65 wide"),
        (lambda s: search.Draw(temperature=0.0), "temperature is 0.0"),
        (lambda s: sequence.greedy(s, np.ones((1, 3), np.int32), 3, np.zeros((1, 0), np.int32)), "is empty"),
    ],
)
def test_what_makes_no_sense_is_one_error(call, words):
    with pytest.raises(DataError, match=words):
        call(table(0, source=True)[0])


def test_a_file_without_encode_takes_no_source():
    with pytest.raises(DataError, match="takes no source"):
        table(0)[0].start(np.ones((1, 3), np.int32), 1)


def test_streaming_hands_the_state_on():
    def counts(arrays):
        total = arrays["sum"] + arrays["piece"]
        return {"seen": total * 10, "next_sum": total}

    pieces = [np.full((1, 1), value) for value in (1, 2, 3)]
    made = list(sequence.stream(counts, "piece", pieces, {"sum": np.zeros((1, 1))}))
    assert [float(step["seen"][0, 0]) for step in made] == [10, 30, 60]


def test_rows_run_one_by_one_give_what_they_give_alone():
    seen = []

    def run(arrays):
        seen.append(len(arrays["a"]))
        return {"b": arrays["a"] * 2}

    values = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(by_rows(run)({"a": values})["b"], values * 2)
    assert seen == [1, 1, 1]


def test_expectations_end_behind_the_last_token():
    target_in = np.array([[START, 5, 6, 0], [START, 0, 0, 0], [START, 4, 5, 6]], np.int32)
    assert sequence.expectations(target_in, ends=True).tolist() == [[5, 6, END, 0], [END, 0, 0, 0], [4, 5, 6, END]]
    assert sequence.expectations(target_in, ends=False).tolist() == [[5, 6, 0, 0], [0, 0, 0, 0], [4, 5, 6, 0]]
