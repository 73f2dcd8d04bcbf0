"""A recipe printed in a report is the recipe."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core.recipe import Recipe
from mobilenn.core.records import from_dict
from mobilenn.report.recipe_text import toml
from mobilenn.report.schema import parse

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
VALUES = st.recursive(
    SCALARS | st.lists(SCALARS, max_size=3), lambda v: st.dictionaries(KEYS, v, max_size=3), max_leaves=8
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_toml_reads_back_as_it_was(values: dict[str, Any]) -> None:
    kept = {key: value for key, value in values.items() if value != {}}
    assert tomllib.loads(toml(values)) == kept


def test_null_is_left_out_and_an_empty_step_is_kept() -> None:
    text = toml({"a": None, "variants": {"int8": {"prune": {}, "qat": None}}})
    assert tomllib.loads(text) == {"variants": {"int8": {"prune": {}}}}


def test_tables_inside_lists_are_written_inline() -> None:
    values = {"stages": [{"width": 8, "name": "a b"}, {}]}
    assert tomllib.loads(toml(values)) == values


def test_the_printed_recipe_is_the_recipe(report: dict[str, Any]) -> None:
    recipe = parse(report).recipe
    assert from_dict(Recipe, tomllib.loads(toml(recipe.to_dict()))) == recipe
