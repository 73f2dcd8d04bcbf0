"""Model cards and the README's table say what results.json says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from markdown_it import MarkdownIt

from mobilenn.report.card import card, networks_table

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table")


def test_a_card_says_what_how_well_how_made_and_how_to_run(report: dict[str, Any]) -> None:
    text = card(report)
    wanted = ["# alexnet\n", report["recipe"]["summary"], "## Recommended file", "pruned_int8/model.tflite", "98.10 %"]
    wanted += ["## Variants side by side", "## Data", "3,600 samples to train", "## Training", "3,777,290 parameters"]
    wanted += ["| train.optimizer", "## Limits", "not on a phone", "int16x8 failed: The converter refused"]
    wanted += ["97.05 % to 98.78 %", "mobilenn run alexnet", report["variants"]["pruned_int8"]["sha256"]]
    for piece in wanted:
        assert piece in text, piece


def test_the_weakest_classes_are_named(report: dict[str, Any]) -> None:
    rows = report["variants"]["pruned_int8"]["details"]["per_class"]
    rows[6] |= {"f1": 0.5}
    assert "The weakest classes by F1: 6 (50.0 %)" in card(report)


def test_a_regression_and_a_run_that_ships_nothing_have_cards(
    regression: dict[str, Any], nothing_to_ship: dict[str, Any]
) -> None:
    assert "R²" in card(regression)
    assert "Classes:" not in card(regression)
    assert "No variant is fit to ship" in card(nothing_to_ship)


def test_the_table_of_networks_has_a_row_per_result(
    report: dict[str, Any], regression: dict[str, Any], nothing_to_ship: dict[str, Any]
) -> None:
    rows = networks_table([report, regression, nothing_to_ship]).splitlines()[2:]
    assert len(rows) == 3
    assert "[alexnet](models/alexnet/README.md)" in rows[0]
    for piece in ("pruned_int8", "3,777,290", "accuracy 98.50 %", "98.10 %", "2.40 MB", "0.846"):
        assert piece in rows[0]
    assert "R² 0.5120" in rows[1]
    assert "| nothing" in rows[2]


def test_strangers_text_cannot_leave_its_place(hostile: Callable[[str], dict[str, Any]]) -> None:
    report = hostile("x | y\n# <script>alert(1)</script> ``` [a](b)\n```\n")
    html = RENDERER.render(card(report))
    assert "<script>" not in html
    assert "<a " not in html
    assert len(re.findall("<h1>", html)) == 1
    assert "written by <code>tools/cards.py</code>" in html
    table = RENDERER.render(networks_table([report]))
    assert len(re.findall("<td", table)) == 8
