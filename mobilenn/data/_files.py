"""What loaders of the user's own files share: fingerprints, and faults listed before training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mobilenn.core.errors import DataError
from mobilenn.core.store import sha256_json

MAX_LISTED = 20


def file_fingerprint(path: Path) -> str:
    """Size and time of change of a file.

    Raises:
        DataError: it is not there.
    """
    try:
        status = path.stat()
    except OSError:
        raise DataError(f"There is no file {path}.", "Set data.path.") from None
    return f"{path.name} {status.st_size} {status.st_mtime_ns}"


def folder_fingerprint(path: Path) -> str:
    """Hash over the relative path, size and time of change of every file below a folder.

    Raises:
        DataError: it is not there.
    """
    if not path.is_dir():
        raise DataError(f"There is no folder {path}.", "Set data.path.")
    files = sorted(p for p in path.rglob("*") if p.is_file())
    listed = [(str(p.relative_to(path)), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    return f"{path.name} {len(listed)} files {sha256_json(listed)[:16]}"


def raise_faults(where: str | Path, faults: Sequence[str]) -> None:
    """Raises one DataError that lists the first faults and counts the rest; does nothing without any."""
    if not faults:
        return
    listed = list(faults[:MAX_LISTED])
    if len(faults) > MAX_LISTED:
        listed.append(f"… and {len(faults) - MAX_LISTED} more")
    noun = "fault" if len(faults) == 1 else "faults"
    raise DataError(f"{where} cannot be trained on: {len(faults)} {noun}.", "Mend them and run again.", faults=listed)
