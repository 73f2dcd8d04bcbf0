"""`mobilenn inspect`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options


@click.command("inspect")
@options.model_file
@options.as_json
def command(file: Path, as_json: bool) -> None:
    """Show what a .tflite FILE holds and where it runs."""
    from mobilenn.tflite.inspect import inspect

    found = inspect(file)
    if as_json:
        return options.print_json(found.to_dict())
    from mobilenn.cli.tables import inspection

    click.echo(inspection(found))
    click.echo(f"Next  mobilenn verify {file}")
