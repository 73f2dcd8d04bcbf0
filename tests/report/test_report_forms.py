"""The forms that were tried, on every page alike, and the sentence on the winner."""

from __future__ import annotations

from typing import Any

import pytest

from mobilenn.report import card, html, markdown, view_forms
from mobilenn.report.schema import Form, parse

BLOCKS = {"form": "blocks", "size_bytes": 122_352, "median_ms": 0.0606, "min_ms": 0.0528, "chosen": True}
HOISTED = {"form": "hoisted", "size_bytes": 109_536, "median_ms": 0.0675, "min_ms": 0.0592}
STOCK = {"form": "stock", "reason": "CompiledModel: variable tensors | are <not> supported"}


@pytest.fixture
def recurrent(report: dict[str, Any]) -> dict[str, Any]:
    report["variants"]["float32"]["forms"] = [HOISTED | {"chosen": True}]
    report["variants"][report["recommended"]]["forms"] = [BLOCKS, HOISTED, STOCK]
    return report


def test_every_page_shows_what_was_tried(recurrent: dict[str, Any]) -> None:
    parsed = parse(recurrent)
    for text in (markdown.render(parsed), card.card(recurrent), html.render(parsed)):
        wanted = ["122 kB", "0.0606 ms", "0.0528 ms", "yes; shipped", "blocks is shipped: the fastest of 2 forms"]
        assert [part for part in wanted if part not in text] == []
        assert "<not>" not in text
        assert text.index("blocks is shipped") < text.index("hoisted is shipped")


def test_a_report_without_recurrence_says_nothing_of_forms(report: dict[str, Any]) -> None:
    parsed = parse(report)
    assert view_forms.tables(parsed) == []
    assert "Forms of" not in markdown.render(parsed) + card.card(report) + html.render(parsed)


@pytest.mark.parametrize(
    ("forms", "said"),
    [
        ([HOISTED | {"chosen": True}, BLOCKS | {"chosen": False}], "the smallest of those that are about as fast"),
        ([HOISTED | {"chosen": True}, STOCK], "the only one that can be shipped"),
        ([HOISTED | {"chosen": True}], "the form that the recipe asks for"),
        ([STOCK], ""),
    ],
)
def test_the_sentence_names_the_reason(forms: list[dict[str, Any]], said: str) -> None:
    sentence = view_forms.why(tuple(Form(**form) for form in forms))
    assert said in sentence
    assert bool(sentence) == bool(said)
