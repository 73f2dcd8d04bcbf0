"""Texts: of the user's own, as files and folders, and of the standard library."""

from __future__ import annotations

import ast
import re
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn import data
from mobilenn.core.errors import DataError, RecipeError
from mobilenn.core.vocabulary import PAD, SPECIAL, UNKNOWN, Vocabulary
from mobilenn.data import _docstrings, docstring_topics
from mobilenn.data._tsv import LEAST_ROWS, read_tsv

CUTTER = Vocabulary(kind="word", tokens=SPECIAL)
CELL = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\t\n\r\ufeff"), min_size=1, max_size=12
).filter(lambda text: bool(CUTTER.split(text)))


def written(path, rows, newline="\n"):
    path.write_bytes(newline.join("\t".join(row) for row in rows).encode())
    return path


def texts(count=20):
    return [("cat" if i % 2 else "dog", f"text number {i} about a {'cat' if i % 2 else 'dog'}") for i in range(count)]


def folder(root, rows):
    for number, (label, text) in enumerate(rows):
        (root / label).mkdir(exist_ok=True)
        (root / label / f"{number:03}.txt").write_text(text, encoding="utf-8")
    return {"path": str(root)}


@given(st.lists(st.tuples(CELL, CELL), min_size=LEAST_ROWS, max_size=14), st.sampled_from(["\n", "\r\n"]))
def test_any_rows_of_text_come_back_stripped(tmp_path_factory, rows, newline):
    path = written(tmp_path_factory.mktemp("tsv") / "t.tsv", rows, newline)
    found, faults = read_tsv(path, ("a", "b"), False, CUTTER)
    assert faults == []
    assert found == [(a.strip(), b.strip()) for a, b in rows]


@given(st.binary(max_size=400))
def test_any_bytes_are_rows_and_faults(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("tsv") / "t.tsv"
    path.write_bytes(content)
    found, faults = read_tsv(path, ("a", "b"), False, CUTTER)
    lines = [line for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    short = len(found) == len(lines) and len(found) < LEAST_ROWS
    assert len(found) + len(faults) == len(lines) + short


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"one column", "t.tsv:21: 1 column; allowed: source, a tab, target"),
        (b"a\tb\tc", "t.tsv:21: 3 columns"),
        (b"\ta", "t.tsv:21: source is empty"),
        (b"a\t \xc2\xa0", "t.tsv:21: target is empty"),
        (b"a\t\xff\xfe", "t.tsv:21: byte 3 is not UTF-8"),
        (b"caf\xc3\ttea", "t.tsv:21: byte 4 is not UTF-8"),
    ],
)
def test_each_fault_of_a_tsv_is_listed_with_its_line(tmp_path, line, fault):
    path = written(tmp_path / "t.tsv", texts(20))
    path.write_bytes(path.read_bytes() + b"\n" + line + b"\n")
    with pytest.raises(DataError) as caught:
        data.load("tsv", {"path": str(path)}, 1)
    assert any(fault in found for found in caught.value.faults)


def test_a_truncated_tsv_says_which_line_broke_off(tmp_path):
    path = written(tmp_path / "t.tsv", [(f"in {i}", "naïveté") for i in range(12)])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError) as caught:
        data.load("tsv", {"path": str(path)}, 1)
    assert caught.value.faults == (f"t.tsv:12: byte {len('in 11') + 9} is not UTF-8",)


def test_many_faults_are_counted(tmp_path):
    path = written(tmp_path / "t.tsv", [("x",)] * 200)
    with pytest.raises(DataError, match="200 faults") as caught:
        data.load("tsv", {"path": str(path)}, 1)
    assert len(caught.value.faults) == 21


@pytest.mark.parametrize("name", ["tsv", "text_folder"])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"a\tb"])
def test_too_few_rows_are_one_fault(tmp_path, name, content):
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        data.load(name, {"path": str(tmp_path / "t.tsv")}, 1)
    assert "10 or more are needed" in caught.value.faults[0]


@pytest.mark.parametrize("name", ["tsv", "text_folder"])
def test_what_is_not_there_is_one_error(tmp_path, name):
    for ask in (data.load, lambda *given: data.fingerprint(*given[:2])):
        with pytest.raises(DataError, match="There is no"):
            ask(name, {"path": str(tmp_path / "none")}, 1)


def test_pairs_become_three_splits_and_long_ones_are_cut(tmp_path):
    rows = [(f"word {i} " + "long " * (i % 4), f"answer {i}") for i in range(40)]
    path = written(tmp_path / "t.tsv", [("source", "target"), *rows])
    found = data.load("tsv", {"path": str(path), "header": True, "source_length": 4, "target_length": 4}, 1)
    data.validate(found)
    assert sum(len(split) for split in (found.train, found.validation, found.test)) <= 40
    assert found.train.inputs["source"].shape[1:] == (4,)
    assert found.train.targets.dtype == np.int32
    assert found.preprocessing["cut"] == {"source": 10, "target": 0}
    assert "10 sources and 0 targets are cut" in found.description
    vocabulary = Vocabulary.from_dict(found.preprocessing["vocabulary"])
    answer, read = found.train.targets[0], found.train.inputs["target_in"][0]
    assert vocabulary.decode(answer).startswith("answer")
    assert read[0] == 2
    np.testing.assert_array_equal(read[1:][answer[1:] != PAD], answer[:-1][answer[1:] != PAD])


