"""Runs a recipe up to one stage: what train, compress, convert, quantize and verify share."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options

_NEXT = {
    "train": "compress",
    "compress": "convert",
    "convert": "quantize",
    "quantize": "verify",
    "verify": "run",
    "bench": "run",
}


def run_until(stage: str, recipe: str, out: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Runs a recipe's stages up to `stage`, and prints the files that the last one wrote."""
    from mobilenn import pipeline
    from mobilenn.cli.progress import Progress
    from mobilenn.core import recipe as recipes

    loaded = recipes.load(recipe, settings)
    folder = out or Path("out") / loaded.name
    with Progress() as progress:
        result = pipeline.run(loaded, folder, until=stage, on_event=progress.on_event)
    if as_json:
        return options.print_json(result)
    for path in result["files"]:
        click.echo(f"Wrote {path}")
    click.echo(f"Next  mobilenn {_NEXT[stage]} {recipe} --out {folder}")
