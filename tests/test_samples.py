"""Which samples a report shows, and what of each."""

from __future__ import annotations

import numpy as np
import pytest

from mobilenn import samples as module
from mobilenn.core.vocabulary import SPECIAL, Vocabulary
from mobilenn.data import Dataset, Split
from mobilenn.runtime.alignment import Alignment
from mobilenn.samples import samples


def dataset(inputs, targets, labels=(), preprocessing=None):
    split = Split(inputs=inputs, targets=targets)
    return Dataset(
        train=split,
        validation=split,
        test=split,
        labels=labels,
        description="made.",
        preprocessing=preprocessing or {},
    )


def test_wrong_ones_come_first_with_images_and_predictions():
    images = np.arange(40 * 4 * 4, dtype=np.uint16).reshape(40, 4, 4, 1).astype(np.uint8)
    good = np.tile(np.array([0.9, 0.1], np.float32), (40, 1))
    bad = good.copy()
    bad[33] = [0.2, 0.8]
    data = dataset({"image": images}, np.zeros(40, np.int64), ("cat", "dog"))
    shown = samples(data, {"float": {"probabilities": good}, "int8": {"probabilities": bad}})
    assert len(shown) == module.COUNT
    assert shown[0]["index"] == 33
    assert shown[0]["predictions"]["int8"] == {"label": "dog", "confidence": pytest.approx(0.8)}
    assert shown[0]["target"] == "cat"
    assert all(sample["image"].startswith("data:image/png;base64,") for sample in shown)
    assert all(sample["weights"] == {} for sample in shown)
    assert len({sample["index"] for sample in shown}) == len(shown)


def test_regression_shows_values():
    data = dataset({"features": np.zeros((3, 2), np.float32)}, np.array([[1.5], [2], [3]], np.float32))
    shown = samples(data, {"float": {"value": np.array([[1.25], [2], [3]], np.float32)}})
    first = next(sample for sample in shown if sample["index"] == 0)
    assert first["target"] == "1.5"
    assert first["predictions"]["float"]["label"] == "1.25"
    assert first["image"] == ""


def test_rows_without_labels_belong_to_clusters():
    data = dataset({"features": np.zeros((2, 2), np.float32)}, np.zeros((2, 1), np.float32))
    made = {"probabilities": np.array([[0.25, 0.75], [1.0, 0.0]], np.float32), "distances": np.zeros((2, 2))}
    shown = {row["index"]: row for row in samples(data, {"float": made})}
    assert shown[0]["predictions"]["float"] == {"label": "cluster 2", "confidence": 0.75}
    assert shown[1]["predictions"]["float"] == {"label": "cluster 1", "confidence": 1.0}
    assert shown[0]["target"] == "–"


def test_a_text_shows_its_tokens_and_their_weights_without_the_padding():
    vocabulary = Vocabulary.fit(["open the lock", "close the file"], "word", 20)
    tokens = vocabulary.encode_all(["open the door", ""], 5)
    made = {"probabilities": np.array([[0.9, 0.1]] * 2), "attention": np.array([[0.5, 0.25, 0.25, 0, 0], [0.2] * 5])}
    data = dataset(
        {"tokens": tokens}, np.zeros(2, np.int64), ("a", "b"), {"vocabulary": vocabulary.to_dict(), "length": 5}
    )
    of_a_file = dict(sorted(made.items()))  # its outputs stand in another order
    shown = {row["index"]: row for row in samples(data, {"float": made, "int8": of_a_file}, ("float", ""))}
    assert shown[0]["predictions"]["int8"] == shown[0]["predictions"]["float"] == {"label": "a", "confidence": 0.9}
    assert shown[0]["text"] == ["open", "the", "<unk>"]
    assert shown[0]["weights"] == {"float": [0.5, 0.25, 0.25]}
    assert shown[1]["text"] == []
    assert shown[1]["image"] == ""


