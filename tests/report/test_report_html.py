"""report.html: whole, offline, escaped, readable in light and dark, the same bytes for the same report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from mobilenn.report import html, palette, view
from mobilenn.report.schema import parse

HOSTILE = "</svg></style><script>alert('x')</script><img src=x onerror=alert(1)>|`\"'&{{7*7}}{% x %}"
VOID = {"meta", "img", "br", "link", "input", "hr"}
LOADING = {"src", "href", "srcset", "data", "action", "poster", "xlink:href", "background"}


class Page(HTMLParser):
    """What a page holds: elements, attributes, text, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def text(pristine: dict[str, Any]) -> str:
    return html.render(parse(pristine))


@pytest.fixture
def page(text: str) -> Page:
    return Page(text)


def test_every_element_is_closed(page: Page) -> None:
    assert page.faults == []
    assert page.open == []


@pytest.mark.parametrize("name", ["report", "regression", "nothing_to_ship"])
def test_nothing_is_loaded_from_elsewhere(name: str, request: pytest.FixtureRequest) -> None:
    text = html.render(parse(request.getfixturevalue(name)))
    page = Page(text)
    for _, attrs in page.elements:
        for key in LOADING & attrs.keys():
            assert attrs[key].startswith(("#", "data:image/png;base64,")), (key, attrs[key])
    assert not page.all("script")
    assert not page.all("link")
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    policy = next(attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_strangers_text_stays_text(hostile: Callable[[str], dict[str, Any]]) -> None:
    text = html.render(parse(hostile(HOSTILE)))
    page = Page(text)
    assert not page.all("script")
    assert not [attrs for _, attrs in page.elements if any(key.startswith("on") for key in attrs)]
    assert all((attrs["src"] or "").startswith("data:") for attrs in page.all("img"))
    assert page.faults == []
    assert "{{7*7}}" in page.text
    assert page.text.count("alert('x')") > 20


@pytest.mark.parametrize(
    "image", ["https://example.org/x.png", "data:text/html;base64,PGI+", "data:image/png;base64,AAAA"]
)
def test_a_sample_shows_pictures_only(report: dict[str, Any], image: str) -> None:
    for sample in report["samples"]:
        sample["image"] = image
    assert not Page(html.render(parse(report))).all("img")


def test_the_same_report_gives_the_same_bytes(text: str, report: dict[str, Any]) -> None:
    assert html.render(parse(report)) == text


def test_ids_are_unique_and_every_anchor_leads_somewhere(page: Page) -> None:
    ids = Counter(attrs["id"] for _, attrs in page.elements if "id" in attrs)
    assert [name for name, count in ids.items() if count > 1] == []
    targets = {attrs["href"][1:] for _, attrs in page.elements if (attrs.get("href") or "").startswith("#")}
    assert targets <= set(ids)
    used = {m for _, attrs in page.elements for v in attrs.values() for m in re.findall(r"url\(#([^)]*)\)", v or "")}
    assert used <= set(ids)


def test_pictures_figures_and_tables_say_what_they_are(page: Page) -> None:
    assert all(attrs.get("alt") for attrs in page.all("img"))
    figures = [attrs for attrs in page.all("svg") if attrs.get("aria-hidden") != "true"]
    assert len(figures) == 5  # two trade-offs, latency, two curves
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] for attrs in figures)
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(attrs.get("scope") in ("row", "col", "colgroup") for attrs in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"


def test_the_verdict_comes_first_with_figures_and_hash(page: Page, report: dict[str, Any]) -> None:
    head = page.text[: page.text.index("Variants side by side")]
    row = report["variants"]["pruned_int8"]
    for text in (
        "Ship",
        "pruned_int8",
        "98.10 %",
        "2.40 MB",
        "0.846 ms",
        row["sha256"],
        row["file"],
        "0.40 pt of 0.50 pt",
    ):
        assert text in head


def test_the_verdict_is_not_said_twice(page: Page, nothing_to_ship: dict[str, Any]) -> None:
    assert "Ship pruned_int8: among" not in page.text
    assert "Among the 6 accepted variants it is the smallest download" in page.text
    assert view.lead(parse(nothing_to_ship)) == "No variant is fit to ship."


def test_every_variant_has_a_row_with_its_figures_or_its_reason(page: Page, report: dict[str, Any]) -> None:
    for name, row in report["variants"].items():
        assert name in page.text
        assert row["status"] in page.text
        assert row["reason"] in page.text


def test_a_run_that_ships_nothing_says_so(nothing_to_ship: dict[str, Any]) -> None:
    page = Page(html.render(parse(nothing_to_ship)))
    assert "Nothing to ship" in page.text
    assert "ship this" not in page.text


def test_a_run_whose_every_variant_failed_still_has_a_page(report: dict[str, Any]) -> None:
    report["variants"] = {"int16x8": report["variants"]["int16x8"]}
    page = Page(html.render(parse(report | {"recommended": "", "recommendation": "None.", "samples": []})))
    assert page.faults == []
    assert "BATCH_MATMUL has no 16x8 kernel" in page.text
    assert "No variant got as far as being compared." in page.text
    assert "Confusion matrix of" in page.text  # the float model's


def test_a_regression_shows_points_instead_of_a_matrix(regression: dict[str, Any]) -> None:
    page = Page(html.render(parse(regression)))
    assert "Confusion" not in page.text
    assert "agrees" not in page.text
    assert "Mean absolute error" in page.text
    titles = page.text.count("88 test samples; a perfect model lies on the diagonal")
    assert titles == 2  # the shipped file and the float model


def test_the_matrix_of_many_classes_is_a_picture(report: dict[str, Any]) -> None:
    labels = [f"class {index}" for index in range(30)]
    matrix = [[9 if i == j else int(j == i + 1) for j in range(30)] for i in range(30)]
    report["data"]["labels"] = labels
    report["float"]["details"] = {"confusion": matrix}
    for row in report["variants"].values():
        row["details"] = {"confusion": matrix}
    page = Page(html.render(parse(report)))
    pictures = [attrs for attrs in page.all("img") if "Confusion matrix" in attrs["alt"]]
    assert len(pictures) == 1  # float's is the same and is not repeated
    assert "The Keras model's matrix is the same." in page.text


def test_a_matrix_that_does_not_fit_the_labels_is_left_out(report: dict[str, Any]) -> None:
    report["float"]["details"] = {"confusion": [[1, 2], [3]]}
    for row in report["variants"].values():
        row["details"] = {"confusion": "none", "per_class": [3, {"label": "a"}]}
    page = Page(html.render(parse(report)))
    assert "Confusion matrix" not in page.text


def test_timing_on_a_busy_machine_is_said(report: dict[str, Any]) -> None:
    report["variants"]["int8"]["other_load"] = 1.5
    assert "busy with other work while it timed int8" in html.render(parse(report))
    report["variants"]["int8"]["other_load"] = 0.1
    assert view.disturbed(parse(report)) == ""


def test_light_dark_print_and_phone_have_styles(text: str) -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in text
    assert "@media print" in text
    assert "@media (max-width:" in text
    for color, value in (*palette.LIGHT.items(), *palette.DARK.items()):
        assert f"--{color}: {value};" in text


def _luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(first: str, second: str) -> float:
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_text_and_marks_stand_out_from_their_ground(colors: dict[str, str]) -> None:
    for ground in ("page", "surface"):
        for text in ("ink", "muted", "accent", "good", "warn", "bad"):
            assert _contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
        for index in range(1, 9):
            assert _contrast(colors[f"series-{index}"], colors[ground]) >= 3.0, (index, ground)
    for kind in ("good", "warn", "bad"):
        assert _contrast(colors[kind], colors[f"{kind}-soft"]) >= 4.5
        assert _contrast(colors["ink"], colors[f"{kind}-soft"]) >= 4.5
    assert _contrast(colors["surface"], colors["good"]) >= 4.5


def test_a_variant_has_one_mark_in_every_figure() -> None:
    names = [f"v{index}" for index in range(16)]
    found = palette.marks(names)
    assert len({(mark.color, mark.marker) for mark in found.values()}) == 16
    assert len({mark.color for mark in list(found.values())[:8]}) == 8
    assert len({mark.marker for mark in list(found.values())[:8]}) == 8
