"""The doctor says what is missing, wrong or in conflict, and what to type."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys

import pytest

from mobilenn import doctor
from mobilenn.cli.main import cli


@pytest.fixture
def packages(monkeypatch):
    """Installed packages as a table: name → (version, requirements); returns the table."""
    table: dict[str, tuple[str, list[str]]] = {}

    def look_up(name, part):
        if name not in table:
            raise importlib.metadata.PackageNotFoundError(name)
        return table[name][part]

    monkeypatch.setattr(importlib.metadata, "version", lambda name: look_up(name, 0))
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: look_up(name, 1))
    return table


@pytest.fixture
def no_probe(monkeypatch):
    monkeypatch.setattr(doctor, "_PROBE", "print(0)")


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_here_everything_that_is_needed_is_there(no_probe):
    found = by_name(doctor.diagnose())
    assert {name for name, finding in found.items() if finding.status in ("missing", "wrong")} == set()
    assert found["click"].found == importlib.metadata.version("click")
    assert found["recipes"].status == "ok"
    assert {"Python", "GPU", "free disk", "memory", "cores", "adb", "chromium", "espeak-ng"} <= set(found)


def test_what_is_not_ok_says_what_to_type(no_probe, monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = doctor.diagnose()
    assert {finding.name for finding in found if finding.status == "optional"} >= {"adb", "chromium", "espeak-ng"}
    assert all(finding.fix for finding in found if finding.status != "ok")


def test_versions_out_of_range_and_missing_libraries(packages):
    packages["mobilenn"] = (
        "0.1.0",
        ["old>=2,<3", "gone>=1", "fine!=1.5,~=1.4", "heavy>=1; extra == 'train'", "cuda; extra == 'gpu'"],
    )
    packages["old"] = ("1.9", [])
    packages["fine"] = ("1.6", [])
    found = by_name(doctor._libraries())
    assert (found["old"].status, found["old"].fix) == ("wrong", "pip install 'mobilenn'")
    assert (found["gone"].status, found["gone"].found) == ("missing", "not installed")
    assert found["fine"].status == "ok"
    assert (found["heavy"].status, found["heavy"].fix) == ("optional", "pip install 'mobilenn[train]'")
    assert "cuda" not in found


def test_conflicts_below_the_libraries_are_found(packages):
    packages["mobilenn"] = ("0.1.0", ["a[fast]>=1"])
    packages["a"] = ("1.0", ["b<2", "absent>=3; extra == 'fast'", "other; extra == 'slow'", "dos; os_name == 'nt'"])
    packages["b"] = ("2.5", ["c==1"])
    packages["c"] = ("1.1", ["a"])
    finding = by_name(doctor._libraries())["their dependencies"]
    assert finding.status == "wrong"
    for sentence in ("a needs b<2, found 2.5", "b needs c==1, found 1.1", "a needs absent, which is not installed"):
        assert sentence in finding.found
    assert set(finding.fix.removeprefix("pip install ").split()) == {"'b<2'", "'c==1'", "'absent>=3'"}
    assert "other" not in finding.found
    assert "dos" not in finding.found


def test_libraries_that_agree_are_ok(packages):
    packages["mobilenn"] = ("0.1.0", ["a"])
    packages["a"] = ("1.0", ["b>=2"])
    packages["b"] = ("2.0rc1", [])
    assert by_name(doctor._libraries())["their dependencies"].status == "wrong"
    packages["b"] = ("2.1rc1", [])
    assert by_name(doctor._libraries())["their dependencies"].status == "ok"


def test_without_metadata_the_package_itself_is_missing(packages):
    (finding,) = doctor._libraries()
    assert (finding.name, finding.status, finding.fix) == ("mobilenn", "missing", "pip install -e .")


@pytest.mark.parametrize(
    ("probe", "name", "status", "count"),
    [
        ("print('noise'); print(2)", "GPU", "ok", "2"),
        ("print(0)", "GPU", "optional", "0"),
        ("import os; os.abort()", "TensorFlow", "wrong", "does not start"),
        ("import time; time.sleep(60)", "TensorFlow", "wrong", "does not start"),
    ],
)
def test_tensorflow_is_asked_in_a_process_that_may_die(monkeypatch, probe, name, status, count):
    monkeypatch.setattr(doctor, "_PROBE", probe)
    monkeypatch.setattr(doctor, "_PROBE_TIMEOUT_S", 5 if "sleep" not in probe else 0.5)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    finding = doctor._gpu()
    assert (finding.name, finding.status, finding.found) == (name, status, count)


def test_a_hidden_gpu_is_said_to_be_hidden(monkeypatch, no_probe):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert doctor._gpu().fix == "unset CUDA_VISIBLE_DEVICES"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert doctor._gpu().fix == "pip install 'mobilenn[gpu]'"


def test_without_tensorflow_nothing_is_probed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("a process was started"))
    assert doctor._gpu().found == "no TensorFlow"


def test_another_keras_and_a_small_machine_are_wrong(monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    assert (doctor._keras().status, doctor._keras().fix) == ("wrong", "unset TF_USE_LEGACY_KERAS")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, int(1e9)))
    monkeypatch.setattr(os, "sysconf", lambda name: 1000)
    found = by_name(doctor._machine())
    assert (found["free disk"].status, found["memory"].status) == ("wrong", "wrong")


def test_python_of_another_version_is_wrong(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    assert (doctor._python().status, doctor._python().fix) == ("wrong", "make PYTHON=/path/to/python3.11")


def test_the_command_prints_json_and_fails_where_something_is_wrong(no_probe, monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--json"], standalone_mode=False)
    assert ended.value.code == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} >= {"Python", "recipes"}
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    monkeypatch.setenv("COLUMNS", "250")  # a row a line
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor"], standalone_mode=False)
    assert ended.value.code == 1
    assert "unset TF_USE_LEGACY_KERAS" in capsys.readouterr().out
