"""Scores of whole episodes, as the evaluation of a policy keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from mobilenn.report.schema import Report
from mobilenn.report.view import shown
from mobilenn.report.view_errors import FLOAT, details_of


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How many episodes of a model reached what: `edges` has one entry more than `counts`."""

    model: str
    counts: tuple[float, ...]
    edges: tuple[float, ...]


def spreads(report: Report) -> list[Spread]:
    """Returns the spread of the variant that is looked at, and of the float model; nothing for other tasks."""
    models = dict.fromkeys(filter(None, (shown(report), FLOAT)))
    return [found for found in (_spread(report, model) for model in models) if found is not None]


def _spread(report: Report, model: str) -> Spread | None:
    kept = details_of(report, model).get("histogram")
    if not isinstance(kept, dict) or not {"counts", "edges"} <= set(kept):
        return None
    counts, edges = (tuple(value for value in kept[part] if _is_number(value)) for part in ("counts", "edges"))
    if not counts or len(edges) != len(counts) + 1 or not sum(counts) > 0:
        return None
    return Spread(model=model, counts=counts, edges=edges)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
