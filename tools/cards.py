#!/usr/bin/env python3
"""Writes the model cards and the README's table of networks from the measured results.

python tools/cards.py                rewrites models/*/README.md and the README's table
python tools/cards.py --check        exits 1 where one is stale
python tools/cards.py --record DIR   takes DIR/report.json of a finished run as models/<name>/results.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mobilenn.core import recipe as recipes
from mobilenn.core import store
from mobilenn.core.errors import ArtifactError, MobilennError, RecipeError
from mobilenn.report.card import card, networks_table
from mobilenn.report.schema import parse

BEGIN, END = "<!-- networks:begin -->", "<!-- networks:end -->"
MAX_BYTES = 200_000
_PATH = re.compile(r"(?<![\w.:/\\+~-])(?:[A-Za-z]:)?[/\\](?:[^\s/\\'\",;:()<>]+[/\\])+([^\s/\\'\",;:()<>]*)")


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a card or the table is stale.")
@click.option("--record", type=click.Path(path_type=Path), help="A finished run's folder.")
@click.option("--root", type=click.Path(path_type=Path), default=Path(__file__).resolve().parents[1], hidden=True)
def main(check: bool, record: Path | None, root: Path) -> None:
    """Keep models/*/README.md and the README's table equal to what was measured."""
    try:
        if record is not None:
            click.echo(f"Wrote {record_results(record, root).relative_to(root)}")
        stale = [path for path, text in pages(root) if not _holds(path, text)]
        unmatched = list(mismatches(root))
        if not check:
            for path, text in pages(root):
                if path in stale:
                    store.write_text(path, text)
    except MobilennError as error:
        click.echo(f"{error.message}\n{error.hint}".strip(), err=True)
        sys.exit(error.exit_code)
    for path in stale:
        click.echo(f"{'Stale' if check else 'Wrote'} {path.relative_to(root)}")
    for fault in unmatched:
        click.echo(fault, err=True)
    if check and stale:
        click.echo("Next  python tools/cards.py", err=True)
    if check and (stale or unmatched):
        sys.exit(1)


def pages(root: Path) -> Iterator[tuple[Path, str]]:
    """Yields every page that is written from results, with the text that it should hold."""
    results = [(path, store.read_json(path)) for path in sorted(root.glob("models/*/results.json"))]
    for path, report in results:
        yield path.with_name("README.md"), card(report)
    yield root / "README.md", _with_table(root / "README.md", networks_table(report for _, report in results))


def mismatches(root: Path) -> Iterator[str]:
    """Yields a line for every results.json that was measured with another recipe than stands beside it."""
    for path in sorted(root.glob("models/*/results.json")):
        measured = parse(store.read_json(path)).recipe
        name = path.parent.name
        if not _same(measured, recipes.load(str(path.with_name("recipe.toml")))):
            yield f"models/{name}/recipe.toml has changed since results.json was measured: mobilenn run {name} again."


def record_results(folder: Path, root: Path) -> Path:
    """Takes a finished run's report into the repository.

    Args:
        folder: holds report.json.
        root: of the repository.

    Returns:
        The models/<name>/results.json that was written: no machine path in it, at most 200 kB.

    Raises:
        ArtifactError: no report, one that ships nothing, or one that is too large.
        RecipeError: the repository has no such recipe, or the run changed it by --set.
    """
    report = parse(store.read_json(folder / "report.json"))
    name = report.recipe.name
    target = root / "models" / name / "results.json"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not target.with_name("recipe.toml").is_file():
        raise RecipeError(f"There is no recipe models/{name}/recipe.toml.", "Run a recipe of this repository.")
    if not report.recommended:
        raise ArtifactError(f"The run in {folder} ships nothing.", report.recommendation)
    if not _same(report.recipe, recipes.load(str(target.with_name("recipe.toml")))):
        raise RecipeError(f"The run is not of models/{name}/recipe.toml as it stands.", f"Type: mobilenn run {name}")
    store.write_json(target, _slim(without_paths(report.to_dict()), folder))
    return target


def without_paths(value: Any) -> Any:
    """Replaces absolute paths in every text by their last part; pictures are left alone."""
    if isinstance(value, Mapping):
        return {key: without_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_paths(item) for item in value]
    if isinstance(value, str) and not value.startswith("data:"):
        return _PATH.sub(r"\1", value)
    return value


def _slim(report: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Drops what is only nice to have, bit by bit, until the file is small enough."""
    for drop in (None, _images, _other_details):
        if drop is not None:
            drop(report)
        size = len(json.dumps(report, indent=2, ensure_ascii=False).encode()) + 1
        if size <= MAX_BYTES:
            return report
    message = f"{folder / 'report.json'} is too large for the repository: {size} bytes."
    raise ArtifactError(message, f"Allowed: {MAX_BYTES} bytes, without pictures and other variants' details.")


def _images(report: dict[str, Any]) -> None:
    for sample in report["samples"]:
        sample["image"] = ""
        sample.pop("film", None)
    report.pop("pictures", None)


def _other_details(report: dict[str, Any]) -> None:
    for name, row in report["variants"].items():
        if name != report["recommended"]:
            row["details"] = {}


def _same(measured: recipes.Recipe, asked: recipes.Recipe) -> bool:
    """Whether two recipes make the same run; the summary is only words, and folders differ between machines."""
    first, second = (without_paths(replace(recipe, summary="").to_dict()) for recipe in (measured, asked))
    return first == second


def _with_table(readme: Path, table: str) -> str:
    text = store.read_bytes(readme).decode()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        message = f"{readme.name} lacks the lines {BEGIN} and {END}, once each."
        raise ArtifactError(message, "Add them where the table goes.")
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


if __name__ == "__main__":
    main()
