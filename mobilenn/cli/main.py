"""The `mobilenn` program: finds a command by its file, and turns every error into one line."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

import mobilenn
from mobilenn.core.errors import DataError, MobilennError, nearest

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130
_ORDER = (
    ("Start", ("list", "show", "new", "doctor")),
    ("From a recipe to evidence", ("run", "report")),
    ("Single stages", ("train", "compress", "convert", "quantize", "verify")),
    ("Files", ("inspect", "bench", "compare", "generate")),
)


class Commands(click.Group):
    """A group whose commands are the files of this folder, each imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of the commands, in the order of the help."""
        return [name for _, names in _ORDER for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports `mobilenn.cli.<name>` and returns its `command`."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"mobilenn.cli.{cmd_name}").command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Suggests the nearest command for an unknown one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            raise click.UsageError(
                f"No such command '{args[0]}'. {nearest(args[0], self.list_commands(ctx))}"
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands in groups."""
        for title, names in _ORDER:
            rows = [(name, self.get_command(ctx, name).get_short_help_str(90)) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(mobilenn.__version__, prog_name="mobilenn")
def cli() -> None:
    """From Keras code to a verified .tflite with evidence.

    \b
    mobilenn list                     what can be trained
    mobilenn run alexnet --out out    train, compress, convert, verify, time, report
    """


def main() -> None:
    """Entry point: runs the program and ends the process with an exit code that says what happened."""
    try:
        code = cli.main(standalone_mode=False)  # the exit code that a context ended with, or None
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = f" Type: {context.command_path} --help" if context else ""
        _fail(f"{error.format_message()}{command}", error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("Interrupted; type the same command again to go on from here.", INTERRUPTED)
    except MobilennError as error:
        _fail(str(error), error.exit_code, error.faults if isinstance(error, DataError) else ())
    except BrokenPipeError:  # the reader of our output, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        _fail(f"Internal error: {type(error).__name__}. The details are in {_save_traceback()}.", INTERNAL_ERROR)


def _fail(message: str, code: int, faults: tuple[str, ...] = ()) -> None:
    """Prints one line (and the faults of the data below it) on standard error, and ends the process."""
    click.echo(click.style("error: ", fg="red", bold=True) + " ".join(message.split()), err=True)
    for fault in faults:
        click.echo(f"  {fault}", err=True)
    sys.exit(code)


def _save_traceback() -> Path:
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="mobilenn-", suffix=".log", delete=False) as file:
        traceback.print_exc(file=file)
    return Path(file.name)


if __name__ == "__main__":
    main()
