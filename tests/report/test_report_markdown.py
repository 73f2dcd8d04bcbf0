"""report.md and the tables that all Markdown pages share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mobilenn.report import html, markdown, view_files
from mobilenn.report.schema import parse
from mobilenn.report.tables import code, escape, table, text_table

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
HOSTILE = "a | b\n\n# <script>alert(1)</script> `code` **bold** [link](javascript:alert(1)) ![i](x.png) _it_"


def _text(html: str) -> str:
    plain = re.sub(r"<[^>]*>", "", html)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, character)
    return plain.strip()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_escaped_text_shows_as_it_was(text: str) -> None:
    shown = _text(RENDERER.render(f"x {escape(text)} x"))
    assert " ".join(shown.split()) == " ".join(f"x {text} x".split())


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_an_escaped_line_is_one_paragraph(text: str) -> None:
    html = RENDERER.render(escape(text)).strip()
    assert html in ("", f"<p>{html[3:-4]}</p>")
    assert "<" not in html[3:-4]


@given(st.lists(st.lists(st.text(max_size=12), min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_table_keeps_its_shape_whatever_is_in_it(rows: list[list[str]]) -> None:
    rows = [[cell.encode("utf-8", "replace").decode() for cell in row] for row in rows]
    html = RENDERER.render(text_table(["one", "two", "three"], rows))
    assert html.count("<tr>") == 1 + len(rows)
    assert len(re.findall(r"<td", html)) == 3 * len(rows)


def test_columns_line_up_and_numbers_stand_to_the_right() -> None:
    lines = table(["name", "n"], [["a", "1"], ["数字", "1,000"]]).splitlines()
    assert lines[1] == "| ---- | ----: |"
    assert lines[2] == "| a    |     1 |"
    assert lines[3] == "| 数字 | 1,000 |"


def test_only_plain_text_becomes_code() -> None:
    assert code("int8/model.tflite") == "`int8/model.tflite`"
    assert code("a`b|c") == "a\\`b\\|c"


@pytest.mark.parametrize("name", ["report", "regression", "nothing_to_ship"])
def test_tables_of_a_whole_report_are_well_formed(name: str, request: pytest.FixtureRequest) -> None:
    text = markdown.render(parse(request.getfixturevalue(name)))
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert len(blocks) >= 4
    for block in blocks:
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(counts) == 1
        assert len({len(line) for line in block.splitlines()}) == 1 or "数" in block
    assert not re.search(r"[ \t]+$", text, flags=re.MULTILINE)


def test_the_same_content_as_the_page(report: dict[str, Any]) -> None:
    text = markdown.render(parse(report))
    best = report["variants"]["pruned_int8"]
    wanted = ["# alexnet: Ship pruned_int8", best["sha256"], "2.40 MB", "0.846 ± 0.009", "98.10 %", "0.40 pt"]
    wanted += ["## Training", "### Confusion matrix of pruned_int8", "### By class", "## Samples", "## Parity"]
    wanted += ["## Operators", "## Make it again", "mobilenn run alexnet", "[variants.int8]\n", "4.8e-07"]
    wanted += [row["reason"] for row in report["variants"].values()]
    for piece in wanted:
        assert piece in text, piece


def test_strangers_text_cannot_leave_its_place(hostile: Callable[[str], dict[str, Any]]) -> None:
    html = RENDERER.render(markdown.render(parse(hostile(HOSTILE))))
    assert "<script>" not in html
    assert "<img" not in html
    assert "<a " not in html
    assert "<em>" not in html
    assert len(re.findall("<h1>", html)) == 1
    assert re.findall(r"<strong>(.*?)</strong>", html, flags=re.DOTALL) != []
    assert "<strong>bold</strong>" not in html


def test_the_same_report_gives_the_same_text(report: dict[str, Any]) -> None:
    assert markdown.render(parse(report)) == markdown.render(parse(report))


@pytest.mark.parametrize(
    ("apart", "words"),
    [
        ({"float32": {"probabilities": 0.0, "lesson_losses": 1e-7}}, "gave the Interpreter's bits"),
        ({"float32": {"probabilities": 0.0}, "int4": {"probabilities": 2e-6}}, "is 2.0e-06 of the largest value"),
        ({"int4": {"probabilities": None}}, "has no bound (probabilities of int4)"),
        ({}, ""),
    ],
)
def test_it_says_whether_compiled_model_does_the_same(report: dict[str, Any], apart: dict, words: str) -> None:
    for name, found in apart.items():
        report["variants"][name]["compiled_model"] = found
    said = view_files.runtimes(parse(report))
    assert words in said if words else said == ""
    assert said.replace("'", "&#39;") in html.render(parse(report))
    assert said in markdown.render(parse(report))
