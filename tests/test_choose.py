"""The form that is shipped: the fastest that every runtime here loads, the smallest of equals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mobilenn import choose as choosing
from mobilenn.bench import Compared, Comparison
from mobilenn.choose import NEAR, Tried, best, choose
from mobilenn.core.errors import ConversionError

GOLDEN = {"features": np.ones((2, 4), np.float32)}


def rows(**times: tuple[float, int]) -> list[Tried]:
    return [Tried(form=form, min_ms=ms, size_bytes=size) for form, (ms, size) in times.items()]


@pytest.mark.parametrize(
    ("tried", "form"),
    [
        (rows(hoisted=(1.0, 100), unrolled=(0.5, 200)), "unrolled"),
        (rows(hoisted=(0.5 * NEAR, 100), unrolled=(0.5, 200)), "hoisted"),
        (rows(hoisted=(0.5 * NEAR + 0.01, 100), unrolled=(0.5, 200)), "unrolled"),
        (rows(hoisted=(0.6, 100), blocks=(0.5, 150), unrolled=(0.5, 150)), "blocks"),
        ([Tried(form="hoisted", size_bytes=100)], "hoisted"),
    ],
)
def test_the_fastest_wins_and_the_smallest_of_equals(tried: list[Tried], form: str) -> None:
    assert best(tried) == form


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Three files; the runtimes refuse those that say so, and a file takes as many ms as it has bytes."""
    made = {"hoisted": b"x" * 30, "unrolled": b"x" * 10, "blocks": b"refused"}
    for form, content in made.items():
        (tmp_path / form).write_bytes(content)

    def compare(paths: list[Path], *_: object) -> Comparison:
        times = [(str(path), float(path.stat().st_size)) for path in paths]
        compared = tuple(Compared(path=p, median=ms + 1, min=ms, p90=ms + 2, runs=9) for p, ms in times)
        return Comparison(files=compared, rounds=1, threads=1)

    monkeypatch.setattr(choosing, "compare", compare)
    refuses = lambda path, _: "CompiledModel: no" if path.read_bytes() == b"refused" else ""  # noqa: E731
    monkeypatch.setattr(choosing, "_fault", refuses)
    return {form: tmp_path / form for form in made}


def test_what_was_tried_is_told_the_shipped_form_first_and_the_refused_last(files: dict[str, Path]) -> None:
    tried = choose(files, {"stock": "variable tensors"}, GOLDEN)
    assert [row.form for row in tried][:2] == ["unrolled", "hoisted"]
    assert [row.chosen for row in tried] == [True, False, False, False]
    assert (tried[0].min_ms, tried[0].median_ms, tried[0].size_bytes) == (10, 11, 10)
    assert {row.form: row.reason for row in tried[2:]} == {"blocks": "CompiledModel: no", "stock": "variable tensors"}
    assert tried[2].min_ms is None


def test_a_single_form_is_not_timed(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "compare", None)
    (row,) = choose({"hoisted": files["hoisted"]}, {}, GOLDEN)
    assert (row.chosen, row.min_ms, row.size_bytes) == (True, None, 30)


def test_no_form_that_can_be_shipped_is_one_error_with_every_reason(files: dict[str, Path]) -> None:
    with pytest.raises(ConversionError, match=r"blocks: CompiledModel: no; .*|stock: tensors"):
        choose({"blocks": files["blocks"]}, {"stock": "tensors"}, GOLDEN)


def test_a_file_that_no_runtime_takes_is_told_by_its_runtime(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"no flatbuffer")
    assert choosing._fault(path, GOLDEN).startswith("Interpreter: ")
