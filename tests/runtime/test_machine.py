"""Our own work is not other work, and other work is."""

from __future__ import annotations

import time

import pytest

from mobilenn.runtime import machine
from mobilenn.runtime.machine import OtherWork


@pytest.mark.parametrize(
    ("busy_s", "own_s", "cores"),
    [(3.0, 2.0, 0.5), (2.0, 2.0, 0.0), (1.9, 2.0, 0.0)],  # clocks of different grain: never below none
)
def test_other_work_is_what_is_not_ours(monkeypatch, busy_s, own_s, cores):
    moments = iter([(100.0, 50.0, 10.0), (102.0, 50.0 + busy_s, 10.0 + own_s)])
    monkeypatch.setattr(OtherWork, "_now", staticmethod(lambda: next(moments)))
    assert OtherWork().cores() == pytest.approx(cores)


def test_this_machine_tells():
    others = OtherWork()
    time.sleep(0.1)
    assert others.cores() >= 0


def test_a_system_that_does_not_tell_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "STAT", tmp_path / "none")
    assert OtherWork().cores() is None
