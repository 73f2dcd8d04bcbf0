"""Quiet libraries, a flag for slow tests, and property tests that repeat."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

import mobilenn  # noqa: F401  its environment variables have to be set before TensorFlow is imported

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["MPLBACKEND"] = "Agg"

settings.register_profile("default", deadline=None, max_examples=25, derandomize=bool(os.environ.get("CI")))
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
