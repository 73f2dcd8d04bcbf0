"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

recipe = click.argument("recipe", metavar="RECIPE")
model_file = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a recipe's key, such as train.epochs=3; may be repeated.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; all else goes to stderr.")


def out(help_text: str) -> Callable:
    """Returns the --out option with its own help."""
    return click.option("--out", type=click.Path(path_type=Path), help=help_text)


def print_json(value: Any) -> None:
    """Prints JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def is_tflite(reference: str) -> bool:
    """Whether a RECIPE-or-FILE argument means a .tflite file."""
    return reference.endswith(".tflite")
