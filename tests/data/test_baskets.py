"""Baskets: what is generated, what is read, what is held out, and every fault with its line."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn import data
from mobilenn.core.errors import DataError, MobilennError, RecipeError
from mobilenn.data.baskets import ITEMS, PLANTED, generate

LINES = ["bread, butter,jam", "milk,bread", "tea", '"olive oil",milk'] * 10


def written(path, lines, **more):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"path": str(path), **more}


def test_planted_rules_hold_and_no_basket_is_empty():
    made = generate(4000, np.random.default_rng(5))
    number = {item: place for place, item in enumerate(ITEMS)}
    assert made.sum(1).min() >= 2
    for antecedent, consequent, probability in PLANTED:
        whole = made[:, [number[item] for item in antecedent]].all(1)
        assert whole.sum() > 50
        assert made[whole, number[consequent]].mean() > probability - 0.1


def test_the_item_held_out_is_not_in_the_basket():
    dataset = data.load("baskets", {"baskets": 300}, 3)
    for split in (dataset.train, dataset.validation, dataset.test):
        assert not split.inputs["basket"][np.arange(len(split)), split.targets].any()
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 300
    whole = dataset.train.inputs["basket"].astype(bool)
    whole[np.arange(len(whole)), dataset.train.targets] = True
    np.testing.assert_array_equal(dataset.test.context["baskets"], whole)


def test_a_csv_of_baskets_is_read(tmp_path):
    dataset = data.load("baskets_csv", written(tmp_path / "b.csv", LINES, support=0.2, most=2), 1)
    data.validate(dataset)
    assert dataset.labels == ("bread", "butter", "jam", "milk", "olive oil", "tea")
    assert dataset.preprocessing["support"] == dataset.test.context["support"] == 0.2
    assert dataset.description == "40 baskets of b.csv, 6 different items."


def test_an_item_that_no_training_basket_holds_is_left_out(tmp_path):
    for seed in range(20):  # in one of them the rare basket is not trained on
        dataset = data.load("baskets_csv", written(tmp_path / "b.csv", [*LINES, "caviar"]), seed)
        data.validate(dataset)
        if "caviar" not in dataset.labels:
            assert dataset.description.endswith("1 items that hardly any training basket holds are left out.")
            return
    pytest.fail("caviar was always trained on")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("", "b.csv:41: the basket is empty"),
        (" , ", "b.csv:41: the basket is empty"),
        ("bread,,milk", "b.csv:41: an empty cell"),
        ("bread,milk, bread", "b.csv:41: 'bread' stands there 2 times"),
        ("bread,mlik", "b.csv:41: 'mlik' is not among data.items"),
    ],
)
def test_a_fault_is_listed_with_its_line(tmp_path, line, fault):
    known = ["bread", "butter", "jam", "milk", "olive oil", "tea"]
    with pytest.raises(DataError) as caught:
        data.load("baskets_csv", written(tmp_path / "b.csv", [*LINES, line, "tea"], items=known), 1)
    assert caught.value.faults == (fault,)


@pytest.mark.parametrize(
    ("lines", "message"),
    [(LINES[:10], "10 baskets of 6 items; 20 and 2 are needed"), (["tea"] * 30, "30 baskets of 1 items")],
)
def test_too_little_to_learn_from_is_a_fault(tmp_path, lines, message):
    with pytest.raises(DataError) as caught:
        data.load("baskets_csv", written(tmp_path / "b.csv", lines), 1)
    assert message in caught.value.faults[0]


@pytest.mark.parametrize(
    "settings_", [{"support": 0.0}, {"confidence": 1.5}, {"most": 0}, {"validation": 0.0}, {"baskets": 5}]
)
def test_a_setting_out_of_range_is_refused(settings_):
    with pytest.raises(RecipeError, match=next(iter(settings_))):
        data.load("baskets", settings_, 1)


def test_what_is_no_csv_is_refused(tmp_path):
    with pytest.raises(DataError, match="There is no file"):
        data.load("baskets_csv", {"path": str(tmp_path / "none.csv")}, 1)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00bread")
    with pytest.raises(DataError, match="not a readable"):
        data.load("baskets_csv", {"path": str(tmp_path / "b.csv")}, 1)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='abc,; "\n\r\tü\x00', max_size=200))
def test_any_text_gives_baskets_or_an_error_of_ours(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "b.csv"
    path.write_bytes(text.encode())
    with contextlib.suppress(MobilennError):
        data.validate(data.load("baskets_csv", {"path": str(path)}, 1))
