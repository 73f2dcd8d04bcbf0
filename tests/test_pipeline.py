"""A small recipe from end to end: what is written, what is reused, what is refused."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import zipfile

import pytest

from mobilenn import pipeline
from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import ConversionError, DataError, RecipeError, VerificationError
from mobilenn.stages import tflite

SMALL = (
    "config.hidden=[16]",
    "train.epochs=3",
    "floor={accuracy=0.5}",
    "max_drop=0.05",
    "bench={threads=[1], max_seconds=0.2}",
    'variants={float32={precision="float32"}, int8={precision="int8"}, '
    'pruned={precision="dynamic_int8", prune={sparsity=0.5, epochs=1}}}',
)


def small(*settings):
    return recipes.load("mlp", [*SMALL, *settings])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    events = []
    return out, pipeline.run(small(), out, on_event=events.append), events


@pytest.fixture
def out(finished, tmp_path):
    """A copy of the finished run, to harm."""
    return shutil.copytree(finished[0], tmp_path / "out")


def stages(events, state):
    return [(event["stage"], event["name"]) for event in events if event.get("state") == state]


def test_a_run_writes_what_later_work_relies_on(finished):
    out, report, _ = finished
    assert json.loads((out / "report.json").read_text()) == report
    for name in ("report.html", "report.md"):
        assert (out / name).stat().st_size > 1000
    assert report["recommended"] in report["variants"]
    for name, row in report["variants"].items():
        path = out / name / "model.tflite"
        assert row["status"] == "accepted"
        assert row["sha256"] == store.sha256_file(path)
        assert row["size_bytes"] == path.stat().st_size
        assert 0 < row["zip_bytes"] <= row["size_bytes"] * 1.1
        assert set(row["latency_ms"]) >= {"median", "p90", "threads"}
        assert row["latency_ms"]["threads"] == 1
        assert row["metric_drop"] == pytest.approx(report["float"]["metric"] - row["metric"])


def test_float32_computes_what_was_trained(finished):
    _, report, _ = finished
    parity = report["variants"]["float32"]["parity"]["probabilities"]
    assert parity["max_abs"] < 1e-5
    assert parity["golden_max_abs"] < 1e-5


def test_the_file_carries_labels_and_golden_pairs(finished):
    out, _, _ = finished
    with zipfile.ZipFile(out / "int8" / "model.tflite") as archive:
        assert archive.read("labels.txt").decode().split() == [str(digit) for digit in range(10)]
        assert any(name.startswith("golden/inputs/") for name in archive.namelist())


def test_pruning_leaves_zeros_in_the_file(finished):
    _, report, _ = finished
    assert report["variants"]["pruned"]["sparsity"] > 0.45
    assert report["variants"]["int8"]["sparsity"] < 0.3


def test_an_unchanged_run_does_nothing(out):
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    events = []
    pipeline.run(small(), out, on_event=events.append)
    assert stages(events, "start") == []
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before


def test_a_moved_folder_is_still_good(finished, tmp_path):
    moved = shutil.copytree(finished[0], tmp_path / "elsewhere" / "deep")
    events = []
    pipeline.run(small(), moved, on_event=events.append)
    assert stages(events, "start") == []


def test_a_damaged_file_is_made_again_byte_for_byte(finished, out):
    path = out / "int8" / "model.tflite"
    good = path.read_bytes()
    path.write_bytes(good[:-100])
    events = []
    pipeline.run(small(), out, on_event=events.append)
    assert path.read_bytes() == good
    assert ("quantize", "int8") in stages(events, "start")
    assert ("train", "train") in stages(events, "reused")


def test_a_stage_made_anew_gives_the_same_bytes(finished, out):
    digests = {name: row["sha256"] for name, row in finished[1]["variants"].items()}
    shutil.rmtree(out / "stages")
    for name in digests:
        shutil.rmtree(out / name)
    report = pipeline.run(small(), out)
    assert {name: row["sha256"] for name, row in report["variants"].items()} == digests


@pytest.mark.gpu
def test_a_gpu_makes_the_same_files_twice_and_they_compute_what_it_trained(tmp_path):
    variants = (
        'variants={float32={precision="float32"}, qat={precision="int8", qat={epochs=1}}, '
        'pruned={precision="int8", prune={sparsity=0.5, epochs=1}}}'
    )
    settings = ("train.epochs=4", "floor={accuracy=0.9}", "bench={threads=[1], max_seconds=0.2}", "baselines={}")
    recipe = recipes.load("alexnet", [*settings, "max_drop=0.05", variants])
    first, second = (pipeline.run(recipe, tmp_path / name)["variants"] for name in ("first", "second"))
    assert {name: row["status"] for name, row in first.items()} == dict.fromkeys(first, "accepted")
    assert {n: row["sha256"] for n, row in first.items()} == {n: row["sha256"] for n, row in second.items()}
    assert first["float32"]["parity"]["probabilities"]["max_abs"] < 1e-5


def test_what_the_recipe_no_longer_asks_for_is_removed(out):
    pipeline.run(small('variants={float32={precision="float32"}}'), out)
    assert not (out / "int8").exists()
    assert [path.name for path in (out / "stages").iterdir() if path.is_dir()] == ["train"]


def test_a_variant_past_the_drop_is_rejected_with_its_figure(out):
    report = pipeline.run(small("max_drop=0.0", "floor={accuracy=0.0}"), out)
    rejected = {name: row for name, row in report["variants"].items() if row["metric_drop"] > 0}
    for row in rejected.values():
        assert row["status"] == "rejected"
        assert "dropped by" in row["reason"]
    assert report["recommended"] not in rejected


def test_a_run_without_an_acceptable_variant_fails_and_says_by_how_much(out):
    with pytest.raises(VerificationError) as caught:
        pipeline.run(small("floor={accuracy=0.9999}"), out)
    assert "floor is 0.9999" in caught.value.message
    assert json.loads((out / "report.json").read_text())["recommended"] == ""


def test_a_variant_that_cannot_be_made_fails_alone(out, monkeypatch):
    def refuse(place, name, *_):
        if name == "int8":
            raise ConversionError("the quantizer refused")
        return made(place, name, *_)

    made = tflite.quantize
    monkeypatch.setattr(tflite, "quantize", refuse)
    report = pipeline.run(small(), out)
    assert report["variants"]["int8"]["status"] == "failed"
    assert report["variants"]["int8"]["reason"] == "the quantizer refused"
    assert report["variants"]["float32"]["status"] == "accepted"


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        (["data.name=mnist6k"], RecipeError, "mnist5k"),
        (["network=mpl"], RecipeError, "mlp"),
        (["config.hiden=[3]"], RecipeError, "hidden"),
        (["train.epoch=3"], RecipeError, "epochs"),
        (["train.learning_rate=-1"], RecipeError, "learning_rate"),
        (["data={name='csv', path='/nowhere.csv', target='x'}"], DataError, "nowhere"),
        (["task=clasification"], RecipeError, "classification"),
    ],
)
def test_bad_recipes_are_one_error_and_leave_no_model(tmp_path, settings, kind, words):
    with pytest.raises(kind) as caught:
        pipeline.run(small(*settings), tmp_path / "out")
    assert words in str(caught.value)
    assert not list(tmp_path.rglob("*.tflite"))
    assert not list(tmp_path.rglob(f"*{store.PARTIAL}"))


def test_a_full_disk_is_one_error_and_leaves_nothing_half_written(tmp_path):
    """RLIMIT_FSIZE makes every write past 64 kB fail, as a full disk does."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "mobilenn", "run", "mlp", "--out", str(out)]
    command += [part for setting in SMALL for part in ("--set", setting)]
    command += ["--set", "config.hidden=[512]"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, 64 << 10))  # noqa: E731
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, preexec_fn=limit)
    assert done.returncode == 10, done.stderr
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(out.rglob("*.npz"))
    assert not list(out.rglob(f"*{store.PARTIAL}"))


