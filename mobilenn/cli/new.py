"""`mobilenn new`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("new")
@click.argument("name")
@click.option("--like", default="mlp", show_default=True, metavar="RECIPE", help="The recipe to start from.")
@click.option(
    "--data",
    "data_path",
    type=click.Path(path_type=Path),
    help="Own data: a folder of images, .wav or .txt files, a .csv, a .tsv or a .npz.",
)
@click.option("--target", help="For a .csv: the column to predict.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder to write; default ./NAME.")
def command(name: str, like: str, data_path: Path | None, target: str | None, out: Path | None) -> None:
    """Write NAME/recipe.toml, a recipe of your own, from one that works."""
    from mobilenn.scaffold import new_recipe

    path = new_recipe(name, like, data_path, target, out or Path(name))
    click.echo(f"Wrote {path}")
    click.echo(f"Next  mobilenn run {path.parent}")
