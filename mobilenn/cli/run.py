"""`mobilenn run`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options


@click.command("run")
@options.recipe
@options.out("The run's folder; default out/<recipe name>.")
@options.settings
@options.as_json
def command(recipe: str, out: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Run a RECIPE: train, compress, convert, verify, time, report.

    RECIPE is a name (mobilenn list) or a path. A second run does only what has changed.
    """
    from mobilenn import pipeline
    from mobilenn.cli.progress import Progress
    from mobilenn.core import recipe as recipes

    loaded = recipes.load(recipe, settings)
    folder = out or Path("out") / loaded.name
    with Progress() as progress:
        report = pipeline.run(loaded, folder, on_event=progress.on_event)
    if as_json:
        return options.print_json(report)
    from mobilenn.report.terminal import variants_table

    click.echo(variants_table(report))
    best = report["variants"][report["recommended"]]["file"]
    click.echo(f"Wrote {folder / 'report.html'}\nShip  {folder / best}\nNext  mobilenn inspect {folder / best}")
