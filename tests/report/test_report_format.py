"""Numbers for people: what is shown is close to what was measured, and never flatters it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.report import format as fmt

UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


@given(st.integers(0, 10**14))
def test_size_reads_back_within_half_a_per_cent(count: int) -> None:
    number, unit = fmt.size(count).split(" ")
    assert float(number) * UNITS[unit] == pytest.approx(count, rel=0.006, abs=0.5)
    assert float(number) < 1000 or unit == "TB"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (999_499, "999 kB"), (999_950, "1.00 MB"), (1_240_000, "1.24 MB")],
)
def test_size_changes_its_unit_at_a_thousand(count: int, text: str) -> None:
    assert fmt.size(count) == text


@given(st.floats(0, 1), st.integers(0, 3))
def test_percent_says_all_and_none_only_where_it_is_so(share: float, decimals: int) -> None:
    text = fmt.percent(share, decimals)
    number = float(text.strip("<> %"))
    if text[0] not in "<>":
        assert number == pytest.approx(100 * share, abs=0.51 * 10**-decimals)
        assert (number == 100) == (share == 1)
        assert (number == 0) == (share == 0)
    assert (text[0] == "<") == (share > 0 and float(f"{100 * share:.{decimals}f}") == 0)


@given(st.floats(1e-6, 1e6), st.integers(2, 6))
def test_significant_keeps_that_many_digits(value: float, digits: int) -> None:
    assert float(fmt.significant(value, digits)) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_significant_of_a_negative_mirrors_the_positive(value: float) -> None:
    assert fmt.significant(-abs(value)).removeprefix("−") == fmt.significant(abs(value))


@given(st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=9))
def test_a_column_of_milliseconds_has_one_number_of_decimals(values: list[float]) -> None:
    places = fmt.decimals(values)
    texts = [f"{value:.{places}f}" for value in values]
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    assert float(min(texts, key=float)) == pytest.approx(min(values), rel=0.06)


@given(st.floats(0.001, 1000), st.floats(0, 10), st.floats(0, 10))
def test_plus_minus_never_understates_the_interval(median: float, below: float, above: float) -> None:
    places = fmt.decimals([median])
    shown = float(fmt.plus_minus(median, median - below, median + above, places))
    assert shown >= max(below, above) - 1e-6
    assert shown <= max(below, above) + 1.01 * 10**-places


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_wilson_interval_holds_the_share(samples: int, share: float) -> None:
    low, high = fmt.wilson(share, samples)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1
    assert high - low <= 2 * 1.96 / math.sqrt(samples) + 1e-9


def test_the_wilson_interval_of_a_textbook_case() -> None:
    assert fmt.wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


@pytest.mark.parametrize(
    "function", [fmt.size, fmt.percent, fmt.significant, fmt.error, fmt.time_unit([]).number, fmt.seconds]
)
@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_was_not_measured_is_a_dash(function: object, value: float | None) -> None:
    assert function(value) == fmt.NONE


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.983, "98.30 %"),
        ("top3_accuracy", 1.0, "100.00 %"),
        ("r2", 0.512, "0.5120"),
        ("loss", 2.5, "2.500"),
    ],
)
def test_metrics_are_shares_or_plain_numbers(name: str, value: float, text: str) -> None:
    assert fmt.metric(name, value) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.004, "0.40 pt"),
        ("accuracy", -0.001, "−0.10 pt"),
        ("accuracy", -1e-9, "0.00 pt"),
        ("r2", 0.005, "0.0050"),
        ("inertia", -846.7225, "−846.7"),
        ("inertia", 12345.6, "12346"),
        ("bits_per_character", 1.00004, "1.000"),
    ],
)
def test_a_drop_is_positive_where_the_file_is_worse(name: str, value: float, text: str) -> None:
    assert fmt.drop(name, value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.4, "0.4 s"), (61.2, "61 s"), (302, "5 min 02 s"), (599.6, "10 min 00 s"), (7384, "2 h 03 min")],
)
def test_durations(value: float, text: str) -> None:
    assert fmt.seconds(value) == text


@pytest.mark.parametrize(
    ("medians", "text", "tick"),
    [([0.842, 2.9], "0.842", "0.842 ms"), ([0.0025, 0.842], "842", "842 µs"), ([], "0.842", "0.842 ms")],
)
def test_latencies_share_one_unit_that_reads_without_zeros(medians: list[float], text: str, tick: str) -> None:
    unit = fmt.time_unit(medians)
    assert unit.number(0.842) == text
    assert unit.tick(0.842) == tick


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("r2", "R²"),
        ("ndcg_at_10", "NDCG@10"),
        ("macro_f1", "Macro F1"),
        ("val_loss", "Val loss"),
        ("<script>", "<script>"),
    ],
)
def test_titles(name: str, title: str) -> None:
    assert fmt.metric_title(name) == title
