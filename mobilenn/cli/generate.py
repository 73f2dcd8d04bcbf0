"""`mobilenn generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mobilenn.cli import options


@click.command("generate")
@options.model_file
@click.argument("text")
@click.option("--beam", type=click.IntRange(1, 64), help="Follow so many texts at once; else one, greedily.")
@click.option("--length", type=click.IntRange(1), help="Tokens to say at most; default: what the file was trained for.")
@click.option("--temperature", type=float, help="Draw tokens by probability; below 1 the probable ones more often.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of what --temperature draws.")
@click.option("--attention", is_flag=True, help="Show which tokens of TEXT each one was taken from.")
@options.as_json
def command(file: Path, text: str, as_json: bool, **wanted: Any) -> None:
    """Translate, sum up or continue TEXT with a .tflite FILE and the vocabulary inside it."""
    from mobilenn.runtime.text import Wanted, say

    found = say(file, text, Wanted(**wanted))
    for count, note in ((found["left_out"], "past the file's length were left out"), (found["unknown"], "are unknown")):
        if count:
            click.echo(f"note: {count} of {found['read'] + found['left_out']} tokens {note}", err=True)
    if as_json:
        return options.print_json(found)
    click.echo(found["text"])
    if "attention" in found:
        from mobilenn.cli.tables import attention

        click.echo(attention(found["attention"]))
