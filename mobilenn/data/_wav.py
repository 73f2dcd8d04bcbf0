"""Reads .wav files: uncompressed, 8 to 32 bits, also in the extensible form that Python's own `wave` refuses."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import DataError

MAX_SECONDS = 600  # of one file
RATES = (4_000, 192_000)
MAX_CHANNELS = 32
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_CODINGS = {2: "ADPCM", 6: "A-law", 7: "µ-law", 0x11: "IMA ADPCM", 0x50: "MPEG", 0x55: "MP3"}
_UNTIL_THE_END = 0x7FFF0000  # programs that write to a pipe state such a length, for they do not know it yet
_HEADER = struct.Struct("<HHIIHH")


@dataclass(frozen=True, kw_only=True)
class Format:
    """What a file's header says.

    Args:
        floating: whether samples are fractions, not whole numbers.
        channels, rate, bits: of the sound.
    """

    floating: bool
    channels: int
    rate: int
    bits: int


def decode(content: bytes, name: str) -> tuple[np.ndarray, int]:
    """Decodes a whole file.

    Args:
        content: the file's bytes.
        name: what errors call it.

    Returns:
        (samples,) float64 within −1..1, the mean of the channels, and samples a second.

    Raises:
        DataError: it is not a .wav, damaged, empty, or of a kind that is not read; the reason is the message.
    """
    chunks = _chunks(content, name)
    header = _format(chunks.get(b"fmt ", b""), name)
    if b"data" not in chunks:
        raise DataError(f"{name}: no sound in it, the data chunk is missing")
    size = header.channels * header.bits // 8
    frames = chunks[b"data"][: len(chunks[b"data"]) // size * size]
    if not frames:
        raise DataError(f"{name}: empty")
    if len(frames) > MAX_SECONDS * header.rate * size:
        raise DataError(f"{name}: longer than {MAX_SECONDS} s")
    values = _values(frames, header)
    if not np.isfinite(values).all():
        raise DataError(f"{name}: a sample is not finite")
    return values.reshape(-1, header.channels).mean(axis=1), header.rate


def _chunks(content: bytes, name: str) -> dict[bytes, bytes]:
    """The file's chunks by name; of several of one name the first."""
    if len(content) < 12 or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise DataError(f"{name}: {'not a .wav' if content else 'an empty file'}")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content) and b"data" not in found:
        key, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        chunk = content[at + 8 : at + 8 + size]
        if len(chunk) < size and not (key == b"data" and size >= _UNTIL_THE_END):
            raise DataError(f"{name}: cut off, {len(chunk):,} of {size:,} bytes are there")
        found.setdefault(key, chunk)
        at += 8 + size + size % 2
    return found


def _format(chunk: bytes, name: str) -> Format:
    if len(chunk) < _HEADER.size:
        raise DataError(f"{name}: its header is missing or too short")
    coding, channels, rate, _, block, bits = _HEADER.unpack_from(chunk)
    if coding == _EXTENSIBLE and len(chunk) >= 26:
        coding = int.from_bytes(chunk[24:26], "little")
    allowed = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}
    if coding not in allowed:
        known = _CODINGS.get(coding, f"format {coding}")
        raise DataError(f"{name}: {known}; allowed: PCM of 8, 16, 24 or 32 bits, or float")
    if bits not in allowed[coding]:
        raise DataError(f"{name}: {bits} bits a sample; allowed: {', '.join(map(str, allowed[coding]))}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise DataError(f"{name}: {channels} channels; allowed: 1 to {MAX_CHANNELS}")
    if not RATES[0] <= rate <= RATES[1]:
        raise DataError(f"{name}: {rate} samples a second; allowed: {RATES[0]} to {RATES[1]}")
    if block != channels * bits // 8:
        raise DataError(f"{name}: its header contradicts itself, {block} bytes a frame of {channels} × {bits} bits")
    return Format(floating=coding == _FLOAT, channels=channels, rate=rate, bits=bits)


def _values(frames: bytes, header: Format) -> np.ndarray:
    """Samples of all channels in turn, float64 within −1..1."""
    if header.floating:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.clip(np.frombuffer(frames, f"<f{header.bits // 8}").astype(np.float64), -1, 1)
    if header.bits == 8:
        return (np.frombuffer(frames, np.uint8).astype(np.float64) - 128) / 128
    if header.bits == 24:
        low = np.frombuffer(frames, np.uint8).reshape(-1, 3)
        padded = np.zeros((len(low), 4), np.uint8)
        padded[:, 1:] = low
        return padded.view("<i4")[:, 0].astype(np.float64) / 2**31
    return np.frombuffer(frames, f"<i{header.bits // 8}").astype(np.float64) / 2 ** (header.bits - 1)
