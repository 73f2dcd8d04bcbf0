"""What travels inside a file comes out as it went in; damage is one error."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mobilenn.core.errors import ArtifactError
from mobilenn.tflite import package as packages
from mobilenn.tflite.package import Package, pack, unpack

LABELS = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8), max_size=5)
JSON = st.dictionaries(
    st.text(max_size=5), st.integers() | st.text(max_size=5) | st.lists(st.booleans(), max_size=3), max_size=3
)
NAMES = st.text("abcxyz_/", min_size=1, max_size=8)
ARRAYS = st.dictionaries(
    NAMES, hnp.arrays(st.sampled_from(["u1", "<f4", "<i8"]), hnp.array_shapes(max_side=4)), max_size=3
)
PACKAGES = st.builds(
    Package,
    labels=LABELS.map(tuple),
    preprocessing=JSON,
    lineage=JSON,
    golden_inputs=ARRAYS,
    golden_outputs=ARRAYS,
    transcripts=JSON,
    lesson=JSON,
)


@given(st.binary(max_size=300), PACKAGES)
def test_a_package_comes_out_as_it_went_in(flatbuffer, package):
    data = pack(flatbuffer, package)
    assert pack(flatbuffer, package) == data
    bare, found = unpack(data)
    assert bare == flatbuffer
    assert found.labels == package.labels
    for part in ("preprocessing", "lineage", "transcripts", "lesson"):
        assert getattr(found, part) == getattr(package, part)
    for part in ("golden_inputs", "golden_outputs"):
        ours, theirs = getattr(found, part), getattr(package, part)
        assert set(ours) == set(theirs)
        for name, array in theirs.items():
            np.testing.assert_array_equal(ours[name], array, strict=True)


@given(st.binary(max_size=400))
def test_bytes_without_a_package_are_all_flatbuffer(data):
    try:
        bare, package = unpack(data)
    except ArtifactError:
        return
    assert package is None
    assert data.startswith(bare)


@given(PACKAGES, st.data())
def test_one_flipped_byte_is_an_error_or_no_package_never_a_crash(package, data):
    whole = bytearray(pack(b"x" * 64, package))
    place = data.draw(st.integers(64, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        unpack(bytes(whole))
    except ArtifactError as error:
        message = error.message
    else:
        message = ""
    assert "\n" not in message


def test_any_unzip_reads_the_labels():
    data = pack(b"f" * 100, Package(labels=("cat", "hot\ndog")))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("labels.txt") == b"cat\nhot dog\n"
        assert archive.testzip() is None


def test_a_package_that_expands_too_far_is_refused(monkeypatch):
    data = pack(b"f" * 100, Package(golden_inputs={"image": np.zeros(100_000, np.uint8)}))
    monkeypatch.setattr(packages, "MAX_UNPACKED_BYTES", 50_000)
    with pytest.raises(ArtifactError, match="too large"):
        unpack(data)


def test_pickled_arrays_are_refused():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"run": "me"}], object), allow_pickle=True)
    tail = io.BytesIO()
    with zipfile.ZipFile(tail, "w") as archive:
        archive.writestr("mobilenn.json", '{"labels": [], "preprocessing": {}, "lineage": {}}')
        archive.writestr("golden/inputs/x.npy", buffer.getvalue())
    with pytest.raises(ArtifactError, match="damaged"):
        unpack(b"f" * 100 + tail.getvalue())


def test_somebody_elses_attachment_is_left_alone():
    tail = io.BytesIO()
    with zipfile.ZipFile(tail, "w") as archive:
        archive.writestr("other.txt", "x")
    assert unpack(b"f" * 100 + tail.getvalue()) == (b"f" * 100, None)