def test_stages_can_be_run_one_by_one(tmp_path):
    out = tmp_path / "out"
    events = []
    recipe = small('variants={int8={precision="int8"}}')
    for until in ("train", "convert", "quantize", "verify"):
        result = pipeline.run(recipe, out, until=until, on_event=events.append)
        assert result["files"]
    report = pipeline.run(recipe, out, on_event=events.append)
    assert report["recommended"]
    started = stages(events, "start")
    assert len(started) == len(set(started))


def test_a_baseline_is_trained_shown_and_has_to_be_reached(out):
    weak = "baselines={narrow={config={hidden=[1]}}}"
    report = pipeline.run(small(weak), out)
    assert report["baselines"]["narrow"]["parameters"] == 785 + 20
    assert report["baselines"]["narrow"]["metric"] < report["variants"]["int8"]["metric"]
    assert "hidden = \\[1\\]" in (out / "report.md").read_text()
    assert "hidden = [1]" in (out / "report.html").read_text()
    strong = "baselines={wide={config={hidden=[64]}}}"
    with pytest.raises(VerificationError, match=r"the recipe's baseline 'wide' is 0\.\d{4}"):
        pipeline.run(small(strong), out)
    assert not (out / "stages" / "baseline-narrow").exists()


def test_a_baseline_that_the_task_cannot_compute_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="no baseline of classification 'lead'"):
        pipeline.run(small('baselines={lead={method="lead"}}'), tmp_path / "out")
    assert not (tmp_path / "out").exists()
