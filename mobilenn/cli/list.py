"""`mobilenn list`."""

from __future__ import annotations

import click

from mobilenn.cli import options


@click.command("list")
@click.option("--networks", "kind", flag_value="networks", help="List the networks instead.")
@click.option("--data", "kind", flag_value="data", help="List the datasets instead.")
@options.as_json
def command(kind: str | None, as_json: bool) -> None:
    """List the recipes, the networks or the datasets."""
    from mobilenn.core import recipe as recipes

    if kind is not None:
        rows = _modules(kind)
        return options.print_json(list(rows)) if as_json else click.echo("\n".join(rows))
    loaded = [recipes.load(name) for name in recipes.names()]
    if as_json:
        return options.print_json([{"name": r.name, "summary": r.summary, "task": r.task} for r in loaded])
    width = max((len(r.name) for r in loaded), default=0)
    for recipe in loaded:
        click.echo(f"{recipe.name:<{width}}  {recipe.summary}")
    click.echo("Next  mobilenn run NAME --out DIR")


def _modules(kind: str) -> tuple[str, ...]:
    if kind == "networks":
        from mobilenn.networks import names
    else:
        from mobilenn.data import names
    return names()
