"""Dataclasses to plain values and back; whatever is wrong is named."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core.errors import RecipeError, nearest
from mobilenn.core.precision import Precision
from mobilenn.core.records import from_dict, to_dict


@dataclass(frozen=True, kw_only=True)
class Inner:
    sizes: tuple[int, ...] = ()
    rate: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    precision: Precision = Precision.INT8
    mode: Literal["size", "latency"] = "size"
    inner: Inner = field(default_factory=Inner)
    path: Path | None = None
    table: Mapping[str, Inner] = field(default_factory=dict)
    free: Mapping[str, Any] = field(default_factory=dict)
    flag: bool = False


INNERS = st.builds(
    Inner, sizes=st.lists(st.integers()).map(tuple), rate=st.floats(allow_nan=False, allow_infinity=False)
)
OUTERS = st.builds(
    Outer,
    name=st.text(),
    precision=st.sampled_from(Precision),
    inner=INNERS,
    path=st.none() | st.just(Path("a/b")),
    table=st.dictionaries(st.text(), INNERS),
    free=st.dictionaries(st.text(), st.integers() | st.text()),
    flag=st.booleans(),
)


@given(OUTERS)
def test_a_record_survives_json(record):
    assert from_dict(Outer, json.loads(json.dumps(to_dict(record)))) == record


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "x", "presicion": "int8"}, "Unknown key 'presicion'.*Did you mean 'precision'"),
        ({}, "lacks the key 'name'"),
        ({"name": 3}, "name is 3"),
        ({"name": "x", "precision": "int9"}, "precision is 'int9'.*Did you mean 'int8'"),
        ({"name": "x", "mode": "sise"}, "Did you mean 'size'"),
        ({"name": "x", "inner": {"sizes": [1, "a"]}}, "inner sizes is 'a'"),
        ({"name": "x", "inner": 4}, "not a table"),
        ({"name": "x", "flag": 1}, "flag is 1"),
        ({"name": "x", "inner": {"rate": True}}, "rate is True"),
        ({"name": "x", "table": {"a": {"rat": 1}}}, "Unknown key 'rat'"),
    ],
)
def test_what_is_wrong_is_named(values, message):
    with pytest.raises(RecipeError) as caught:
        from_dict(Outer, values)
    assert re.search(message, str(caught.value))


def test_whole_numbers_serve_where_a_float_is_wanted():
    assert from_dict(Inner, {"rate": 1}).rate == 1.0


def test_nearest_names_what_is_allowed():
    assert nearest("alexnt", ["vgg", "alexnet"]) == "Did you mean 'alexnet'? Allowed: alexnet, vgg."
    assert nearest("zzz", []) == "Allowed: (nothing)."
