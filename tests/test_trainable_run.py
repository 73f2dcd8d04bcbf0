"""A recipe's file that can be trained where it runs: from the switch to a changed mind."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import pipeline
from mobilenn.core import recipe as recipes
from mobilenn.golden import verify_file
from mobilenn.requantize import quantize_file
from mobilenn.runtime import training
from mobilenn.runtime.host import HostSession
from mobilenn.runtime.training import Descent
from mobilenn.tflite.inspect import precheck
from mobilenn.tflite.package import unpack
from mobilenn.tflite.reader import read
from mobilenn.verify import LESSON_TOLERANCE

pytestmark = pytest.mark.slow
SETTINGS = (
    "train.epochs=2",
    "config.hidden=[32]",
    "floor={}",
    "max_drop=1.0",
    "bench={threads=[1], max_seconds=0.2}",
    'variants={float32={precision="float32", trainable={batch_size=16}}, plain={precision="float32"}}',
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("trainable")
    return pipeline.run(recipes.load("mlp", SETTINGS), out), out


def test_a_trainable_file_is_accepted_like_any_other(report):
    rows, out = report[0]["variants"], report[1]
    assert {row["status"] for row in rows.values()} == {"accepted"}
    flatbuffer, _ = unpack((out / rows["float32"]["file"]).read_bytes())
    assert precheck(flatbuffer) == []
    assert rows["float32"]["size_bytes"] < 1.2 * rows["plain"]["size_bytes"] + 40_000
    assert report[0]["recommended"] == "plain"


def test_the_report_shows_what_training_takes(report):
    rows, out = report[0]["variants"], report[1]
    found, lesson = rows["float32"]["on_device"], rows["float32"]["lesson"]
    assert found["batch_size"] == 16
    assert list(found["weights"]) == ["hidden1_kernel", "hidden1_bias", "logits_kernel", "logits_bias"]
    assert set(found["calls_ms"]) == {"prepare", "train", "infer"}
    assert lesson["error"] < LESSON_TOLERANCE
    assert rows["float32"]["compiled_model"]["lesson_losses"] < LESSON_TOLERANCE
    assert rows["plain"]["compiled_model"] == {"probabilities": 0.0}
    assert lesson["expected"] == pytest.approx(lesson["found"], rel=1e-4)
    assert rows["plain"]["on_device"] is None
    assert "Training where the file runs" in (out / "report.html").read_text(encoding="utf-8")


def test_it_carries_a_lesson_that_every_runtime_recites(report, tmp_path):
    path = report[1] / report[0]["variants"]["float32"]["file"]
    for errors in verify_file(path)["runtimes"].values():
        assert errors["lesson_losses"] < LESSON_TOLERANCE
    plain = report[1] / report[0]["variants"]["plain"]["file"]
    assert "lesson_losses" not in verify_file(plain)["runtimes"]["interpreter"]
    made = tmp_path / "small.tflite"
    quantize_file(path, made, "dynamic_int8", None)  # what is quantized only answers
    flatbuffer, package = unpack(made.read_bytes())
    assert [signature.key for signature in read(flatbuffer).signatures] == ["serving_default"]
    assert not package.lesson
    assert "lesson_losses" not in verify_file(made)["runtimes"]["interpreter"]


@pytest.mark.parametrize("api", ["interpreter", "compiled_model"])
def test_it_unlearns_by_its_own_means(report, api):
    path = report[1] / report[0]["variants"]["float32"]["file"]
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1)).astype(np.uint8)
    targets = np.full(20, 3)
    with HostSession(path, api=api) as session:
        file = training.trainable(session.signatures, session.runner)
        state = training.beginning(file)
        said = session.predict({"image": images})["probabilities"]
        np.testing.assert_allclose(training.predict(file, {"image": images}, state), said, atol=1e-5)
        found = training.prepared(file, {"image": images})
        for number in range(5):
            _, state = training.epoch(file, (found, targets), state, Descent(learning_rate=0.1), (0, number))
        assert (training.predict(file, {"image": images}, state).argmax(1) == targets).all()
