"""The benchmark times what it says, and compares in turn."""

from __future__ import annotations

import pytest

from mobilenn.bench import BenchConfig, bench, bench_training, compare
from mobilenn.core import store
from mobilenn.core.errors import ArtifactError, RecipeError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two networks, one with four hundred times the work of the other."""
    from mobilenn import networks
    from mobilenn.convert.flatbuffer import to_flatbuffer
    from mobilenn.convert.training import training_parts
    from mobilenn.core.precision import Precision
    from mobilenn.core.recipe import Trainable
    from mobilenn.tflite.merge import SIGNATURE, merge

    folder = tmp_path_factory.mktemp("bench")
    for name, hidden in (("small", [8]), ("large", [1024, 1024, 1024])):
        model = networks.make("mlp", {"input_shape": [64], "hidden": hidden, "classes": 3})
        (folder / f"{name}.tflite").write_bytes(to_flatbuffer(model, Precision.FLOAT32))
    model = networks.make("mlp", {"input_shape": [64], "hidden": [512], "classes": 3})
    parts = training_parts(model, Trainable(batch_size=64))
    (folder / "trainable.tflite").write_bytes(merge({SIGNATURE: to_flatbuffer(model, Precision.FLOAT32), **parts}))
    return folder


QUICK = {"warmup_s": 0.01, "max_seconds": 0.1, "min_runs": 20}


@pytest.mark.parametrize("api", ["interpreter", "compiled_model"])
def test_every_thread_count_is_timed(files, api):
    events = []
    found = bench(files / "small.tflite", BenchConfig(threads=(1, 2), api=api, **QUICK), events.append)
    assert [row.threads for row in found.latency_ms] == [1, 2]
    assert all(row.runs >= 20 and 0 < row.min <= row.median <= row.p90 for row in found.latency_ms)
    assert found.sha256 == store.sha256_file(files / "small.tflite")
    assert len(events) == 2


def test_more_work_takes_longer_and_more_memory(files):
    found = compare([files / "small.tflite", files / "large.tflite"], BenchConfig(threads=(1,), **QUICK), rounds=3)
    small, large = found.files
    assert large.min > 3 * small.min
    config = BenchConfig(threads=(1,), **QUICK)
    memory = [bench(files / f"{name}.tflite", config).peak_memory_bytes for name in ("small", "large")]
    assert memory[1] > memory[0] + 4_000_000


def test_the_profile_sees_inside_the_delegate(files):
    """Three dense layers and the classifier; the matrix products take nearly all of the time."""
    found = bench(files / "large.tflite", BenchConfig(threads=(1,), **QUICK)).profile
    first = found[0]
    assert "Fully Connected" in first.operator
    assert first.count == 4
    assert first.share > 0.9
    assert sum(row.ms for row in found) < 100


@pytest.mark.parametrize("api", ["interpreter", "compiled_model"])
def test_a_file_that_can_be_trained_has_its_calls_timed(files, api):
    config = BenchConfig(threads=(1,), api=api, **QUICK)
    found = bench_training(files / "trainable.tflite", config)
    assert found.batch_size == 64
    assert found.weights == {"hidden1_kernel": (512, 64), "logits_kernel": (3, 512)} | {
        "hidden1_bias": (512,),
        "logits_bias": (3,),
    }
    assert [signature.key for signature in found.signatures] == ["initial_weights", "prepare", "train", "infer"]
    assert found.calls_ms["train"].median > found.calls_ms["infer"].median > found.calls_ms["prepare"].median > 0
    assert bench_training(files / "small.tflite", config) is None


def test_timing_stops_once_the_median_is_known(files):
    wide = BenchConfig(threads=(1,), warmup_s=0.01, max_seconds=20.0, min_runs=10, interval=0.9)
    assert bench(files / "small.tflite", wide).latency_ms[0].runs < 1000


@pytest.mark.parametrize("values", [{"threads": ()}, {"threads": (0,)}, {"interval": 0.0}, {"max_seconds": 0.0}])
def test_settings_out_of_range_are_named(values):
    with pytest.raises(RecipeError, match=r"\[bench\]"):
        BenchConfig(**values)


def test_a_missing_file_is_one_error(tmp_path):
    with pytest.raises(ArtifactError, match="no file"):
        bench(tmp_path / "none.tflite")
    assert list(tmp_path.iterdir()) == []
