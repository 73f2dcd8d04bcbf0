"""`mobilenn compress`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options, stage


@click.command("compress")
@options.recipe
@options.out("The run's folder; default out/<recipe name>.")
@options.settings
@options.as_json
def command(recipe: str, out: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Prune, cluster and quantization-aware train a RECIPE's variants."""
    stage.run_until("compress", recipe, out, settings, as_json)
