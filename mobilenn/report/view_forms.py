"""The forms of a recurrent network that were tried for each variant, as rows, and why the winner won."""

from __future__ import annotations

from dataclasses import dataclass

from mobilenn.report import format as fmt
from mobilenn.report import view
from mobilenn.report.schema import Form, Report

HEADS = ("Form", "On disk", "Median", "Least", "Can it be shipped?")
_MEANINGS = {
    "hoisted": "a loop, inputs multiplied before it",
    "blocks": "the same, several steps a turn",
    "unrolled": "no loop",
    "stock": "as the converter makes it",
}


@dataclass(frozen=True, kw_only=True)
class FormTable:
    """What was tried for one variant: rows under `HEADS`, the shipped form first, and a sentence on it."""

    variant: str
    rows: tuple[tuple[str, ...], ...]
    why: str


def tables(report: Report) -> list[FormTable]:
    """Returns a table for each variant that had a choice, the recommended variant's first."""
    tried = {name: row.forms for name, row in report.variants.items() if row.forms}
    order = sorted(tried, key=lambda name: name != report.recommended)
    return [FormTable(variant=name, rows=_rows(tried[name]), why=why(tried[name])) for name in order]


def _rows(forms: tuple[Form, ...]) -> tuple[tuple[str, ...], ...]:
    unit = _unit(forms)
    places = unit.places(form.median_ms for form in forms)
    return tuple(
        (
            f"{form.form}: {_MEANINGS[form.form]}" if form.form in _MEANINGS else form.form,
            fmt.size(form.size_bytes),
            _time(unit, form.median_ms, places),
            _time(unit, form.min_ms, places),
            form.reason or ("yes; shipped" if form.chosen else "yes"),
        )
        for form in forms
    )


def _unit(forms: tuple[Form, ...]) -> fmt.TimeUnit:
    return fmt.time_unit(form.median_ms for form in forms if form.median_ms)


def _time(unit: fmt.TimeUnit, ms: float | None, places: int) -> str:
    return fmt.NONE if ms is None else f"{unit.number(ms, places)} {unit.name}"


def why(forms: tuple[Form, ...]) -> str:
    """Says in a sentence why the shipped form was chosen; empty where none was."""
    chosen = next((form for form in forms if form.chosen), None)
    if chosen is None:
        return ""
    fit = [form for form in forms if not form.reason]
    if len(fit) == 1:
        reason = "the only one that can be shipped" if len(forms) > 1 else "the form that the recipe asks for"
        return f"{chosen.form} is shipped: {reason}."
    unit = _unit(forms)
    timed = sorted((form for form in fit if form.min_ms), key=lambda form: form.min_ms)
    others = ", ".join(f"{_least(unit, form)} of {form.form}" for form in timed if form is not chosen)
    if not timed or timed[0] is chosen:
        merit = f"the fastest of {view.plural(len(fit), 'form')} that every runtime here loads"
    else:
        merit = "the smallest of those that are about as fast as the fastest"
    return f"{chosen.form} is shipped: {merit}, {_least(unit, chosen)} a run on one thread against {others}."


def _least(unit: fmt.TimeUnit, form: Form) -> str:
    return f"{unit.number(form.min_ms)} {unit.name}"
