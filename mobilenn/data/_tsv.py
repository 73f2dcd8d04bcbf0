"""Two columns of text with a tab between them, and every line that is not."""

from __future__ import annotations

from pathlib import Path

from mobilenn.core.errors import DataError
from mobilenn.core.vocabulary import Vocabulary

LEAST_ROWS = 10


def read_tsv(
    path: Path, names: tuple[str, str], header: bool, cutter: Vocabulary
) -> tuple[list[tuple[str, str]], list[str]]:
    """Reads a .tsv: UTF-8, one row a line, no quoting; lines with nothing in them are passed over.

    Args:
        path: the file.
        names: of the columns, for the faults.
        header: whether the first line names the columns.
        cutter: a vocabulary whose kind says what a token is.

    Returns:
        The sound rows, stripped, in the file's order, and the faults, each with the number of its line.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    lines = read_bytes(path).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    rows, faults = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip() or (header and number == 1):
            continue
        parsed = _row(line, names, cutter)
        if isinstance(parsed, str):
            faults.append(f"{path.name}:{number}: {parsed}")
        else:
            rows.append(parsed)
    if len(rows) < LEAST_ROWS and not faults:
        faults.append(f"{path.name}: {len(rows)} rows; {LEAST_ROWS} or more are needed")
    return rows, faults


def read_bytes(path: Path) -> bytes:
    """The content of a file of the user's own.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.", "Set data.path.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path} cannot be read: {reason}.", "Set data.path to a file.") from None


def decoded(content: bytes) -> tuple[str, str]:
    """The text of UTF-8 bytes, or an empty one and what is wrong with them."""
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        return "", f"byte {error.start + 1} is not UTF-8"


def _row(line: bytes, names: tuple[str, str], cutter: Vocabulary) -> tuple[str, str] | str:
    """The two sides of a line, or what is wrong with it."""
    text, fault = decoded(line)
    if fault:
        return fault
    cells = [cell.strip() for cell in text.split("\t")]
    if len(cells) != 2:
        noun = "column" if len(cells) == 1 else "columns"
        return f"{len(cells)} {noun}; allowed: {names[0]}, a tab, {names[1]}"
    empty = [name for name, cell in zip(names, cells, strict=True) if not cutter.split(cell)]
    return f"{empty[0]} is empty" if empty else (cells[0], cells[1])
