"""The .wav reader against Python's own writer, and against damage."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core.errors import DataError
from mobilenn.data._wav import decode

BITS = (8, 16, 24, 32)


def written(values, bits, channels=1, rate=16000):
    """Whole numbers of so many bits as a .wav, by the standard library."""
    wide = (np.asarray(values, np.int64) + (128 if bits == 8 else 0)).astype("<i8")
    frames = wide.view(np.uint8).reshape(-1, 8)[:, : bits // 8].tobytes()
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(frames)
    return buffer.getvalue()


def riff(*chunks):
    body = b"".join(key + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for key, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def header(coding=1, channels=1, rate=16000, bits=16, block=None):
    block = channels * bits // 8 if block is None else block
    return struct.pack("<HHIIHH", coding, channels, rate, rate * block, block, bits)


@given(bits=st.sampled_from(BITS), channels=st.integers(1, 3), rate=st.sampled_from([8000, 44100]), drawn=st.data())
def test_every_width_comes_back(bits, channels, rate, drawn):
    limit = 2 ** (bits - 1)
    whole = st.integers(-limit, limit - 1)
    values = drawn.draw(st.lists(st.tuples(*[whole] * channels), min_size=1, max_size=20))
    sound, found = decode(written(np.ravel(values), bits, channels, rate), "a.wav")
    assert found == rate
    np.testing.assert_allclose(sound * limit, np.mean(values, axis=1), rtol=1e-12, atol=1e-9)


@given(bits=st.sampled_from(BITS), drawn=st.data())
def test_a_damaged_file_is_a_data_error_or_sound(bits, drawn):
    content = bytearray(written(np.arange(-30, 30), bits, 2))
    content = content[: drawn.draw(st.integers(0, len(content)))]
    flips = st.lists(st.tuples(st.integers(0, max(0, len(content) - 1)), st.integers(1, 255)), max_size=4)
    for place, mask in drawn.draw(flips) if content else ():
        content[place] ^= mask
    check(bytes(content))


@given(st.binary(max_size=120))
def test_no_bytes_make_the_reader_crash(tail):
    check(tail)
    check(b"RIFF\x00\x00\x00\x00WAVE" + tail)
    check(riff((b"fmt ", header()[: len(tail)] + tail), (b"data", tail)))


def check(content):
    try:
        sound, rate = decode(content, "a.wav")
    except DataError:  # any other error fails the test
        return
    assert len(sound) > 0
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1
    assert 4000 <= rate <= 192_000


def test_the_extensible_form_and_floats_are_read():
    pcm = np.array([1, -2, 300], "<i2").tobytes()
    guid = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    extensible = header(0xFFFE) + struct.pack("<HHI", 22, 16, 4) + guid
    sound, _ = decode(riff((b"LIST", b"odd"), (b"fmt ", extensible), (b"data", pcm)), "a.wav")
    np.testing.assert_allclose(sound * 32768, [1, -2, 300])
    floats = np.array([0.25, -3], "<f4").tobytes()
    sound, _ = decode(riff((b"fmt ", header(3, bits=32)), (b"data", floats)), "a.wav")
    np.testing.assert_allclose(sound, [0.25, -1])


def test_a_length_that_a_pipe_could_not_know_is_read_to_the_end():
    content = written([1, 2, 3], 16)
    piped = content[:40] + struct.pack("<I", 0x7FFFF000) + content[44:]
    np.testing.assert_allclose(decode(piped, "a.wav")[0] * 32768, [1, 2, 3])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"ID3\x04 something else", "not a .wav"),
        (riff((b"fmt ", header())), "the data chunk is missing"),
        (riff((b"data", b"\0\0")), "its header is missing"),
        (riff((b"fmt ", header()), (b"data", b"")), "empty"),
        (riff((b"fmt ", header()), (b"data", b"\0")), "empty"),
        (riff((b"fmt ", header(7, bits=8)), (b"data", b"\0\0")), "µ-law; allowed: PCM of 8, 16, 24 or 32 bits"),
        (riff((b"fmt ", header(bits=12, block=2)), (b"data", b"\0\0")), "12 bits a sample; allowed: 8, 16, 24, 32"),
        (riff((b"fmt ", header(rate=0)), (b"data", b"\0\0")), "0 samples a second; allowed: 4000 to 192000"),
        (riff((b"fmt ", header(channels=0)), (b"data", b"\0\0")), "0 channels"),
        (riff((b"fmt ", header(block=3)), (b"data", b"\0\0")), "its header contradicts itself"),
        (riff((b"fmt ", header(rate=4000)), (b"data", bytes(4000 * 601 * 2))), "longer than 600 s"),
        (riff((b"fmt ", header(3, bits=32)), (b"data", np.array([np.nan], "<f4").tobytes())), "not finite"),
        (written([1, 2, 3], 16)[:-2], "cut off, 4 of 6 bytes are there"),
    ],
)
def test_a_fault_is_named(content, reason):
    with pytest.raises(DataError) as caught:
        decode(content, "a.wav")
    assert reason in caught.value.message
