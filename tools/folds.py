"""Cross-validates a recipe on a table: as many runs as there are folds, each tested on rows that its run never saw.

python tools/folds.py wine --floor 0.95
python tools/folds.py wine --floor 0.95 --grid tools/grids/wine.toml

A table of a few hundred rows has a test split of a few dozen, where one row is two points. Together the folds test
every row once, by the file that ships and by the float model; the floor is one for the mean over all rows. The exit
status is 1 where it is missed. Settings that were chosen on rows of a fold make its figure worth less: with --grid each
fold chooses its own, on the rows that it does not test (nested cross-validation; Cawley, Talbot 2010, section 5).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from grid import Grid, assignments, read, weigh
from seeds import RESULTS, one

from mobilenn import provenance
from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import RecipeError
from mobilenn.data._tables import Settings, folds
from mobilenn.evaluate import Figure
from mobilenn.report import format as fmt
from mobilenn.report.tables import text_table

HEADS = ("fold", "rows", "float", "shipped", "file", "chosen")


def main() -> None:
    """Reads the options, runs, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="one whose data take the key `fold`")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--floor", type=float, help="what the mean has to reach")
    parser.add_argument("--grid", type=Path, help="settings to choose among in each fold, as tools/grid.py takes them")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    grid = read(options.grid) if options.grid else None
    with tempfile.TemporaryDirectory(prefix="mobilenn-folds-") as scratch:
        found = cross_validated(options.recipe, options.settings, options.floor, grid, Path(scratch))
    store.write_json(options.results / f"folds_{found['recipe']}.json", found)
    store.write_text(options.results / f"folds_{found['recipe']}.md", page(found))
    print(page(found), flush=True)
    sys.exit(0 if found["held"] else 1)


def cross_validated(
    name: str, settings: Sequence[str], floor: float | None, grid: Grid | None, out: Path
) -> dict[str, Any]:
    """Runs a recipe once a fold.

    Args:
        name: as `mobilenn run` takes it.
        settings: `key=value` changes.
        floor: what the means have to reach; None takes whatever they are.
        grid: settings of which each fold chooses the best, by validation splits of its own; None takes the recipe's.
        out: holds a folder for each run.

    Returns:
        JSON-ready: the recipe's name, a row a fold, the means over all rows and whether they reach the floor, and the
        machine.

    Raises:
        RecipeError: the recipe's data have no folds.
    """
    recipe = recipes.load(name, settings)
    rows = []
    for fold in range(folds(recipe.data.get("test", Settings.test))):
        print(f"{recipe.name}, fold {fold}", file=sys.stderr, flush=True)
        own = [*settings, f"data.fold={fold}"]
        weighed = weigh(name, own, grid) if grid else []
        chosen = weighed[0]["settings"] if weighed else {}
        # every fold ships a file, also where it alone misses what the recipe asks of one split
        changed = recipes.load(name, [*own, *assignments(chosen), "floor={}", "baselines={}"])
        rows.append({"fold": fold, "chosen": chosen, "weighed": weighed, **one(changed, out / str(fold))})
    metric = Figure(higher_is_better=rows[0]["higher_is_better"])
    means = {key: mean(rows, key) for key in ("float", "shipped")}
    held = floor is None or all(metric.reached(value, floor) for value in means.values())
    return {
        "recipe": recipe.name,
        "settings": list(settings),
        "metric": rows[0]["metric"],
        "floor": floor,
        "rows": rows,
        "means": means,
        "held": held,
        "environment": provenance.environment(),
    }


def mean(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    """The mean over all samples of all folds.

    Raises:
        RecipeError: a fold has no file that may be shipped.
    """
    without = [row["fold"] for row in rows if row[key] is None]
    if without:
        raise RecipeError(f"Nothing ships of fold {without[0]}.", "Allowed: a larger max_drop.")
    return sum(row[key] * row["samples"] for row in rows) / sum(row["samples"] for row in rows)


def page(found: Mapping[str, Any]) -> str:
    """The table, as Markdown."""
    metric, nested = found["metric"], any(row["chosen"] for row in found["rows"])
    body = [
        (
            str(row["fold"]),
            str(row["samples"]),
            fmt.metric(metric, row["float"]),
            fmt.metric(metric, row["shipped"]),
            row["file"],
            ", ".join(f"{key.split('.')[-1]} {json.dumps(value)}" for key, value in row["chosen"].items()),
        )
        for row in found["rows"]
    ]
    means = (fmt.metric(metric, found["means"][key]) for key in ("float", "shipped"))
    body.append(("all", str(counted(found)), *means, "", ""))
    columns = len(HEADS) if nested else len(HEADS) - 1
    table = text_table(HEADS[:columns], [row[:columns] for row in body], left=1)
    return f"# {found['recipe']}\n\n{table}\n\n{' '.join(sentences(found, nested))}\n"


def sentences(found: Mapping[str, Any], nested: bool) -> Iterator[str]:
    """What the table shows."""
    metric, mean = found["metric"], found["means"]["shipped"]
    yield f"{fmt.metric_title(metric)}; each row of the table was tested once, by a run that had not seen it."
    if nested:
        yield "Each fold chose its settings by validation splits of the rows that it does not test."
    if fmt.is_percent(metric):
        low, high = (fmt.metric(metric, end) for end in fmt.wilson(mean, counted(found)))
        yield f"The shipped files' mean has a 95 % interval of {low} to {high}."
    if found["floor"] is not None:
        yield f"The floor of {fmt.metric(metric, found['floor'])} is {'held' if found['held'] else 'MISSED'}."


def counted(found: Mapping[str, Any]) -> int:
    """How many rows all folds test together."""
    return sum(row["samples"] for row in found["rows"])


if __name__ == "__main__":
    from ended import ended

    ended(main)
