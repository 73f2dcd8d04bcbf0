"""report.json is read strictly and written back as it was."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest

from mobilenn.core.errors import ArtifactError
from mobilenn.report.schema import parse


@pytest.fixture(params=["report", "regression", "nothing_to_ship"])
def any_report(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.getfixturevalue(request.param)


def test_a_report_survives_json_and_back(any_report: dict[str, Any]) -> None:
    written = parse(any_report).to_dict()
    again = json.loads(json.dumps(written))
    assert again == written
    assert parse(again) == parse(any_report)


def test_what_a_run_writes_is_kept_value_for_value(report: dict[str, Any]) -> None:
    written = parse(report).to_dict()
    for name, row in report["variants"].items():
        assert {key: written["variants"][name][key] for key in row} == row
    assert written["training"]["history"] == report["training"]["history"]
    for made, sample in zip(written["samples"], report["samples"], strict=True):
        assert {key: made[key] for key in sample} == sample


def test_a_failed_variant_has_nulls_for_numbers(report: dict[str, Any]) -> None:
    row = parse(report).variants["int16x8"]
    assert row.status == "failed"
    assert (row.metric, row.latency_ms, row.size_bytes, row.timings) == (None, None, None, ())


def test_nan_and_infinity_become_null(report: dict[str, Any]) -> None:
    report["training"]["history"]["loss"][0] = math.nan
    report["variants"]["int4"]["parity"]["probabilities"]["max_abs"] = math.inf
    written = json.loads(json.dumps(parse(report).to_dict(), allow_nan=False))
    assert written["training"]["history"]["loss"][0] is None
    assert written["variants"]["int4"]["parity"]["probabilities"]["max_abs"] is None


def test_half_a_surrogate_pair_can_be_written(report: dict[str, Any]) -> None:
    report["data"]["description"] = json.loads('"\\ud800 broken"')
    assert parse(report).data.description.encode("utf-8") == b"? broken"


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_is_refused(report: dict[str, Any], schema: Any) -> None:
    with pytest.raises(ArtifactError, match="Not a report of schema 1"):
        parse(report | {"schema": schema})


@pytest.mark.parametrize("values", [None, [], "report", {}, {"schema": 1}])
def test_what_is_no_report_is_refused_in_one_line(values: Any) -> None:
    with pytest.raises(ArtifactError) as caught:
        parse(values)
    assert "\n" not in caught.value.message


def test_an_unknown_key_is_refused_with_the_nearest(report: dict[str, Any]) -> None:
    row = report["variants"]["int8"]
    row["zip_byte"] = row.pop("zip_bytes")
    with pytest.raises(ArtifactError, match=r"zip_byte.*Did you mean 'zip_bytes'"):
        parse(report)


@pytest.mark.parametrize("name", ["int4", "int16x8", "unheard_of"])
def test_what_was_not_accepted_cannot_be_recommended(report: dict[str, Any], name: str) -> None:
    with pytest.raises(ArtifactError, match=f"recommends '{name}'"):
        parse(report | {"recommended": name})


def test_timings_fall_back_to_the_single_latency(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    changed["variants"]["int8"]["latency_by_threads"] = []
    row = parse(changed).variants["int8"]
    assert row.timings == (row.latency_ms,)
