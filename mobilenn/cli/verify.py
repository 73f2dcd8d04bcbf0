"""`mobilenn verify`."""

from __future__ import annotations

from pathlib import Path

import click

from mobilenn.cli import options, stage


@click.command("verify")
@click.argument("source", metavar="RECIPE|FILE")
@options.out("For a RECIPE: the run's folder; default out/<recipe name>.")
@options.settings
@options.as_json
def command(source: str, out: Path | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Verify a RECIPE's variants, or a .tflite FILE on its golden pairs.

    A FILE runs in LiteRT's Interpreter and in CompiledModel, each in a worker process.
    """
    if not options.is_tflite(source):
        return stage.run_until("verify", source, out, settings, as_json)
    from mobilenn.golden import verify_file

    found = verify_file(Path(source))
    if as_json:
        return options.print_json(found)
    for api, errors in found["runtimes"].items():
        for name, error in errors.items():
            what = "share that differs" if name == "tokens" or name.endswith("transcripts") else "largest golden error"
            click.echo(f"{api:<15} {name:<18} {what} {error:.3g}")
    click.echo(f"Next  mobilenn bench {source}")
