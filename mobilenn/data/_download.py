"""Fetches a public dataset once, into a cache; says in one line what is missing where the network is away."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from pathlib import Path

from mobilenn.core import store
from mobilenn.core.errors import DataError, StorageError

TIMEOUT_S = 15
MAX_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20


def cache_folder() -> Path:
    """Where downloaded sets are kept: MOBILENN_DATA, or the user's cache."""
    given = os.environ.get("MOBILENN_DATA")
    return Path(given) if given else Path.home() / ".cache" / "mobilenn"


def fetch(url: str, sha256: str = "", max_bytes: int = MAX_BYTES) -> Path:
    """Returns the cached file of `url`, downloading it where it is not there yet.

    Args:
        url: an https address; its last part names the file.
        sha256: of the file, where its publisher states one.
        max_bytes: the most that is downloaded.

    Raises:
        DataError: it is not there and cannot be downloaded, or its hash is another.
    """
    path = cache_folder() / url.rsplit("/", 1)[1]
    if not path.exists():
        try:
            _download(url, path, max_bytes)
        except (OSError, ValueError) as error:
            if isinstance(error, StorageError):
                raise
            reason = getattr(error, "reason", None) or error
            hint = f"With a network run again, or put the file there by hand from {url}"
            raise DataError(f"{path} is not there and could not be downloaded: {reason}.", hint) from None
    if sha256 and store.sha256_file(path) != sha256:
        raise DataError(f"{path} is not the published file: its SHA-256 differs.", "Delete it and run again.")
    return path


def _download(url: str, path: Path, max_bytes: int) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, store.atomic_file(path) as file:
        total = 0
        while chunk := answer.read(_CHUNK_BYTES):
            total += len(chunk)
            if total > max_bytes:
                raise ValueError(f"it is larger than {max_bytes} bytes")
            file.write(chunk)
