"""The end-of-run summary: aligned, 80 columns, plain where it is not a terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mobilenn.report.terminal import variants_table


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_every_variant_its_reason_and_the_verdict(report: dict[str, Any]) -> None:
    text = variants_table(report)
    for name, row in report["variants"].items():
        (line,) = [line for line in text.splitlines() if line.strip().split()[:1] == [name]]
        assert row["status"] in line
    assert "int4: accuracy dropped by 0.1140; the recipe allows 0.0050" in text
    assert text.splitlines()[-1] == "Ship pruned_int8: 2.40 MB, accuracy 98.10 %, 0.846 ms"


def test_it_fits_80_columns(report: dict[str, Any]) -> None:
    report["variants"]["a_name_that_is_as_long_as_a_recipe_allows_48_chars"] = report["variants"]["int8"]
    text = variants_table(report)
    assert max(map(len, text.splitlines())) <= 80
    assert "98.30 %" in text


def test_it_is_plain_where_it_is_not_a_terminal(report: dict[str, Any]) -> None:
    assert "\x1b" not in variants_table(report)


def test_it_is_coloured_on_a_terminal(report: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "\x1b[32m" in variants_table(report)


def test_no_color_is_obeyed_on_a_terminal(report: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in variants_table(report)


def test_numbers_line_up(report: dict[str, Any]) -> None:
    lines = [line for line in variants_table(report).splitlines() if "accepted" in line]
    assert len({line.index("%") for line in lines}) == 1
    assert len({line.index("±") for line in lines}) == 1


def test_very_fast_files_are_told_apart_in_microseconds(report: dict[str, Any]) -> None:
    for row in report["variants"].values():
        for time in filter(None, [row["latency_ms"], *row["latency_by_threads"]]):
            time |= {key: time[key] / 300 for key in ("median", "p90", "min", "interval_low", "interval_high")}
    text = variants_table(report)
    assert "µs, 1 thread" in text
    assert re.search(r"2\.82 ±0\.0\d", text)
    assert text.endswith("2.82 µs")


def test_nothing_to_ship_is_said(nothing_to_ship: dict[str, Any]) -> None:
    assert variants_table(nothing_to_ship).splitlines()[-1].startswith("Nothing to ship.")


def test_strangers_text_neither_styles_nor_steers(report: dict[str, Any]) -> None:
    report["variants"] = {"[red]x[/red]\x1b[2J": report["variants"]["int4"] | {"reason": "[bold]\x07 no"}}
    text = variants_table(report | {"recommended": "", "recommendation": "[/] \x1b]0;title\x07"})
    assert "[red]x[/red]?[2J" in text
    assert "[bold]? no" in text
    assert "\x1b" not in text
