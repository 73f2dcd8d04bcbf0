"""Figures: text that does not collide, colours of the page, no bytes that change."""

from __future__ import annotations

import base64
import io
import itertools
import re
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from mobilenn.report.figures import curves, heatmap, latency, tradeoff
from mobilenn.report.figures.labels import Label, place
from mobilenn.report.palette import LIGHT
from mobilenn.report.schema import parse


def _boxes(points: list[tuple[float, float]], lines: tuple[float, ...] = ()) -> tuple[Any, list[Any]]:
    figure = Figure(figsize=(440 / 72, 300 / 72), dpi=72)
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    labels = [Label(x=x, y=y, text=f"dynamic_int{i}", bold=i == 0) for i, (x, y) in enumerate(points)]
    place(axes, labels, lines)
    figure.draw_without_rendering()
    return axes, [Text.get_window_extent(text) for text in axes.texts]  # without the leader line


@pytest.mark.parametrize(
    "points",
    [
        [(5, 5), (5, 5), (5, 5)],
        [(9.9, 9.9), (9.9, 0.1), (0.1, 9.9), (0.1, 0.1)],
        [(5, 5 + 0.2 * i) for i in range(7)],
        [(2 + 0.3 * i, 4) for i in range(8)],
    ],
    ids=["same place", "corners", "column", "row"],
)
def test_labels_keep_clear_of_each_other_and_stay_inside(points: list[tuple[float, float]]) -> None:
    axes, boxes = _boxes(points)
    frame = axes.bbox
    for first, second in itertools.combinations(boxes, 2):
        over_x = min(first.x1, second.x1) - max(first.x0, second.x0)
        over_y = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert min(over_x, over_y) <= 3
    for box in boxes:
        assert box.x0 >= frame.x0 - 3
        assert box.x1 <= frame.x1 + 3
        assert box.y0 >= frame.y0 - 3
        assert box.y1 <= frame.y1 + 3


def test_labels_keep_clear_of_lines() -> None:
    axes, (box,) = _boxes([(5, 5)], lines=(5.0,))
    height = axes.transData.transform((0, 5))[1]
    assert not box.y0 < height < box.y1


def test_figures_use_the_page_s_colours_only(report: dict[str, Any]) -> None:
    parsed = parse(report)
    drawn = [tradeoff.over_download(parsed), tradeoff.over_latency(parsed), latency.dots(parsed)]
    drawn += [svg for _, svg in curves.panels(parsed)]
    assert len(drawn) == 5
    for svg in drawn:
        style = re.findall(r"(?:fill|stroke): ?([^;\"]+)", svg)
        assert {color for color in style if not color.startswith("var(--")} <= {"none"}
        assert set(re.findall(r"var\(--([a-z0-9-]+)\)", svg)) <= set(LIGHT)
        assert "<metadata" not in svg
        assert "DOCTYPE" not in svg


def test_the_recommended_is_bold_the_rejected_crossed_the_failed_absent(report: dict[str, Any]) -> None:
    svg = tradeoff.over_download(parse(report))
    texts = dict(re.findall(r'<text style="([^"]*)"[^>]*>([^<]*)</text>', svg)[::-1])
    bold = [text for style, text in texts.items() if "bold" in style or "700" in style]
    assert bold == ["pruned_int8"]
    assert "int4 ↓ 87.10 %" in svg  # off the scale, drawn at its edge with its figure
    assert "int16x8" not in svg
    assert "var(--bad)" in svg


def test_a_report_without_timings_has_no_latency_figure(report: dict[str, Any]) -> None:
    for row in report["variants"].values():
        row |= {"latency_ms": None, "latency_by_threads": [], "zip_bytes": None}
    parsed = parse(report)
    assert latency.dots(parsed) == ""
    assert tradeoff.over_latency(parsed) == ""
    assert tradeoff.over_download(parsed) == ""


def test_where_less_is_better_the_better_stands_higher(report: dict[str, Any]) -> None:
    for row in report["variants"].values():
        if row["metric"] is not None:
            row["metric"] = 2.0 + row["metric_drop"]
    report["float"]["metric"] = 2.0
    svg = tradeoff.over_download(parse(report | {"metric": "bits_per_character", "higher_is_better": False}))
    heights = {text: float(y) for y, text in re.findall(r'<text [^>]*?y="([-0-9.]+)"[^>]*>([^<]*)</text>', svg)}
    assert heights["float"] < heights["allowed drop"]  # SVG counts downwards
    assert heights["pruned_int8"] > heights["float"]


def test_every_tick_of_a_large_metric_is_told_apart(report: dict[str, Any]) -> None:
    report["metric"], report["higher_is_better"] = "inertia", False
    for row, value in zip(
        (report["float"], *report["variants"].values()), (290110.5, 289263.8, *[290110.5] * 9), strict=False
    ):
        row["metric"] = value if row.get("metric") is not None else None
    texts = re.findall(r"<text[^>]*>(\d{6})</text>", tradeoff.over_download(parse(report)))
    assert len(texts) > 2
    assert len(set(texts)) == len(texts)


def test_curves_skip_gaps_and_need_no_validation(report: dict[str, Any]) -> None:
    history = {"loss": [None, 0.5, 0.4], "val_loss": [None, None, None], "lr": [0.1, 0.1, 0.1], "val_extra": [1.0, 2.0]}
    panels = dict(curves.panels(parse(report | {"training": report["training"] | {"history": history}})))
    assert list(panels) == ["Loss", "Extra"]
    assert "validation" not in panels["Loss"]
    assert "training ends at 0.4000" in panels["Loss"]


def test_one_epoch_is_a_point_at_epoch_one(report: dict[str, Any]) -> None:
    report["training"]["history"] = {"loss": [0.5]}
    ((_, svg),) = curves.panels(parse(report))
    assert ">1</text>" in svg
    assert "0.975" not in svg


def test_text_in_a_figure_is_text_and_escaped(report: dict[str, Any]) -> None:
    report["variants"] = {"<b>$x^2$</b>&": report["variants"]["int8"], "数字": report["variants"]["int4"]}
    svg = tradeoff.over_download(parse(report | {"recommended": ""}))
    assert "&lt;b&gt;$x^2$&lt;/b&gt;&amp;" in svg
    assert "数字" in svg
    assert "<b>" not in svg


def test_a_heat_map_is_blue_where_right_and_orange_where_wrong() -> None:
    uri = heatmap.confusion_png(np.array([[1.0, 0.0], [0.25, 0.75]]))
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    side = len(pixels) // 2
    assert len(pixels) >= 480
    assert pixels[0, 0].tolist() == [10, 108, 176, 255]
    assert pixels[side, 0].tolist() == [201, 84, 20, 128]
    assert pixels[0, side, 3] == 0
