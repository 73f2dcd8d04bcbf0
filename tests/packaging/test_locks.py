"""The locks hold every dependency, in range, with hashes, and name no place to fetch it from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("base", "train", "test", "tools")
PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)"
    r"( ; [^\\]+?)?"  # on which platforms
    r"( \\\n    --hash=sha256:[0-9a-f]{64})+$"
)


def text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")


def pins(lock: str) -> dict[str, str]:
    """Name → version of every entry of a lock."""
    entries = re.split(r"\n(?! )", text(lock).strip())
    found = [PIN.match(entry) for entry in entries]
    return {canonicalize_name(match["name"]): match["version"] for match in found if match}


def asked(lock: str) -> list[Requirement]:
    """What pyproject.toml asks a lock to hold."""
    base = PROJECT["project"]["dependencies"]
    extras = PROJECT["project"]["optional-dependencies"]
    train = [*base, *extras["data"], *(line for line in extras["train"] if not line.startswith("mobilenn"))]
    tools = PROJECT["dependency-groups"]["test"]
    lines = {"base": base, "train": train, "test": [*train, *tools], "tools": tools}[lock]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_pinned_and_hashed(lock):
    wrong = [entry.splitlines()[0] for entry in re.split(r"\n(?! )", text(lock).strip()) if not PIN.match(entry)]
    assert not wrong, f"requirements/{lock}.txt: {wrong}. Type: make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_the_project_asks_for(lock):
    pinned = pins(lock)
    for requirement in asked(lock):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"requirements/{lock}.txt lacks {requirement.name}. Type: make lock"
        assert requirement.specifier.contains(version), f"requirements/{lock}.txt: {requirement}. Type: make lock"


def test_the_base_install_has_no_tensorflow():
    heavy = {"tensorflow", "tf-keras", "keras", "tf-agents", "tensorflow-model-optimization", "scikit-learn", "mlxtend"}
    assert not heavy & set(pins("base"))


def test_tools_go_on_top_of_the_base_install():
    base, tools = pins("base"), pins("tools")
    assert {name: tools[name] for name in tools if name in base} == {name: base[name] for name in tools if name in base}


def test_training_and_tests_use_the_same_versions():
    train, test = pins("train"), pins("test")
    assert train.items() <= test.items()
