"""What a model looked at when it wrote a text from a text, as the report draws and says it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mobilenn.report import html, markdown
from mobilenn.report.figures.alignment import grid
from mobilenn.report.schema import Alignment, parse
from mobilenn.report.view_alignment import aligned

DATE = Alignment(model="int8", said=("1", "<end>"), source=("m", " ", "1"), rows=("0000ff", "803333"))


def words(count, marked):
    """A long source of words; the text of one token looks at one place."""
    row = "".join("ff" if place == marked else "00" for place in range(count))
    return Alignment(model="float", said=("sum",), source=tuple(f"w{i}" for i in range(count)), rows=(row,))


def test_every_token_said_names_what_mattered_most():
    found = aligned(DATE)
    assert found.words == "“1” at “1” 100 %, “<end>” at “m” 50 %"
    assert (found.model, found.shown, found.count, found.note) == ("int8", 3, 3, "")


def test_shades_are_as_strong_as_their_weights():
    drawn = aligned(DATE).drawing
    assert [float(v) for v in re.findall(r'fill-opacity="([\d.]+)"', drawn)] == [0.9, 0.45, 0.18, 0.18]
    assert "&lt;end&gt;" in drawn
    assert "rotate" not in drawn
    assert "rotate" in grid(["a"], ["long", "words"], [[0.5, 0.5]])
    assert grid([], ["a"], []) == grid(["a"], [], [[]]) == ""


def test_of_a_long_source_what_never_mattered_is_left_out():
    found = aligned(words(90, 70))
    assert found.note == "Across: the 1 of 90 tokens that mattered most."
    assert ">w70<" in found.drawing
    assert ">w69<" not in found.drawing
    assert aligned(words(20, 3)).note == ""


@pytest.mark.parametrize(
    "broken",
    [
        None,
        replace(DATE, rows=("0000ff",)),
        replace(DATE, rows=("0000ff", "80")),
        replace(DATE, rows=("0000fx", "803333")),
        replace(DATE, said=(), rows=()),
        replace(DATE, source=(), rows=("", "")),
    ],
)
def test_what_does_not_fit_together_is_not_drawn(broken):
    assert aligned(broken).words == aligned(broken).drawing == ""


def test_pages_show_it_and_escape_it(report):
    parsed = parse(report)
    hostile = replace(DATE, model="int8", source=("<b>", "]", "1"))
    shown = replace(parsed, samples=(replace(parsed.samples[0], alignment=hostile),))
    page = html.render(shown)
    assert "&lt;b&gt;</text>" in page
    assert "<b></text>" not in page
    assert 'class="samples aligned"' in page
    assert "int8 looked, for “1” at “1” 100 %" in markdown.render(shown)
    assert "&lt;b&gt;" in markdown.render(shown)
    assert parse(shown.to_dict()).samples[0].alignment == hostile
    assert "looked, for" not in markdown.render(parsed)
    assert 'class="alignment"' not in html.render(parsed)
