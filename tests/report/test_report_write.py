"""Three files, each whole, from one report; reading the JSON gives them again."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mobilenn.core.errors import ArtifactError, StorageError
from mobilenn.report.write import write


def test_three_files_and_nothing_else(report: dict[str, Any], tmp_path: Path) -> None:
    written = write(report, tmp_path / "run")
    assert [path.name for path in written] == ["report.html", "report.md", "report.json"]
    assert sorted(tmp_path.rglob("*.*")) == sorted(written)


def test_the_json_gives_the_same_files_again(report: dict[str, Any], tmp_path: Path) -> None:
    first = write(report, tmp_path / "a")
    again = write(json.loads(first[2].read_text(encoding="utf-8")), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_the_fields_that_others_rely_on(report: dict[str, Any], tmp_path: Path) -> None:
    found = json.loads(write(report, tmp_path)[2].read_text(encoding="utf-8"))
    row = found["variants"][found["recommended"]]
    assert {"size_bytes", "zip_bytes", "metric", "metric_drop", "latency_ms", "sha256"} <= row.keys()
    assert {"median", "p90", "threads"} <= row["latency_ms"].keys()


def test_a_diverged_training_still_has_a_report(report: dict[str, Any], tmp_path: Path) -> None:
    report["training"]["history"]["loss"] = [math.nan] * 8
    report["float"]["metric"] = math.nan
    for row in report["variants"].values():
        row |= {"status": "failed", "reason": "nothing was learned", "metric": None, "metric_drop": None}
    report |= {"recommended": "", "recommendation": "Nothing."}
    assert len(write(report, tmp_path)) == 3


def test_a_damaged_report_writes_nothing(report: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ArtifactError):
        write(report | {"recommended": "int4"}, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_made_is_one_line(report: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match="Cannot write"):
        write(report, tmp_path / "file" / "run")


@pytest.mark.parametrize("module", ["mobilenn.report", "mobilenn.report.schema", "mobilenn.report.terminal"])
def test_light_modules_load_no_heavy_library(module: str) -> None:
    names = ("matplotlib", "jinja2", "PIL", "rich", "numpy", "tensorflow")
    program = f"import sys, {module}; print([n for n in {names!r} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
