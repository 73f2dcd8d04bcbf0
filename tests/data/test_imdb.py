"""The reviews of IMDB, from an archive of the published form."""

from __future__ import annotations

import io
import tarfile
import urllib.error

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.core.vocabulary import Vocabulary

NAME = "aclImdb_v1.tar.gz"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBILENN_DATA", str(tmp_path))
    return tmp_path


def archive(path, count=20):
    with tarfile.open(path, "w:gz") as made:
        names = [(part, kind, i) for part in ("train", "test") for kind in ("pos", "neg") for i in range(count)]
        for part, kind, number in names:
            text = f"A {part} film no. {number}.<br /><br />It is {'good' if kind == 'pos' else 'bad'}."
            add(made, f"aclImdb/{part}/{kind}/{number}_7.txt", text.encode())
        add(made, "aclImdb/train/unsup/0_0.txt", b"of no class")
        add(made, "../outside.txt", b"is never read")


def add(made, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    made.addfile(info, io.BytesIO(content))


def test_the_archive_becomes_three_splits(cache):
    archive(cache / NAME)
    found = data.load("imdb", {"length": 12, "vocabulary": 60}, 1)
    data.validate(found)
    assert (len(found.train), len(found.validation), len(found.test)) == (36, 4, 40)
    assert found.labels == ("negative", "positive")
    vocabulary = Vocabulary.from_dict(found.preprocessing["vocabulary"])
    for row, target in zip(found.test.inputs["tokens"], found.test.targets, strict=True):
        assert ("good" if target else "bad") in vocabulary.decode(row)
        assert "br" not in vocabulary.decode(row).split()
    again = data.load("imdb", {"length": 12, "vocabulary": 60}, 2)
    np.testing.assert_array_equal(again.test.inputs["tokens"], found.test.inputs["tokens"])


def test_without_a_network_it_is_one_line(cache, monkeypatch):
    def away(*_, **__):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", away)
    with pytest.raises(DataError, match="could not be downloaded: Name or service not known"):
        data.load("imdb", {}, 1)
    assert data.fingerprint("imdb", {}) == "imdb 1"


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_a_damaged_archive_is_one_line(cache, damage):
    archive(cache / NAME)
    whole = (cache / NAME).read_bytes()
    (cache / NAME).write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(DataError, match="damaged"):
        data.load("imdb", {}, 1)


def test_settings_out_of_range_are_named():
    with pytest.raises(RecipeError, match="validation"):
        data.load("imdb", {"validation": 0.0}, 1)
