"""One kit for every dataset that travels with a library."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core.vocabulary import Vocabulary

EMBEDDED = (
    *("mnist5k", "moving_digits", "logic", "iris", "wine", "breast_cancer", "diabetes", "autompg"),
    *("digits", "baskets", "queries", "ratings", "episodes"),
    *("date_phrases", "docstring_summaries", "docstring_text", "docstring_topics", "keywords"),
)
SMALL = {
    "moving_digits": {"clips": 100},
    "logic": {"points": 100},
    "baskets": {"baskets": 400},
    "queries": {"queries": 100},
    "ratings": {"users": 400},
    "date_phrases": {"phrases": 2000},
    "docstring_topics": {"most": 40},
    "keywords": {"synthesiser": "formant", "clips": 120, "speakers": 9},
}
DTYPES = {  # of raw values, by the input's name
    **dict.fromkeys(("image", "clip"), np.uint8),
    **dict.fromkeys(("features", "frames", "basket", "liked", "observation"), np.float32),
    **dict.fromkeys(("tokens", "source", "target_in"), np.int32),
    "audio": np.int16,
}


@pytest.fixture(params=EMBEDDED, scope="module")
def name(request):
    return request.param


def load(name, seed=1):
    return data.load(name, SMALL.get(name, {}), seed)


def rows(split):
    array = next(iter(split.inputs.values()))
    return [row.tobytes() for row in np.asarray(array[np.arange(len(split))])]


def test_every_dataset_is_in_the_kit_or_needs_a_file():
    own = {"csv", "npz", "image_folder", "audio_folder", "tsv", "text_folder", "baskets_csv", "ratings_csv"}
    downloaded = {"mnist", "fashion_mnist", "cifar10", "cifar100", "imdb", "speech_commands"}
    assert set(data.names()) == own | downloaded | set(EMBEDDED)


def test_it_can_be_trained_on(name):
    dataset = load(name)
    data.validate(dataset)
    assert dataset.description.endswith(".")
    for split in (dataset.train, dataset.validation, dataset.test):
        of_tokens = "vocabulary" in dataset.preprocessing
        assert split.targets.dtype == (np.int64 if dataset.labels else np.int32 if of_tokens else np.float32)
        for key, array in split.inputs.items():
            assert array.dtype == DTYPES[key]


def test_tokens_are_of_the_vocabulary_that_travels(name):
    dataset = load(name)
    if "vocabulary" not in dataset.preprocessing:
        return
    vocabulary = Vocabulary.from_dict(json.loads(json.dumps(dataset.preprocessing))["vocabulary"])
    for split in (dataset.train, dataset.validation, dataset.test):
        arrays = [*split.inputs.values(), *([] if dataset.labels else [split.targets])]
        for array in arrays:
            assert array.min() >= 0
            assert array.max() < len(vocabulary)
            assert vocabulary.decode(array[0])


def test_no_row_stands_in_two_splits(name):
    dataset = load(name)
    train, validation, test = (set(rows(s)) for s in (dataset.train, dataset.validation, dataset.test))
    doubles = {"iris": 2, "baskets": 400}.get(name, 0)  # flowers with equal measurements; two buy the same
    assert len(train & test) + len(train & validation) + len(validation & test) <= doubles


def test_the_same_seed_gives_the_same_splits_and_any_seed_the_same_test(name):
    first, again, other = load(name), load(name), load(name, seed=2)
    assert rows(first.train) == rows(again.train)
    assert rows(first.test) == rows(other.test)
    assert rows(first.train) != rows(other.train)


def test_its_fingerprint_is_stable_and_cheap(name):
    started = time.perf_counter()
    first = data.fingerprint(name, SMALL.get(name, {}))
    assert time.perf_counter() - started < 1.0
    assert first == data.fingerprint(name, SMALL.get(name, {}))


def test_calibration_samples_take_classes_in_turn(name):
    dataset = load(name)
    samples = data.representative(dataset.train, 20, seed=3)
    assert len(samples) == 20
    for sample in samples:
        assert sample.keys() == dataset.train.inputs.keys()
        for key, value in sample.items():
            assert value.dtype == (np.int32 if DTYPES[key] == np.int32 else np.float32)
            assert value.shape == (1, *dataset.train.inputs[key].shape[1:])
    again = data.representative(dataset.train, 20, seed=3)
    assert all(np.array_equal(a[key], b[key]) for a, b in zip(samples, again, strict=True) for key in a)


def test_golden_inputs_are_raw_rows_of_the_split(name):
    dataset = load(name)
    array = next(iter(data.golden(dataset.test, 8).values()))
    assert len(array) == 8
    assert {row.tobytes() for row in array} <= set(rows(dataset.test))
