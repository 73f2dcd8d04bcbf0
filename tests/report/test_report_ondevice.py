"""A file that can be trained, on every page alike: its signatures, its lesson, its calls' times."""

from __future__ import annotations

from typing import Any

import pytest

from mobilenn.report import card, html, markdown, view, view_ondevice
from mobilenn.report.figures import lesson as figure
from mobilenn.report.palette import FLOAT
from mobilenn.report.schema import parse
from mobilenn.report.schema_file import Lesson

WEIGHTS = {"hidden_kernel": [8, 4], "hidden_bias": [8], "logits_kernel": [3, 8]}
ROWS = {"prepared": [16, 4], "target": [16], "learning_rate": [1]}


def tensors(shapes: dict[str, list[int]]) -> list[dict[str, Any]]:
    dtypes = {"target": "int32"}
    return [{"name": n, "shape": s, "dtype": dtypes.get(n, "float32")} for n, s in sorted(shapes.items())]


def signatures(weights: dict[str, list[int]]) -> list[dict[str, Any]]:
    state = {**weights, **{f"velocity_{name}": shape for name, shape in weights.items()}}
    after = {f"next_{name}": shape for name, shape in state.items()}
    ends = {
        "initial_weights": ({"gain": [1]}, weights),
        "prepare": ({"image": [1, 2, 2, 1]}, {"prepared": [1, 4]}),
        "train": ({**ROWS, **state}, {"loss": [1], **after}),
        "infer": ({"image": [1, 2, 2, 1], **weights}, {"probabilities": [1, 3]}),
    }
    return [{"key": key, "inputs": tensors(i), "outputs": tensors(o)} for key, (i, o) in ends.items()]


@pytest.fixture
def trainable(report: dict[str, Any]) -> dict[str, Any]:
    time = report["variants"]["float32"]["latency_ms"]
    calls = {key: {**time, "median": ms} for key, ms in (("prepare", 0.01), ("train", 0.8), ("infer", 0.02))}
    learns = {"batch_size": 16, "weights": WEIGHTS, "signatures": signatures(WEIGHTS), "calls_ms": calls}
    recited = {"expected": [2.5, 1.25], "found": [2.5, 1.2500012], "error": 4.8e-7}
    row = report["variants"]["float32"]
    more = {"size_bytes": row["size_bytes"] + 20_480, "on_device": learns, "lesson": recited}
    report["variants"] = {"phone": {**row, **more}, **report["variants"]}
    report["recipe"]["variants"]["phone"] = {"precision": "float32", "trainable": {"batch_size": 16}}
    return report


def test_every_page_tells_what_training_takes(trainable: dict[str, Any]) -> None:
    parsed = parse(trainable)
    wanted = [
        "What learns is hidden and logits: 64 numbers, 256 B for an app to keep.",
        "A call of train takes 16 samples, 0.0500 ms a sample.",
        "20.5 kB more than one in float32 that only answers",
        "prepared 16×4, target 16 int32, learning_rate 1, the 3 weights, a ",
        "hidden_kernel 8×4",
        "image 1×2×2×1",
        "0.800 ms",
        "1.250001",
        "4.8e-07; 0.0001 is allowed",
    ]
    for text in (markdown.render(parsed), card.card(trainable), html.render(parsed)):
        assert [part for part in wanted if part not in text] == []
    assert 'href="#ondevice"' in html.render(parsed)
    assert 'id="lesson-0-title"' in html.render(parsed)


def test_what_follows_each_weight_is_one_word(trainable: dict[str, Any]) -> None:
    (row,) = view_ondevice.trained(parse(trainable))
    by_key = {cells[0]: cells for cells in row.signatures}
    assert by_key["train"][3] == "loss 1, a next_… of each weight, a next_velocity_… of each"
    assert by_key["infer"][2] == "image 1×2×2×1, the 3 weights"
    assert by_key["initial_weights"][3] == "hidden_kernel 8×4, hidden_bias 8, logits_kernel 3×8"
    assert by_key["initial_weights"][4] == "once"
    assert [cells[3] for cells in row.lesson] == ["0", "1.2e-06"]


def test_few_weights_are_listed_by_name(trainable: dict[str, Any]) -> None:
    alone = {"centroids": [4, 2]}
    found = trainable["variants"]["phone"]["on_device"]
    found |= {"weights": alone, "signatures": signatures(alone)}
    (row,) = view_ondevice.trained(parse(trainable))
    assert row.words.startswith("What learns is centroids: 8 numbers")
    assert "centroids 4×2, velocity_centroids 4×2" in row.signatures[2][2]
    assert "Lloyd's iterations gave in numpy" in row.verdict


def test_the_verdict_tells_of_compiled_model_where_it_was_asked(trainable: dict[str, Any]) -> None:
    trainable["variants"]["phone"]["compiled_model"] = {"lesson_losses": 3.1e-7}
    (row,) = view_ondevice.trained(parse(trainable))
    assert "4.8e-07 (3.1e-07 in CompiledModel); 0.0001 is allowed" in row.verdict


def test_without_a_lesson_there_is_none(trainable: dict[str, Any]) -> None:
    trainable["variants"]["phone"]["lesson"] = None
    parsed = parse(trainable)
    (row,) = view_ondevice.trained(parsed)
    assert (row.lesson, row.verdict) == ((), "")
    assert "Before step" not in html.render(parsed) + markdown.render(parsed)


def test_a_report_without_such_a_file_says_nothing(report: dict[str, Any]) -> None:
    parsed = parse(report)
    assert view_ondevice.trained(parsed) == []
    for text in (markdown.render(parsed), card.card(report), html.render(parsed)):
        assert "Training where the file runs" not in text
        assert "#ondevice" not in text


def test_the_plain_file_is_what_others_are_held_against(trainable: dict[str, Any]) -> None:
    trainable["variants"]["phone"]["zip_bytes"] = 1
    download = next(figure for figure in view.verdict_figures(parse(trainable)) if figure.title == "Download")
    assert "× smaller than float32" in download.note
    assert not download.note.startswith("0.0×")


def test_the_curve_shows_where_the_losses_begin_and_end() -> None:
    drawn = figure.curve(0, Lesson(expected=(2.0, 1.0), found=(2.0, 1.0), error=0.0), FLOAT)
    assert "from 2.00 to 1.00" in drawn
    assert figure.curve(0, Lesson(expected=(2.0, None), found=(2.0, 1.0), error=None), FLOAT) == ""
