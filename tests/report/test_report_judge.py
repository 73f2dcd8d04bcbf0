"""Generated images on the pages: sheets, the judge, shares by class, floors of details."""

from __future__ import annotations

import pytest

from mobilenn.report import card, html, markdown, view, view_judge
from mobilenn.report.figures import curves
from mobilenn.report.schema import parse

JUDGE = {
    "network": "vgg",
    "parameters": 447_027,
    "sha256": "ab" * 32,
    "labels": ["cat", "<dog>"],
    "accuracy": 0.985,
    "calibration_error": 0.011,
    "named": 0.97,
    "named_wrongly": 0.0004,
    "noise_named": 0.0,
    "frechet_distance": 1.234,
}


@pytest.fixture
def generated(report):
    """A generator's report: no labels, no samples, details of every file."""
    report["recipe"] |= {"task": "generation", "floor": {"named": 0.85, "smallest_class_share": 0.05}}
    report["data"]["labels"] = []
    picture = {"title": "int8: samples <b>", "note": "A row & a class", "image": report["samples"][0]["image"]}
    report |= {"samples": [], "judge": dict(JUDGE), "pictures": [picture], "metric": "named"}
    details = {"share_by_class": [0.5, 0.4], "smallest_class_share": 0.4, "frechet_distance": 9.5}
    for row in (report["float"], *report["variants"].values()):
        row["details"] = dict(details)
    return report


def test_shares_are_rows_and_what_is_left_has_no_name(generated):
    heads, rows = view_judge.share_rows(parse(generated))
    assert heads[:3] == ("Class", "float", "float32")
    assert [row[:2] for row in rows] == [("cat", "50.0 %"), ("<dog>", "40.0 %"), ("without a name", "10.0 %")]
    generated["float"]["details"]["share_by_class"] = [1.0]  # of another judge: left out
    assert view_judge.share_rows(parse(generated))[0][1] == "float32"


def test_the_judge_says_what_bounds_it_sets(generated):
    rows = {row[0]: row[1] for row in view_judge.rows(parse(generated))}
    assert rows["Named, real images"] == "97.00 %"
    assert rows["Named, noise"] == "0.00 %"
    assert rows["Fréchet distance"] == "1.23"
    assert rows["Judge"] == "vgg, 447,027 parameters"


def test_pages_show_the_pictures_and_escape_what_is_said_of_them(generated):
    page, text = html.render(parse(generated)), markdown.render(parse(generated))
    assert f'src="{generated["pictures"][0]["image"]}" width="28" height="28"' in page
    assert "int8: samples &lt;b&gt;" in page
    assert "A row &amp; a class" in page
    assert "&lt;dog&gt;" in page
    assert "What it makes" in page
    assert "This run kept no samples" not in page
    for written in (text, card.card(generated)):
        assert "## The judge" in written
        assert "<dog>" not in written


def test_what_is_no_picture_is_left_out(generated):
    generated["pictures"][0]["image"] = "https://example.org/a.png"
    assert view_judge.pictures(parse(generated)) == []
    assert "example.org" not in html.render(parse(generated))


def test_other_reports_have_neither(pristine):
    parsed = parse(pristine)
    assert view_judge.rows(parsed) == []
    assert view_judge.share_rows(parsed) == ((), [])
    assert "What it makes" not in html.render(parsed)


def test_a_floor_of_the_details_is_one_of_the_verdicts_figures(generated):
    figures = {figure.title: figure for figure in view.verdict_figures(parse(generated))}
    assert figures["Smallest class share"].value == "40.00 %"
    assert figures["Smallest class share"].note == "float 40.00 %; floor 5.00 %"


def test_curves_lead_over_epochs_that_were_not_watched(generated):
    generated["training"]["history"] = {
        "generator_loss": [1.0] * 9,
        "val_named": [None, 0.2, None, 0.4, *[None] * 4, 0.6],
    }
    drawn = dict(curves.panels(parse(generated)))
    assert set(drawn) == {"Named", "Generator loss"}
    assert "validation ends at 60.00 %" in drawn["Named"]
    assert "nan" not in drawn["Named"].lower().replace("nant", "")
