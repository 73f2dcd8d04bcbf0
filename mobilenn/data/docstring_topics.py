"""Docstring topics: what a docstring of Python's standard library is about, told by its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobilenn.core.errors import RecipeError
from mobilenn.data import Dataset, _docstrings
from mobilenn.data._docstrings import Docstring
from mobilenn.data._tables import TEST_SEED, check_shares
from mobilenn.data._text import Cut, check_sizes, classification, dataset

# topic, and the modules that stand for it; modules that would fit several are left out
TOPICS = {
    "concurrency": (
        "_threading_local asyncio concurrent contextvars multiprocessing queue sched selectors signal subprocess"
        " threading"
    ),
    "dates": "_strptime calendar datetime zoneinfo",
    "documents": (
        "_markupbase base64 configparser csv email html json mailbox mailcap mimetypes plistlib quopri tomllib uu"
        " xdrlib xml"
    ),
    "files": (
        "_compression _pyio bz2 dbm filecmp fileinput fnmatch genericpath glob gzip io linecache lzma ntpath os pathlib"
        " posixpath shelve shutil stat tarfile tempfile zipfile"
    ),
    "interface": "curses tkinter turtle",
    "language": (
        "_py_abc abc ast code codeop compileall copyreg dataclasses dis enum imp importlib inspect keyword modulefinder"
        " opcode pickletools pkgutil py_compile pyclbr runpy symtable token tokenize types typing"
    ),
    "network": (
        "asynchat asyncore cgi ftplib http imaplib ipaddress netrc nntplib poplib smtpd smtplib socket socketserver ssl"
        " telnetlib urllib webbrowser wsgiref xmlrpc"
    ),
    "numbers": "_pydecimal colorsys decimal fractions numbers random statistics",
    "testing": "bdb cProfile doctest pdb profile pstats timeit trace tracemalloc unittest",
    "text": "codecs difflib gettext locale pprint re reprlib shlex string stringprep textwrap",
}
_BY_PACKAGE = {package: topic for topic, packages in TOPICS.items() for package in packages.split()}
_IDENTIFIER = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much of the docstrings is read.

    Args:
        length: words and signs of a row; longer docstrings are cut.
        vocabulary: the most different words and signs, four special ones included.
        words: shorter docstrings are left out.
        most: the most docstrings of a topic; which ones are taken does not depend on the seed.
        validation, test: shares of all docstrings.
    """

    length: int = 64
    vocabulary: int = 4000
    words: int = 6
    most: int = 400
    validation: float = 0.15
    test: float = 0.25

    def __post_init__(self) -> None:
        check_shares(self.validation, self.test)
        check_sizes(length=self.length, vocabulary=self.vocabulary)
        if not 1 <= self.words <= 40:
            raise RecipeError(f"[data] words is {self.words}.", "Allowed: 1 to 40.")
        if not 20 <= self.most <= 100_000:
            raise RecipeError(f"[data] most is {self.most}.", "Allowed: 20 to 100000.")


def fingerprint(settings: Settings) -> str:
    """The version of Python, and that of the table of topics."""
    return f"docstring_topics 1, {_docstrings.fingerprint()}"


def load(settings: Settings, seed: int) -> Dataset:
    """Loads the docstrings: `tokens` (N, length) int32.

    The names of the docstring's own module, class and function are taken out of it, since they would give the
    topic away. Docstrings with the same first line stand in the same split.
    """
    chosen = _chosen(settings)
    labels = tuple(TOPICS)
    classes = np.array([labels.index(topic) for _, topic in chosen])
    texts = [without_names(docstring) for docstring, _ in chosen]
    keys = [docstring.key for docstring, _ in chosen]
    cut = Cut(
        vocabulary=settings.vocabulary,
        length=settings.length,
        shares=(settings.validation, settings.test),
        seed=seed,
    )
    splits, vocabulary = classification(texts, classes, labels, keys, cut)
    count = sum(len(split) for split in splits)
    described = f"{count:,} docstrings of Python's standard library, {len(labels)} topics by a table of modules."
    return dataset(splits, labels, described, vocabulary)


def topic_of(module: str) -> str | None:
    """The topic of a module's dotted name, None where the table names none."""
    return _BY_PACKAGE.get(module.split(".")[0])


def without_names(docstring: Docstring) -> str:
    """The text without the names of its own module, class and function, in whatever case they stand there."""
    parts = {part.strip("_").lower() for part in f"{docstring.module}.{docstring.name}".split(".")}
    parts |= {part.removeprefix("py") for part in parts}  # _pydecimal is decimal, _pyio is io
    return _IDENTIFIER.sub(lambda match: "" if match[0].strip("_").lower() in parts else match[0], docstring.text)


def _chosen(settings: Settings) -> Sequence[tuple[Docstring, str]]:
    """Docstrings that are long enough, with their topics, at most so many of each, in the order of their names."""
    by_topic: dict[str, list[Docstring]] = {topic: [] for topic in TOPICS}
    for docstring in _docstrings.docstrings():
        topic = topic_of(docstring.module)
        if topic and len(_IDENTIFIER.findall(without_names(docstring))) >= settings.words:
            by_topic[topic].append(docstring)
    chosen = []
    for number, (topic, found) in enumerate(by_topic.items()):
        order = np.random.default_rng([TEST_SEED, number]).permutation(len(found))
        chosen += [(found[row], topic) for row in np.sort(order[: settings.most])]
    return chosen
