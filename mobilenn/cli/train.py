"""`mobilenn train`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options, stage


@click.command("train")
@options.recipe
@options.out("The run's folder; default out/<recipe name>.")
@options.settings
@options.as_json
def command(recipe: str, out: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Train a RECIPE's network; the first stage of run."""
    stage.run_until("train", recipe, out, settings, as_json)
