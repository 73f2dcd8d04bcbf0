"""What a model attended to, as the report draws and says it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mobilenn.report import html, markdown
from mobilenn.report.figures import attention
from mobilenn.report.schema import Prediction, Sample, parse
from mobilenn.report.view_attention import attended

MODELS = ("int8", "float")
SAID = {"float": Prediction(label="a", confidence=0.9)}


def sample(**values):
    return Sample(index=3, target="a", predictions=SAID, **values)


def test_shares_are_of_the_largest():
    assert attention.shares([0.1, 0.4, None, -1.0]) == [0.25, 1.0, 0.0, 0.0]
    assert attention.shares([0.0, 0.0]) == [0.0, 0.0]
    assert attention.shares([]) == []


def test_patches_make_a_square_or_nothing():
    drawn = attention.over_patches([0.1, 0.2, 0.3, 0.4])
    assert drawn.count("<rect") == 4
    assert 'x="10" y="10"' in drawn
    assert attention.over_patches([0.5, 0.3, 0.2]) == ""


def test_the_tallest_bar_is_the_frame_that_mattered_most():
    heights = [float(h) for h in re.findall(r'height="([\d.]+)" fill', attention.under_frames([0.2, 0.6, 0.2]))]
    assert heights[1] == max(heights) == 24.0


def test_words_are_shaded_and_named():
    found = attended(sample(text=("the", "lock", "<unk>"), weights={"float": (0.1, 0.7, 0.2)}), MODELS, wide=False)
    assert found.model == "float"
    assert found.tokens[1].share == 1.0
    assert found.words == "“lock”: 70.0 %, “<unk>”: 20.0 %, “the”: 10.0 %"
    assert found.text == "the lock <unk>"


def test_the_shown_variant_comes_before_the_float_model():
    weights = {"float": (0.9, 0.1), "int8": (0.2, 0.8)}
    assert attended(sample(text=("a", "b"), weights=weights), MODELS, wide=False).tokens[1].share == 1.0


@pytest.mark.parametrize("weights", [{}, {"float": (0.5, 0.2, 0.3)}], ids=["none", "too many"])
def test_a_text_without_fitting_weights_is_plain(weights):
    found = attended(sample(text=("a", "b"), weights=weights), MODELS, wide=False)
    assert [token.share for token in found.tokens] == [0.0, 0.0]


def test_pages_show_the_text_and_escape_it(report):
    report = parse(report)
    texts = (replace(report.samples[0], image="", text=("<b>", "lock"), weights={"float": (0.25, 0.75)}),)
    shown = replace(report, samples=texts)
    page = html.render(shown)
    assert "&lt;b&gt;" in page
    assert "<b></span>" not in page
    assert "--share:1.00" in page
    assert "looked at “lock”: 75.0 %" in page
    assert "“lock”: 75.0 %" in markdown.render(shown)


def test_pages_lay_the_patches_over_the_image(report):
    report = parse(report)
    pictured = next(row for row in report.samples if row.image)
    shown = replace(report, samples=(replace(pictured, weights={"float": (0.1, 0.2, 0.3, 0.4)}),))
    assert "fill-opacity" in html.render(shown)
    assert "row 2 column 2: 40.0 %" in markdown.render(shown)
