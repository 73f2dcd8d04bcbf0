"""A recurrent network from recipe to files: the forms tried, the one shipped, the signature that listens."""

from __future__ import annotations

import time

import numpy as np
import pytest

from mobilenn import pipeline
from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import RecipeError
from mobilenn.golden import verify_file
from mobilenn.runtime.host import HostSession
from mobilenn.runtime.interfaces import InterpreterRun
from mobilenn.runtime.sequence import stream
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.package import unpack
from mobilenn.tflite.reader import read

LENGTH, WORDS = 12, 24
pytestmark = pytest.mark.slow
RECIPE = """
task = "classification"
network = "recurrent"
summary = "which half of the words a text is made of"
max_drop = 0.05

[floor]
accuracy = 0.9

[config]
cell = "lstm"
units = [16]
source = "tokens"
length = 12
features = 8
vocabulary = 28
classes = 2

[data]
name = "text_folder"
path = "texts.tsv"
length = 12

[train]
epochs = 12
batch_size = 16
learning_rate = 0.02

[bench]
threads = [1]
max_seconds = 0.2

[variants.float32]
precision = "float32"

[variants.listening]
precision = "dynamic_int8"
stream = 1

[variants.int8]
precision = "int8"
form = "unrolled"
stream = 2
representative = 20
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("recurrent")
    generator = np.random.default_rng(0)
    halves = [[f"word{chr(97 + i)}" for i in range(start, WORDS, 2)] for start in (0, 1)]
    lines = [
        f"{'ab'[label]}\t{' '.join(generator.choice(halves[label], generator.integers(4, 10)))}"
        for label in generator.integers(0, 2, 160)
    ]
    (place / "texts.tsv").write_text("\n".join(lines), encoding="utf-8")
    (place / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def report(folder):
    return pipeline.run(recipes.load(str(folder)), folder / "out")


def test_every_variant_is_accepted_and_runs_everywhere(report, folder):
    assert {name: row["status"] for name, row in report["variants"].items()} == dict.fromkeys(
        ("float32", "listening", "int8"), "accepted"
    )
    for name, row in report["variants"].items():
        path = folder / "out" / row["file"]
        assert precheck(unpack(path.read_bytes())[0]) == []
        errors = verify_file(path)["runtimes"]
        assert errors["interpreter"]["probabilities"] == pytest.approx(
            errors["compiled_model"]["probabilities"], abs=1e-4
        ), name


def test_the_report_says_what_was_tried(report):
    forms = {form["form"]: form for form in report["variants"]["float32"]["forms"]}
    assert set(forms) == {"hoisted", "blocks", "unrolled", "stock"}
    assert "Variable" in forms["stock"]["reason"] or "variable" in forms["stock"]["reason"]
    (shipped,) = [form for form in forms.values() if form["chosen"]]
    assert shipped["min_ms"] <= 1.051 * min(form["min_ms"] for form in forms.values() if form["min_ms"])
    assert report["variants"]["float32"]["forms"][0] == shipped


def test_a_form_that_the_recipe_asks_for_is_taken_without_timing(report, folder):
    (form,) = report["variants"]["int8"]["forms"]
    assert (form["form"], form["chosen"], form["min_ms"]) == ("unrolled", True, None)
    main = read(unpack((folder / "out" / "int8" / "model.tflite").read_bytes())[0])
    assert "WHILE" not in main.operators


@pytest.mark.parametrize(("variant", "frames"), [("listening", 1), ("int8", 2)])
def test_listening_gives_what_the_whole_gives(report, folder, variant, frames):
    path = folder / "out" / variant / "model.tflite"
    flatbuffer, package = unpack(path.read_bytes())
    (signature,) = [s for s in read(flatbuffer).signatures if s.key == "stream"]
    state = {s.name: np.zeros(s.shape, s.dtype) for s in signature.inputs if s.name != "tokens"}
    assert set(state) == {"hidden_1", "cell_1"}
    tokens = package.golden_inputs["tokens"][:1]
    run = InterpreterRun(flatbuffer, "serving_default", threads=1)
    *_, last = stream(run.runner("stream"), "tokens", np.split(tokens, LENGTH // frames, axis=1), state)
    with HostSession(path) as session:
        whole = session.predict({"tokens": tokens})["probabilities"]
    np.testing.assert_allclose(last["probabilities"], whole, atol=0.02)


def test_an_unchanged_run_makes_nothing_anew(report, folder):
    before = store.sha256_file(folder / "out" / "report.json")
    events = []
    start = time.process_time()
    pipeline.run(recipes.load(str(folder)), folder / "out", on_event=events.append)
    assert time.process_time() - start < 2
    assert {event["state"] for event in events} == {"reused"}
    assert store.sha256_file(folder / "out" / "report.json") == before


def test_a_form_that_there_is_not_is_named(folder):
    recipe = recipes.load(str(folder), ['variants={f={precision="float32", form="fast"}}'])
    with pytest.raises(RecipeError, match="form 'fast'"):
        pipeline.run(recipe, folder / "out", until="convert")


@pytest.mark.parametrize("keys", ['precision="int16x8", stream=1', 'precision="int8", stream=1, qat={}'])
def test_streams_that_cannot_be_made_are_refused_at_once(folder, keys):
    with pytest.raises(RecipeError, match="stream = 1"):
        recipes.load(str(folder), [f"variants={{v={{{keys}}}}}"])
