"""Quiet libraries, no network, flags for what is slow and for the base install, property tests that repeat."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import mobilenn  # noqa: F401  its environment variables have to be set before TensorFlow is imported

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["MPLBACKEND"] = "Agg"

settings.register_profile("default", deadline=None, max_examples=25, derandomize=bool(os.environ.get("CI")))
settings.load_profile("default")

TESTS = Path(__file__).parent
BEYOND_BASE = ("tensorflow", "tf_keras", "tensorflow_model_optimization", "tf_agents", "sklearn", "mlxtend")
NEEDS_MORE = {
    *("compress", "conformance", "convert", "evaluate", "jobs", "layers", "networks", "train"),
    *("test_bench.py", "test_campaigns.py", "test_control_run.py", "test_generation_run.py", "test_pipeline.py"),
    *(
        "test_generative_data.py",
        "test_gpu_tool.py",
        "test_grid_tool.py",
        "test_recurrent_run.py",
        "test_table_runs.py",
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")
    parser.addoption("--gpu", action="store_true", help="let TensorFlow use the GPU; also run the tests marked gpu")
    parser.addoption("--base", action="store_true", help="run what the base install can, without TensorFlow")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--gpu"):
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # figures and bits are a CPU's, whatever the machine has
    if config.getoption("--base"):
        sys.modules.update(dict.fromkeys(BEYOND_BASE))  # None there makes an import fail, installed or not


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    left_out = collection_path.parent == TESTS and collection_path.name in NEEDS_MORE
    return True if left_out and config.getoption("--base") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for flag in ("slow", "gpu"):
        skip = pytest.mark.skip(reason=f"{flag}; run with --{flag}")
        for item in items:
            if flag in item.keywords and not config.getoption(f"--{flag}"):
                item.add_marker(skip)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Whatever asks for another machine is told that the network is away, as on a train."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _only_here(getattr(socket.socket, name)))
        look_up = socket.getaddrinfo
        patch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: look_up(_here(host), *rest, **more))
        yield


def _only_here(connect):
    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _here(address[0])
        return connect(self, address)

    return guarded


def _here(host):
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", socket.gethostname()):
        return host
    try:
        address = ipaddress.ip_address(name)
        if address.is_loopback or address.is_unspecified:
            return host
    except ValueError:
        pass
    raise socket.gaierror(socket.EAI_NONAME, f"tests do not use the network: {name}")
