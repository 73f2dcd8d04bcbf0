"""`mobilenn convert`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options, stage


@click.command("convert")
@options.recipe
@options.out("The run's folder; default out/<recipe name>.")
@options.settings
@options.as_json
def command(recipe: str, out: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Convert a RECIPE's Keras models to float flatbuffers."""
    stage.run_until("convert", recipe, out, settings, as_json)
