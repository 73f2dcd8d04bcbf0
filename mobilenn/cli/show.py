"""`mobilenn show`."""

from __future__ import annotations

import click

from mobilenn.cli import options


@click.command("show")
@options.recipe
@options.settings
@options.as_json
def command(recipe: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Show a RECIPE and the figures it was measured at."""
    from mobilenn.core import recipe as recipes
    from mobilenn.core.store import read_json

    loaded = recipes.load(recipe, settings)
    results = recipes.find(recipe).with_name("results.json")
    measured = read_json(results) if results.is_file() else None
    if as_json:
        return options.print_json({"recipe": loaded.to_dict(), "results": measured})
    from mobilenn.cli.tables import recipe_table

    click.echo(recipe_table(loaded.to_dict()))
    if measured is not None:
        from mobilenn.report.terminal import variants_table

        click.echo(variants_table(measured))
    click.echo(f"Next  mobilenn run {recipe} --out out/{loaded.name}")