def test_a_clip_is_a_strip_and_each_frame_has_a_weight():
    clips = np.zeros((1, 3, 4, 4, 1), np.uint8)
    made = {"probabilities": np.array([[0.9, 0.1]]), "attention": np.array([[0.12345, 0.5, 0.3]])}
    (shown,) = samples(dataset({"clip": clips}, np.zeros(1, np.int64), ("a", "b")), {"int8": made}, ("int8",))
    assert shown["image"].startswith("data:image/png;base64,")
    assert shown["weights"] == {"int8": [0.123, 0.5, 0.3]}


def test_a_translation_is_shown_as_text_wrong_ones_first():
    known = Vocabulary(kind="word", tokens=(*SPECIAL, "one", "two", "three"))
    source = known.encode_all(["one", "two", "three"], 3)
    targets = known.encode_all(["two", "three", "one"], 3, end=True)
    said = known.encode_all(["two", "three", "three"], 3, end=True)
    preprocessing = {"vocabulary": known.to_dict()}
    data = dataset({"source": source, "target_in": targets}, targets, preprocessing=preprocessing)
    first, *rest = samples(data, {"float": {"tokens": said, "log_probability": np.zeros((3, 3))}})
    assert (first["text"], first["target"], first["predictions"]["float"]["label"]) == (["three"], "one", "three")
    assert len(rest) == 2
    assert {sample["predictions"]["float"]["label"] for sample in rest} == {"two", "three"}


def test_a_text_written_from_a_text_shows_what_was_looked_at(monkeypatch, tmp_path):
    known = Vocabulary(kind="word", tokens=(*SPECIAL, "one", "two", "three"))
    source = known.encode_all(["one", "two", "three"], 3)
    targets = known.encode_all(["two", "three", "one"], 3, end=True)
    asked = []

    def played(path, source, said, vocabulary):
        asked.append((path, source.tolist(), said.tolist()))
        texts = [tuple(vocabulary.tokens[token] for token in row if token) for row in source]
        return [Alignment(source=text, said=("two",), weights=np.full((1, 1), 0.2)) for text in texts]

    monkeypatch.setattr("mobilenn.runtime.alignment.alignments", played)
    data = dataset({"source": source, "target_in": targets}, targets, preprocessing={"vocabulary": known.to_dict()})
    outputs = {"float": {"tokens": targets}, "int8": {"tokens": targets[:, ::-1].copy()}}
    path = tmp_path / "model.tflite"
    shown = samples(data, outputs, ("float", "int8"), path)
    order = [row["index"] for row in shown]
    assert asked == [(path, source[order].tolist(), outputs["int8"]["tokens"][order].tolist())]
    for row in shown:
        assert row["alignment"] == {"model": "int8", "said": ["two"], "source": row["text"], "rows": ["33"]}
    assert all(row["alignment"] is None for row in samples(data, outputs, ("float", "")))
    assert len(asked) == 1


def test_characters_are_shown_in_one_piece():
    known = Vocabulary(kind="character", tokens=(*SPECIAL, "1", " ", "m", "a", "y"))
    tokens = known.encode_all(["1 may", "may"], 6)
    data = dataset({"tokens": tokens}, np.array([0, 1]), ("a", "b"), {"vocabulary": known.to_dict()})
    made = {"float": {"probabilities": np.eye(2, dtype=np.float32)}}
    assert sorted(row["text"] for row in samples(data, made)) == [["1 may"], ["may"]]


def test_a_basket_is_shown_by_the_names_of_its_items():
    baskets = np.array([[1, 0, 1], [0, 0, 0]], np.float32)
    made = {"probabilities": np.array([[0.0, 0.75, 0.0], [0.0, 0.0, 0.0]])}
    data = dataset({"basket": baskets}, np.array([1, 2]), ("bread", "butter", "jam"))
    shown = {row["index"]: row for row in samples(data, {"float": made})}
    assert shown[0]["text"] == ["bread", "jam"]
    assert shown[0]["predictions"]["float"] == {"label": "butter", "confidence": 0.75}
    assert shown[1]["text"] == []
