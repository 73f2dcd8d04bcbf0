"""Ratings: what is generated, what is read, what is held out, and every fault with its line."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobilenn import data
from mobilenn.core.errors import DataError, MobilennError, RecipeError
from mobilenn.data.ratings import generate

GOOD = [f"u{user},i{(user + step) % 7},{5 - step % 3},x" for user in range(40) for step in range(4)]


def written(path, lines, header="user,item,rating,when"):
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return {"path": str(path)}


def test_generated_ratings_are_one_to_five_or_none():
    made = generate(200, 30, np.random.default_rng(1))
    assert set(np.unique(made)) <= set(range(6))
    assert 0.02 < (made > 0).mean() < 0.3


def test_training_has_a_row_for_each_liked_item_and_users_do_not_meet():
    dataset = data.load("ratings", {"users": 300, "films": 40}, 2)
    data.validate(dataset)
    for split in (dataset.train, dataset.validation, dataset.test):
        rows = np.arange(len(split))
        assert not split.inputs["liked"][rows, split.targets].any()
        assert split.inputs["liked"].sum(1).min() >= 1
    whole = dataset.train.inputs["liked"].copy()
    whole[np.arange(len(whole)), dataset.train.targets] = 1
    users, counts = np.unique(whole, axis=0, return_counts=True)
    assert (counts % users.sum(1) == 0).all()


def test_a_csv_of_ratings_is_read(tmp_path):
    dataset = data.load("ratings_csv", written(tmp_path / "r.csv", GOOD), 1)
    data.validate(dataset)
    assert dataset.labels == tuple(f"i{number}" for number in range(7))
    assert dataset.description == "160 ratings of r.csv: 7 items, 40 users."
    assert len(dataset.validation) + len(dataset.test) == 16


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",i1,3,x", "r.csv:162: user is empty"),
        ("u1, ,3,x", "r.csv:162: item is empty"),
        ("u1,i9,good,x", "r.csv:162: rating is 'good'"),
        ("u1,i9,,x", "r.csv:162: rating is empty"),
        ("u1,i9,nan,x", "r.csv:162: rating is 'nan'"),
        ("u1,i1,3,x", "r.csv:162: 'u1' rates 'i1' twice"),
        ("u1,i9", "r.csv:162: 2 cells; the header has 4"),
    ],
)
def test_a_fault_is_listed_with_its_line(tmp_path, line, fault):
    with pytest.raises(DataError) as caught:
        data.load("ratings_csv", written(tmp_path / "r.csv", [*GOOD, line]), 1)
    assert caught.value.faults == (fault,)


def test_users_who_like_nothing_are_too_few(tmp_path):
    with pytest.raises(DataError) as caught:
        data.load("ratings_csv", {**written(tmp_path / "r.csv", GOOD), "liked": 6.0}, 1)
    assert "0 users like two items or more; 20 are needed" in caught.value.faults[0]


def test_a_column_that_is_not_there_names_the_nearest(tmp_path):
    with pytest.raises(DataError, match="no column 'rating'") as caught:
        data.load("ratings_csv", written(tmp_path / "r.csv", GOOD, header="user,item,ratings,when"), 1)
    assert "'ratings'" in caught.value.hint


@pytest.mark.parametrize("changed", [{"users": 10}, {"films": 2}, {"test": 0.95}])
def test_a_setting_out_of_range_is_refused(changed):
    with pytest.raises(RecipeError, match=next(iter(changed))):
        data.load("ratings", changed, 1)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='ui1,5; "\n\r\tü\x00', max_size=200))
def test_any_text_gives_ratings_or_an_error_of_ours(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "r.csv"
    path.write_bytes(f"user,item,rating\n{text}".encode())
    with contextlib.suppress(MobilennError):
        data.load("ratings_csv", {"path": str(path)}, 1)