def test_equal_sources_stand_in_one_split(tmp_path):
    path = written(tmp_path / "t.tsv", [(f"same {i % 12}", f"target {i}") for i in range(60)])
    found = data.load("tsv", {"path": str(path)}, 1)
    groups = [
        {row.tobytes() for row in split.inputs["source"]} for split in (found.train, found.validation, found.test)
    ]
    assert sum(map(len, groups)) == len(set.union(*groups))


def test_a_folder_and_a_file_of_the_same_texts_agree(tmp_path):
    (tmp_path / "folder").mkdir()
    by_folder = data.load("text_folder", folder(tmp_path / "folder", texts()), 1)
    by_file = data.load("text_folder", {"path": str(written(tmp_path / "t.tsv", texts()))}, 1)
    for found in (by_folder, by_file):
        data.validate(found)
        assert found.labels == ("cat", "dog")
    assert by_folder.preprocessing == by_file.preprocessing
    rows = [
        {(row.tobytes(), int(target)) for row, target in zip(split.inputs["tokens"], split.targets, strict=True)}
        for found in (by_folder, by_file)
        for split in (found.train, found.validation, found.test)
    ]
    assert set.union(*rows[:3]) == set.union(*rows[3:])


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("cat/x.txt", b"\xff", "cat/x.txt: byte 1 is not UTF-8"),
        ("cat/x.txt", b" \n", "cat/x.txt: empty"),
        ("cow/x.txt", b"a cow", "class 'cow' has 1 texts; 3 are needed"),
    ],
)
def test_each_fault_of_a_folder_is_listed_with_its_file(tmp_path, name, content, fault):
    settings = folder(tmp_path, texts())
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        data.load("text_folder", settings, 1)
    assert any(fault in found for found in caught.value.faults)


def test_one_class_and_no_class_are_refused(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        data.load("text_folder", {"path": str(tmp_path)}, 1)
    settings = folder(tmp_path, [("cat", f"text {i}") for i in range(20)])
    with pytest.raises(DataError) as caught:
        data.load("text_folder", settings, 1)
    assert "one class only, 'cat'" in caught.value.faults[0]


def test_unknown_words_and_text_past_the_maximum_are_defined(tmp_path):
    rows = [(label, f"{number} {text}") for number, (label, text) in enumerate(texts(60))]
    settings = {"path": str(written(tmp_path / "t.tsv", rows)), "length": 5, "vocabulary": 40}
    found = data.load("text_folder", settings, 1)
    tokens = found.train.inputs["tokens"]
    assert tokens.shape[1] == 5
    assert tokens.max() < 40
    assert (found.test.inputs["tokens"] == UNKNOWN).any()  # words that training has not seen


def test_a_byte_order_mark_is_no_text(tmp_path):
    path = written(tmp_path / "t.tsv", texts(20))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert data.load("text_folder", {"path": str(path)}, 1).labels == ("cat", "dog")


SOURCE = textwrap.dedent('''
    """Module about queues."""
    def first():
        """Takes the first."""
        def inner():
            """Is not read."""
    class Queue:
        """Keeps things in order.

        And more."""
        async def get(self):
            """Takes the first."""
        if True:
            def put(self):
                "Puts."
    def empty():
        """   """
''')


def test_docstrings_are_read_and_nothing_runs(tmp_path):
    (tmp_path / "queue.py").write_text(SOURCE + "\nraise SystemExit\n", encoding="utf-8")
    (tmp_path / "bad.py").write_bytes(b"def (\xff")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "left_out.py").write_text('"""Left out."""', encoding="utf-8")
    found = _docstrings.gather(tmp_path)
    named = {docstring.name: docstring.text for docstring in found}
    assert named == {
        "": "Module about queues.",
        "Queue": "Keeps things in order.\n\nAnd more.",
        "Queue.get": "Takes the first.",
        "Queue.put": "Puts.",
    }
    queue = next(docstring for docstring in found if docstring.name == "Queue")
    assert (queue.module, queue.package, queue.first_line) == ("queue", "queue", "Keeps things in order.")
    assert queue.key == "keeps things in order"


def test_a_topic_is_not_given_away_by_the_names():
    for docstring in _docstrings.docstrings()[:400]:
        left = {word.strip("_").lower() for word in re.findall(r"\w+", docstring_topics.without_names(docstring))}
        assert docstring.package.strip("_").lower() not in left


def test_every_topic_has_modules_of_this_python():
    packages = {docstring.package for docstring in _docstrings.docstrings()}
    for topic, listed in docstring_topics.TOPICS.items():
        assert packages & set(listed.split()), topic
    everything = [package for listed in docstring_topics.TOPICS.values() for package in listed.split()]
    assert len(everything) == len(set(everything))


@pytest.mark.parametrize(
    ("name", "settings", "word"),
    [
        ("docstring_topics", {"length": 1}, "length"),
        ("docstring_topics", {"vocabulary": 4}, "vocabulary"),
        ("docstring_topics", {"words": 0}, "words"),
        ("docstring_topics", {"most": 3}, "most"),
        ("docstring_topics", {"test": 0.95}, "test"),
        ("tsv", {"path": "x", "source_length": 0}, "source_length"),
        ("tsv", {"path": "x", "kind": "syllable"}, "kind"),
        ("text_folder", {"path": "x", "validation": 0.0}, "validation"),
    ],
)
def test_settings_out_of_range_are_named(name, settings, word):
    with pytest.raises(RecipeError, match=word):
        data.load(name, settings, 1)


def test_the_sources_of_the_library_are_python():
    (source, *_) = _docstrings._sources(_docstrings.library())
    ast.parse(source.read_bytes())
