"""Runs a recipe with several seeds and holds what ships against the recipe's floors.

python tools/seeds.py cartpole --seeds 0 1 2
python tools/seeds.py cartpole maze --out out/seeds --set train.epochs=3 --results out

The floors hold for the float model and for the recommended file of every seed; the exit status is 1 where one does
not. A folder that holds a finished run already is not trained again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mobilenn import data, evaluate, pipeline, provenance
from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import VerificationError
from mobilenn.report import format as fmt
from mobilenn.report.tables import text_table

RESULTS = Path(__file__).resolve().parent / "results"
HEADS = ("seed", "float", "shipped", "file", "floor", "training", "run", "")


def main() -> None:
    """Reads the options, runs, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, help="where the runs go; a temporary folder without it")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="mobilenn-seeds-") as scratch:
        for name in options.recipes:
            found = several(name, options.seeds, options.settings, options.out or Path(scratch))
            missed += sum(not row["held"] for row in found["rows"])
            store.write_json(options.results / f"seeds_{found['recipe']}.json", found)
            store.write_text(options.results / f"seeds_{found['recipe']}.md", page(found))
            print(page(found), flush=True)
    sys.exit(1 if missed else 0)


def several(name: str, seeds: Sequence[int], settings: Sequence[str], out: Path) -> dict[str, Any]:
    """Runs a recipe once a seed.

    Args:
        name: as `mobilenn run` takes it.
        seeds: of the runs.
        settings: `key=value` changes.
        out: holds a folder for each run.

    Returns:
        JSON-ready: the recipe's name and floor, a row a seed, and the machine.
    """
    rows = []
    for seed in seeds:
        recipe = recipes.load(name, [*settings, f"seed={seed}"])
        print(f"{recipe.name}, seed {seed}", file=sys.stderr, flush=True)
        rows.append(one(recipe, out / f"{recipe.name}-{seed}"))
    floor = dict(recipe.floor)
    return {
        "recipe": recipe.name,
        "settings": list(settings),
        "floor": floor,
        "rows": rows,
        "environment": provenance.environment(),
    }


def one(recipe: recipes.Recipe, out: Path) -> dict[str, Any]:
    """Runs a recipe to its report; a run of which nothing may be shipped is a row too."""
    began = time.monotonic()
    try:
        report = pipeline.run(recipe, out)
    except VerificationError:
        report = store.read_json(out / "report.json")
    row = held(report)
    return {"seed": recipe.seed, **row, "run_s": time.monotonic() - began}


def held(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a report says of the float model and of the file that ships, and whether both reach every floor."""
    name, metric, recipe = report["recommended"], report["metric"], report["recipe"]
    rows = [report["float"], *([report["variants"][name]] if name else [])]
    table = dict(recipe["data"])
    declared = evaluate.figures(recipe["task"], data.settings(table.pop("name"), table))
    reached = bool(name) and all(
        declared[figure].reached(row["metric"] if figure == metric else row["details"][figure], bar)
        for figure, bar in recipe["floor"].items()
        for row in rows
    )
    variants = {key: {"metric": row["metric"], "status": row["status"]} for key, row in report["variants"].items()}
    return {
        "metric": metric,
        "higher_is_better": report["higher_is_better"],
        "samples": report["data"]["test"],
        "float": report["float"]["metric"],
        "shipped": report["variants"][name]["metric"] if name else None,
        "file": name,
        "variants": variants,
        "baselines": {key: row["metric"] for key, row in report["baselines"].items()},
        "training_s": report["training"]["seconds"],
        "held": reached,
    }


def page(found: Mapping[str, Any]) -> str:
    """The table of one recipe, as Markdown."""
    rows = found["rows"]
    metric = rows[0]["metric"]
    floor = found["floor"].get(metric)
    body = [
        (
            str(row["seed"]),
            fmt.metric(metric, row["float"]),
            fmt.metric(metric, row["shipped"]),
            row["file"] or fmt.NONE,
            fmt.metric(metric, floor),
            fmt.seconds(row["training_s"]),
            fmt.seconds(row["run_s"]),
            "held" if row["held"] else "MISSED",
        )
        for row in rows
    ]
    shipped = [row["shipped"] for row in rows if row["shipped"] is not None]
    least = min(shipped) if shipped else None
    mean = statistics.mean(shipped) if shipped else None
    said = f"{fmt.metric_title(metric)} of the file that ships: mean {fmt.metric(metric, mean)}, "
    said += f"least {fmt.metric(metric, least)}, over {len(rows)} seeds."
    return f"# {found['recipe']}\n\n{text_table(HEADS, body, left=1)}\n\n{said}\n"


if __name__ == "__main__":
    from ended import ended

    ended(main)
