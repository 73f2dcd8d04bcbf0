"""report.html: one file with everything in it, that loads nothing from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mobilenn.report import format as fmt
from mobilenn.report import (
    palette,
    view,
    view_baselines,
    view_episodes,
    view_errors,
    view_files,
    view_forms,
    view_judge,
    view_ondevice,
)
from mobilenn.report.figures import curves, heatmap, histogram, latency, lesson, scatter, tradeoff
from mobilenn.report.recipe_text import toml
from mobilenn.report.schema import Report

MAX_TABLE_CLASSES = 24  # a confusion matrix of more classes is drawn instead of written
MAX_PROFILE_ROWS = 12


def render(report: Report) -> str:
    """Returns the page. Everything that the report says is escaped; the same report gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    colors = {"light": palette.css(palette.LIGHT), "dark": palette.css(palette.DARK)}
    environment.globals.update(fmt=fmt, plural=view.plural, **colors)
    return environment.get_template("report.html").render(**_context(report))


def _context(report: Report) -> dict[str, Any]:
    return {
        "report": report,
        "metric_title": fmt.metric_title(report.metric),
        "marks": {view_errors.FLOAT: palette.FLOAT, **palette.marks(report.variants)},
        "lead": view.lead(report),
        "figures": view.verdict_figures(report),
        "variants": view.variant_rows(report),
        "unit": view.time_unit(report),
        "threads": view.thread_counts(report),
        "disturbed": view.disturbed(report),
        "interval": view.metric_interval(report),
        "shown": view.shown(report),
        "tradeoffs": [Markup(svg) for svg in (tradeoff.over_download(report), tradeoff.over_latency(report)) if svg],
        "latency": Markup(latency.dots(report)),
        "curves": [(title, Markup(svg)) for title, svg in curves.panels(report)],
        "scatters": _scatters(report),
        "spreads": _spreads(report),
        "baselines": (view_baselines.heads(report), view_baselines.rows(report)),
        "confusions": [(matrix, _heatmap(matrix)) for matrix in view_errors.confusions(report)],
        "measures": view_errors.measure_rows(report),
        "classes": view_errors.class_rows(report),
        "samples": view_errors.sample_rows(report),
        "parity": (view_files.PARITY_HEADS, view_files.parity_rows(report), view_files.runtimes(report)),
        "operators": view_files.operators(report),
        "profiles": view_files.profiles(report),
        "max_profile_rows": MAX_PROFILE_ROWS,
        "commands": view_files.command_lines(report),
        "run_rows": view_files.run_rows(report),
        "hashes": view_files.hash_rows(report),
        "recipe": toml(report.to_dict()["recipe"]),
        **_of_some(report),
    }


def _of_some(report: Report) -> dict[str, Any]:
    """What only some runs have: a generator's pictures and judge, forms that were tried, files that learn."""
    return {
        "pictures": view_judge.pictures(report),
        "judge": view_judge.rows(report),
        "judge_heads": list(view_judge.HEADS),
        "shares": view_judge.share_rows(report),
        "forms": view_forms.tables(report),
        "form_heads": list(view_forms.HEADS),
        "ondevice": _trained(report),
        "signature_heads": list(view_ondevice.SIGNATURE_HEADS),
        "lesson_heads": list(view_ondevice.LESSON_HEADS),
        "ondevice_note": view_ondevice.NOTE,
    }


def _heatmap(matrix: view_errors.Confusion) -> str:
    """The matrix as a picture, where it is too large for a table."""
    if len(matrix.labels) <= MAX_TABLE_CLASSES:
        return ""
    return heatmap.confusion_png(np.array([[cell.share for cell in row] for row in matrix.rows]))


def _trained(report: Report) -> list[tuple[view_ondevice.Trained, Markup]]:
    """The variants that can be trained, each with the curve of its lesson."""
    styles, drawn = palette.marks(report.variants), []
    for index, row in enumerate(view_ondevice.trained(report)):
        taught = report.variants[row.variant].lesson
        drawn.append((row, Markup(lesson.curve(index, taught, styles[row.variant]) if taught else "")))
    return drawn


def _spreads(report: Report) -> list[tuple[str, Markup]]:
    """How the scores of episodes are spread, of the variant that is looked at and of the float model."""
    styles = {view_errors.FLOAT: palette.FLOAT, **palette.marks(report.variants)}
    return [
        (found.model, Markup(histogram.spread(str(index), found.model, found.counts, found.edges, styles[found.model])))
        for index, found in enumerate(view_episodes.spreads(report))
    ]


def _scatters(report: Report) -> list[tuple[str, Markup]]:
    """Prediction over truth, of the variant that is looked at and of the float model."""
    styles = {view_errors.FLOAT: palette.FLOAT, **palette.marks(report.variants)}
    drawn = []
    for index, model in enumerate(filter(None, (view.shown(report), view_errors.FLOAT))):
        points = view_errors.truth_and_prediction(report, model)
        if points:
            svg = scatter.truth_prediction(str(index), model, points, styles[model])
            drawn.append((model, Markup(svg)))
    return drawn
