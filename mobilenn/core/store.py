"""Files that are whole or absent: temporary file, fsync, rename; locks; hashes; cached stages."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mobilenn.core.errors import ArtifactError, StorageError

PARTIAL = ".partial"  # ending of everything that is not finished; swept at the next start


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns a full disk or a folder that cannot be written into one StorageError line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            message = f"The disk is full: {path} could not be written."
            raise StorageError(message, "Free some space, or choose another folder with --out.") from None
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            reason = os.strerror(error.errno)
            raise StorageError(f"Cannot write {path}: {reason}.", "Choose another folder with --out.") from None
        raise


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Opens a binary file that appears under `path` whole when the block ends, or not at all.

    The bytes go to a temporary file in the same folder, are synced to disk, and are renamed
    over `path`; a reader that has the old file open keeps the old bytes (overwriting a mapped
    .tflite in place would kill that reader with SIGBUS).

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(partial, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)


def read_bytes(path: Path) -> bytes:
    """Reads a file whole.

    Raises:
        ArtifactError: it is missing or cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from None


def write_bytes(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, whole or not at all."""
    with atomic_file(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text to `path`, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON to `path`, whole or not at all; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        ArtifactError: the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"There is no file {path}.") from None
    except (ValueError, OSError) as error:
        raise ArtifactError(f"{path} is not readable JSON: {error}.") from None


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut: the folder's entry is synced too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_file(path: Path) -> str:
    """Returns the hex SHA-256 of a file.

    Raises:
        ArtifactError: the file is missing.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise ArtifactError(f"There is no file {path}.") from None


def sha256_json(value: Any) -> str:
    """Returns the hex SHA-256 of `value` as canonical JSON (sorted keys, no spaces)."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Raises ArtifactError where the file at `path` is not the one that was written."""
    found = sha256_file(path)
    if found != expected:
        message = f"{path} is damaged or was changed: its SHA-256 is {found[:12]}…, not {expected[:12]}…."
        raise ArtifactError(message, "Delete it and run the command again.")


def sweep(folder: Path) -> None:
    """Removes what a killed run left unfinished below `folder`; call it under the folder's lock."""
    for path in list(Path(folder).rglob(f".*{PARTIAL}")):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def lock(folder: Path, wait_s: float = 15.0) -> Iterator[int]:
    """Holds `folder` for this process and the workers that inherit the yielded descriptor.

    The lock is the operating system's, on the folder itself: it leaves no file, and it ends with
    the last process that has it. A worker of a killed run holds it for the moment it takes to
    notice; hence `wait_s`, in seconds.

    Raises:
        StorageError: another run still holds the folder after `wait_s`.
    """
    folder = Path(folder)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _take(descriptor, folder, time.monotonic() + wait_s)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                hint = "Wait for it, or choose another folder with --out."
                raise StorageError(f"Another mobilenn run is writing to {folder}.", hint) from None
            time.sleep(0.05)


def cached(manifest: Path, key: str, build: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Returns a stage's manifest, building it only where it is missing, stale or damaged.

    A manifest is `{"key": …, "files": {name: sha256}, "artifact": {…}}`, written last, so a
    stage that was killed half-way has none. `files` are relative to the manifest's folder.

    Args:
        manifest: where the manifest stands.
        key: hash of everything that has a say in the result.
        build: does the work; returns `{"files": {name: sha256}, "artifact": {…}}`.

    Returns:
        The manifest's `artifact`, and whether it was reused.
    """
    known = _fresh(manifest, key)
    if known is not None:
        return known["artifact"], True
    manifest.unlink(missing_ok=True)
    made = build()
    write_json(manifest, {"key": key, **made})
    return made["artifact"], False


def _fresh(manifest: Path, key: str) -> dict[str, Any] | None:
    try:
        known = read_json(manifest)
        if known["key"] != key:
            return None
        for name, digest in known["files"].items():
            check_sha256(manifest.parent / name, digest)
        return known
    except (ArtifactError, KeyError, TypeError, AttributeError):
        return None
