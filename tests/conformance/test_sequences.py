"""Sequence files as a user meets them: every form, every runtime, texts of every length."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tf_keras as keras
from click.testing import CliRunner

from mobilenn import networks
from mobilenn.bench import BenchConfig, bench
from mobilenn.cli.generate import command
from mobilenn.convert.flatbuffer import to_flatbuffer
from mobilenn.core.errors import ArtifactError, DataError, RecipeError
from mobilenn.core.precision import Precision
from mobilenn.core.records import to_dict
from mobilenn.core.vocabulary import END, PAD, SPECIAL, START, Vocabulary
from mobilenn.golden import verify_file
from mobilenn.jobs.quantize import recorded
from mobilenn.jobs.sequences import BEAM_WIDTH, keras_steps, transcribe, transcripts
from mobilenn.networks._steps import step_models
from mobilenn.networks.char_lm import TINY as CHAR_LM
from mobilenn.networks.seq2seq import TINY as SEQ2SEQ
from mobilenn.requantize import quantize_file
from mobilenn.runtime.alignment import alignments
from mobilenn.runtime.host import HostSession
from mobilenn.runtime.text import Wanted, say
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.merge import merge, split
from mobilenn.tflite.package import Package, pack, unpack

VOCABULARY = Vocabulary(kind="character", tokens=(*SPECIAL, *"abcdefghijklmnopqrst"))
FORMS = {
    "recurrent": ("seq2seq", SEQ2SEQ),
    "transformer": ("seq2seq", replace(SEQ2SEQ, form="transformer", heads=2, depth=1)),
    "char_lm": ("char_lm", replace(CHAR_LM, vocabulary=24)),
    "one_token": ("seq2seq", replace(SEQ2SEQ, source_length=1, target_length=1)),
    "deep": ("seq2seq", replace(SEQ2SEQ, form="transformer", heads=4, depth=3, copying=False)),
}
SLOW = ("one_token", "deep")


def texts(config, count=6):
    generator = np.random.default_rng(1)
    if hasattr(config, "length"):
        return {"tokens": generator.integers(END + 1, 24, (count, config.length), np.int32)}
    source, target = (
        generator.integers(END + 1, 24, (count, n), np.int32) for n in (config.source_length, config.target_length)
    )
    target[:, 0] = START
    if config.source_length > 1:
        source[1, 2:], target[2, 3:] = PAD, PAD
        target[3, 1:] = PAD
    return {"source": source, "target_in": target}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in FORMS]
)
def made(request, tmp_path_factory):
    """A file, its Keras model and step models, and texts."""
    name, config = FORMS[request.param]
    keras.utils.set_random_seed(5)
    model = networks.module(name).build(config)
    parts = step_models(name, to_dict(config), model)
    flatbuffer = merge({key: to_flatbuffer(part, Precision.FLOAT32) for key, part in parts.items()})
    inputs = texts(config)
    preprocessing = {"vocabulary": VOCABULARY.to_dict()}
    if name == "seq2seq":
        preprocessing |= {"source_length": config.source_length, "target_length": config.target_length}
    package = Package(
        preprocessing=preprocessing,
        golden_inputs=inputs,
        golden_outputs=transcribe(model, parts, inputs, 4),
        transcripts=transcripts(parts, inputs),
    )
    path = tmp_path_factory.mktemp(request.param) / "model.tflite"
    path.write_bytes(pack(flatbuffer, package))
    return path, model, parts, inputs


def test_every_runtime_says_what_keras_says_to_the_letter(made):
    path, _, _, _ = made
    assert precheck(unpack(path.read_bytes())[0]) == []
    for errors in verify_file(path)["runtimes"].values():
        assert errors["log_probability"] < 1e-4
        shares = {name: error for name, error in errors.items() if name != "log_probability"}
        assert set(shares) >= {"tokens", "greedy_transcripts"}
        assert not any(shares.values())


def test_its_golden_transcripts_hold_what_the_search_needs(made):
    path, _, parts, _ = made
    found = json.loads(json.dumps(unpack(path.read_bytes())[1].transcripts))
    assert found["beam_width"] == BEAM_WIDTH
    for text in found["texts"]:
        assert PAD not in text["greedy"]
        assert ("beam" in text) == ("encode" in parts) == ("source" in text)


def test_what_is_shared_is_stored_once(made):
    path, model, parts, _ = made
    flatbuffer, _ = unpack(path.read_bytes())
    table = next(w for w in model.weights if "embedding" in w.name and len(w.shape) == 2).numpy()
    assert flatbuffer.count(table.tobytes()) == 1
    assert list(split(flatbuffer)) == list(parts)


@pytest.mark.parametrize("precision", ["dynamic_int8", "int8"])
def test_a_file_is_quantized_as_a_whole(made, precision, tmp_path):
    path, _, _, inputs = made
    target = tmp_path / "small.tflite"
    quantize_file(path, target, precision, None)
    with HostSession(path) as session:
        expected = session.predict(inputs)["log_probability"]
    for api in ("interpreter", "compiled_model"):
        with HostSession(target, api=api) as session:
            found = session.predict(inputs)["log_probability"]
        assert np.abs(found - expected).mean() < 0.05 * max(np.abs(expected).mean(), 0.1)


def test_calibration_sees_every_step(made):
    path, _, parts, inputs = made
    seen = recorded(unpack(path.read_bytes())[0], inputs)
    assert set(seen) == set(parts)
    tokens = [int(step["token"][0, 0]) for step in seen["decode_step"]]
    read = inputs["target_in" if "encode" in parts else "tokens"]
    assert set(read.ravel().tolist()) <= set(tokens)


def test_timing_runs_whole_transcripts(made):
    path, *_ = made
    found = bench(path, BenchConfig(threads=(1,), max_seconds=0.1, warmup_s=0, min_runs=3))
    assert found.latency_ms[0].median > 0


def test_a_bare_flatbuffer_can_be_timed_too(made, tmp_path):
    path, *_ = made
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(unpack(path.read_bytes())[0])
    with HostSession(bare) as session:
        runs = session.measure({"warmup_s": 0, "min_runs": 2, "max_seconds": 0.05, "interval": 0.5, "chunk": 1})
    assert len(runs) >= 2
    with pytest.raises(ArtifactError, match="carries no vocabulary"):
        say(bare, "abc")


def run(path, *arguments):
    """What the command prints, or the error that main turns into one line and an exit code."""
    done = CliRunner().invoke(command, [str(path), *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.mark.parametrize(
    ("text", "read", "unknown"),
    [
        ("a", 1, 0),
        ("abcdef", 6, 0),
        ("abcdefg", 7, 0),
        ("abc" * 40, 120, 0),
        ("ZÜ\N{CJK UNIFIED IDEOGRAPH-4E2D}a", 4, 3),
        ("\ud800a", 2, 1),
    ],
)
def test_texts_of_every_length_have_a_defined_result(made, text, read, unknown):
    path, _, parts, inputs = made
    most = inputs["source"].shape[1] if "encode" in parts else read
    found = say(path, text, Wanted(length=1 if "encode" in parts else 3))
    assert found["read"] == min(read, most)
    assert found["left_out"] == read - min(read, most)
    assert found["unknown"] == min(unknown, most)
    assert set(found["tokens"]) <= set(range(END, 24))
    again = say(path, text, Wanted(length=1 if "encode" in parts else 3, api="compiled_model"))
    assert again == found


def test_the_end_of_a_long_source_is_left_out_and_said_to_be(made):
    path, _, parts, inputs = made
    if "encode" not in parts:
        return
    length = inputs["source"].shape[1]
    done = run(path, "abcdef"[:length] + "t" * 9, "--json")
    assert f"9 of {length + 9} tokens past the file's length were left out" in done.stderr
    assert json.loads(done.stdout)["tokens"] == say(path, "abcdef"[:length])["tokens"]


@pytest.mark.parametrize("way", [(), ("--beam", "2"), ("--temperature", "1.5")], ids=["greedy", "beam", "drawn"])
def test_a_file_shows_what_it_looked_at(made, way):
    path, _, parts, inputs = made
    if "encode" not in parts:
        with pytest.raises(ArtifactError, match="does not tell what it looks at"):
            run(path, "abc", *way, "--attention")
        return
    length = inputs["source"].shape[1]
    text = "abcdef"[: max(1, length - 1)]
    found = json.loads(run(path, text, *way, "--attention", "--json").stdout)
    looked = found["attention"]
    assert looked["source"] == list(text)
    assert looked["said"] == [VOCABULARY.tokens[token] for token in found["tokens"]]
    steps = keras_steps(parts)
    source = VOCABULARY.encode_all([text], length)
    state = steps.start(source, 1)
    for token, row in zip([START, *found["tokens"]], looked["weights"], strict=False):
        outputs, state = steps.step(np.array([token]), state)
        np.testing.assert_allclose(row, outputs["attention"][0, : len(text)], atol=1e-4)
    shown = run(path, text, *way, "--attention").stdout
    assert shown.startswith(found["text"])
    place = int(np.argmax(looked["weights"][0]))
    assert f"{text[place]!r} ({place + 1}) {100 * looked['weights'][0][place]:.0f} %" in shown


def test_samples_are_aligned_with_what_was_said_of_them(made):
    path, _, parts, inputs = made
    if "encode" not in parts:
        assert alignments(path, inputs["tokens"], inputs["tokens"], VOCABULARY) == []
        return
    said = np.full((2, 3), PAD, np.int32)
    said[0, 0], said[1] = END, [5, 6, END]
    first, second = alignments(path, inputs["source"][:2], said, VOCABULARY)
    assert (first.said, second.said) == (("<end>",), ("b", "c", "<end>"))
    for aligned in (first, second):
        assert aligned.weights.shape == (len(aligned.said), len(aligned.source))
        np.testing.assert_allclose(aligned.weights.sum(1), 1, atol=1e-4)  # padding is never looked at
        values = [list(bytes.fromhex(row)) for row in aligned.rows()]
        np.testing.assert_allclose(np.array(values) / 255, aligned.weights, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_is_one_error(made, text):
    path = made[0]
    if text:  # a space is a character like any other
        assert say(path, text, Wanted(length=1))["unknown"] >= 1
        return
    with pytest.raises(DataError, match="empty"):
        run(path, text)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("--temperature", "0"), DataError, "temperature is 0"),
        (("--temperature", "nan"), DataError, "temperature is nan"),
        (("--temperature", "1", "--beam", "2"), RecipeError, "draws nothing"),
    ],
)
def test_what_makes_no_sense_is_one_error(made, arguments, error, words):
    with pytest.raises(error, match=words):
        run(made[0], "abc", *arguments)


def test_more_tokens_than_a_cache_holds_are_one_error(made):
    path, _, parts, inputs = made
    decode = parts["decode_step"]
    if not any(name.startswith("cache_") for name in decode.input_names):
        assert len(say(path, "abc", Wanted(length=40, temperature=1.0))["tokens"]) <= 40
        return
    length = inputs["target_in"].shape[1]
    say(path, "abc", Wanted(length=length))
    with pytest.raises(DataError, match=f"Allowed: 1 to {length}"):
        run(path, "abc", "--length", str(length + 1))


def test_draws_repeat_with_their_seed(made):
    path = made[0]
    drawn = {seed: run(path, "abc", "--temperature", "1.5", "--seed", str(seed)).stdout for seed in (1, 2, 3)}
    assert drawn[1] == run(path, "abc", "--temperature", "1.5", "--seed", "1").stdout


def test_a_wider_beam_is_no_less_probable(made):
    path = made[0]
    scores = [say(path, "bad", Wanted(beam=width, length=1))["score"] for width in (1, 4)]
    assert scores[1] >= scores[0] - 1e-6


def test_a_file_that_says_nothing_is_one_error(tmp_path):
    model = networks.make("mlp", {"input_shape": [4], "hidden": [3], "classes": 2})
    path = tmp_path / "mlp.tflite"
    path.write_bytes(to_flatbuffer(model, Precision.FLOAT32))
    with HostSession(path) as session, pytest.raises(ArtifactError, match="says no texts"):
        session.generate(np.array([4], np.int32), {"length": 1})
    with HostSession(path) as session, pytest.raises(ArtifactError, match="no signature 'stream'"):
        session.stream("stream", "features", np.zeros((2, 4), np.float32))


def test_streaming_through_a_file_is_running_it_step_by_step(tmp_path):
    config = replace(CHAR_LM, vocabulary=24)
    model = networks.module("char_lm").build(config)
    parts = step_models("char_lm", to_dict(config), model)
    path = tmp_path / "lm.tflite"
    path.write_bytes(merge({key: to_flatbuffer(part, Precision.FLOAT32) for key, part in parts.items()}))
    tokens = texts(config)["tokens"][:1]
    with HostSession(path) as session:
        found = session.stream("decode_step", "token", tokens[0, :, np.newaxis])
    assert list(found) == ["probabilities"]
    np.testing.assert_allclose(found["probabilities"], model(tokens)[0], atol=1e-5)
