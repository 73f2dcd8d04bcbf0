"""A generator from end to end: its judge, its files, its report, and the recipes that are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mobilenn import pipeline
from mobilenn.core import recipe as recipes
from mobilenn.core.errors import RecipeError, VerificationError

JUDGE = (
    'judge={network="mlp", config={input_shape=[8, 8, 1], hidden=[24], classes=11}, '
    "train={epochs=2, batch_size=128, learning_rate=0.01}}"
)
SMALL = (
    "data.size=8",
    "config={size=8, channels=1, latent=6, width=0.1, discriminator_width=0.1, doublings=1, kernel=3}",
    "train={scheme='adversarial', epochs=1, batch_size=128}",
    JUDGE,
    "floor={named=0.0}",
    "max_drop=0.5",
    "bench={threads=[1], max_seconds=0.1}",
    'variants={float32={precision="float32"}, int8={precision="int8", representative=20}}',
)


def small(*settings):
    return recipes.load("gan", [*SMALL, *settings])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out, events = tmp_path_factory.mktemp("gan") / "out", []
    return out, pipeline.run(small(), out, on_event=events.append), events


def done(events):
    return [(event["stage"], event["name"]) for event in events if event.get("state") == "done"]


def test_the_judge_comes_first_and_its_measures_are_reported(finished):
    out, report, events = finished
    assert done(events)[:3] == [("train", "judge"), ("judge", "judge"), ("train", "train")]
    judge = report["judge"]
    assert (out / "stages" / "judge" / "judge.tflite").is_file()
    assert judge["network"] == "mlp"
    assert judge["labels"] == [str(digit) for digit in range(10)]
    assert judge["accuracy"] > 0.5
    assert 0 <= judge["named_wrongly"] <= judge["named"] <= 1
    assert judge["noise_named"] <= judge["named"]
    assert judge["frechet_distance"] > 0


def test_every_file_is_judged_alike(finished):
    _, report, _ = finished
    assert (report["metric"], report["data"]["labels"]) == ("named", [])
    float32 = report["variants"]["float32"]
    assert float32["details"]["share_by_class"] == pytest.approx(report["float"]["details"]["share_by_class"], abs=0.01)
    assert float32["parity"]["image"]["max_abs"] < 0.01
    for row in report["variants"].values():
        assert row["agreement"] == 1.0
        assert len(row["details"]["share_by_class"]) == 10
        assert row["metric"] == pytest.approx(sum(row["details"]["share_by_class"]))
        assert row["details"]["frechet_distance"] > 0


def test_the_pages_show_what_it_makes_and_who_judged(finished):
    out, report, _ = finished
    recommended = report["recommended"]
    titles = [picture["title"] for picture in report["pictures"]]
    assert titles == [
        f"{recommended}: samples",
        "float: samples",
        f"{recommended}: a walk through latent space",
        "Real test images",
        f"{recommended}: is it copied?",
    ]
    page, text = (out / "report.html").read_text(), (out / "report.md").read_text()
    for picture in report["pictures"]:
        assert picture["image"] in page
    for words in ("The judge", "Share of the images by class", "Fréchet distance"):
        assert words in page
        assert words in text
    assert "Generator loss" in page


@pytest.mark.slow
def test_another_judge_judges_anew_and_trains_the_generator_anew(finished):
    out, _, _ = finished
    events = []
    pipeline.run(small(), out, until="verify", on_event=events.append)
    assert not done(events)
    other = JUDGE.replace("epochs=2", "epochs=1")
    pipeline.run(small(other), out, until="train", on_event=events.append)
    assert done(events) == [("train", "judge"), ("judge", "judge"), ("train", "train")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("floor", "words"),
    [
        ("floor={named=0.0, smallest_class_share=0.09}", "smallest_class_share is 0.0"),
        ("floor={named=1.0}", "the recipe's floor is 1.0000"),
    ],
)
def test_every_floor_holds(finished, floor, words):
    with pytest.raises(VerificationError, match=words):
        pipeline.run(small(floor), finished[0])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("judge.network=vg", "no network 'vg'.*vgg"),
        ("judge.train.epoch=3", "Unknown key 'epoch'"),
        ("judge={train={epochs=1}}", "lacks the key 'network'"),
        ("config.latent=0", "latent is 0"),
        ("config={size=8}", "latent is None"),
        ("floor={smallest_share=0.05}", r"\[floor\] names 'smallest_share', which is not measured.*smallest_class"),
        ("task=classification", r"\[judge\] has no place in the task classification"),
    ],
)
def test_recipes_that_cannot_be_judged_or_held_to_their_floor_are_one_clear_line(tmp_path, setting, words):
    with pytest.raises(RecipeError, match=words):
        pipeline.run(small(setting), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_generator_needs_a_judge(tmp_path):
    with pytest.raises(RecipeError, match=r"needs a \[judge\]"):
        pipeline.run(replace(small(), judge=None), tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["judge.config={input_shape=[8, 8, 1], hidden=[4], classes=10}"], "10 outputs, and the data have 11 classes"),
        (["data={name='iris'}"], "learns from images; the data give features"),
        (["judge.config={input_shape=[9, 9, 1], hidden=[4], classes=11}"], "takes image 9×9×1"),
    ],
)
def test_a_judge_that_does_not_fit_is_one_clear_line(tmp_path, settings, words):
    with pytest.raises(RecipeError, match=words):
        pipeline.run(small(*settings), tmp_path / "out")
