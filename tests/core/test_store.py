"""Files are whole or absent; locks end with their holders; stages are reused only when they are intact."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobilenn.core import store
from mobilenn.core.errors import ArtifactError, StorageError


def leftovers(folder):
    return [path for path in folder.rglob("*") if store.PARTIAL in path.name]


def test_a_failed_write_keeps_the_old_bytes_and_leaves_nothing(tmp_path):
    path = tmp_path / "model.tflite"
    store.write_bytes(path, b"old")

    def fail_midway():
        with store.atomic_file(path) as file:
            file.write(b"half of the new")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail_midway()
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


def test_a_reader_keeps_the_file_it_opened(tmp_path):
    path = tmp_path / "model.tflite"
    store.write_bytes(path, b"old")
    with open(path, "rb") as reader:
        store.write_bytes(path, b"new and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new and longer"


def test_a_full_disk_is_one_clear_error(tmp_path):
    path = tmp_path / "model.tflite"

    def fill_the_disk():
        with store.atomic_file(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="disk is full") as caught:
        fill_the_disk()
    assert "--out" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="Cannot write"):
        store.write_bytes(tmp_path / "taken" / "x", b"")


@pytest.mark.parametrize("moment", ["open", "written"])
def test_kill_during_a_write_never_shows_half_a_file(tmp_path, moment):
    script = f"""
        import os, signal
        from pathlib import Path
        from mobilenn.core import store
        with store.atomic_file(Path({str(tmp_path)!r}) / "x") as file:
            if {moment!r} == "written":
                file.write(b"new" * 1000); file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    store.write_bytes(tmp_path / "x", b"old")
    code = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=30).returncode
    assert code == -signal.SIGKILL
    assert (tmp_path / "x").read_bytes() == b"old"
    assert len(leftovers(tmp_path)) == 1
    store.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_sweep_leaves_finished_files_alone(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/model.tflite", "report.json", "notes.partial"):
        (tmp_path / name).write_text("x")
    store.sweep(tmp_path)
    assert len(list(tmp_path.rglob("*"))) == 4


def test_the_lock_turns_a_second_run_away_and_leaves_no_file(tmp_path):
    with store.lock(tmp_path), pytest.raises(StorageError, match="Another mobilenn run"), store.lock(tmp_path, 0.1):
        pytest.fail("both held the lock")
    with store.lock(tmp_path, 0.1):
        assert list(tmp_path.iterdir()) == []


def test_a_worker_that_inherits_the_lock_holds_it_until_it_ends(tmp_path):
    with store.lock(tmp_path) as descriptor:
        command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(descriptor,))
    with pytest.raises(StorageError), store.lock(tmp_path, 0.1):
        pytest.fail("the child's lock was ignored")
    child.stdin.close()
    child.wait(timeout=30)
    with store.lock(tmp_path, 5.0):
        assert tmp_path.is_dir()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_json_survives_the_round_trip(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "x.json"
    store.write_json(path, value)
    assert store.read_json(path) == value


def test_json_that_is_missing_or_damaged_is_one_clear_error(tmp_path):
    with pytest.raises(ArtifactError, match="no file"):
        store.read_json(tmp_path / "x")
    (tmp_path / "x").write_bytes(b'{"a": \xff')
    with pytest.raises(ArtifactError, match="not readable JSON"):
        store.read_json(tmp_path / "x")


def test_nan_never_reaches_a_json_file(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        store.write_json(tmp_path / "x", float("nan"))
    assert list(tmp_path.iterdir()) == []


class Stage:
    """Counts how often a stage's work is done."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0

    def build(self):
        self.count += 1
        store.write_bytes(self.folder / "out", b"made")
        return {"files": {"out": store.sha256_file(self.folder / "out")}, "artifact": {"n": self.count}}

    def run(self, key="k"):
        return store.cached(self.folder / "manifest.json", key, self.build)


def test_an_intact_stage_is_reused(tmp_path):
    stage = Stage(tmp_path)
    assert stage.run() == ({"n": 1}, False)
    assert stage.run() == ({"n": 1}, True)


@pytest.mark.parametrize("harm", ["key", "file changed", "file gone", "manifest damaged", "manifest of another form"])
def test_a_stale_or_damaged_stage_is_done_again(tmp_path, harm):
    stage = Stage(tmp_path)
    stage.run()
    manifest = tmp_path / "manifest.json"
    if harm == "file changed":
        (tmp_path / "out").write_bytes(b"m4de")
    elif harm == "file gone":
        (tmp_path / "out").unlink()
    elif harm.startswith("manifest"):
        manifest.write_text("[1]" if "form" in harm else "{")
    assert stage.run("other" if harm == "key" else "k") == ({"n": 2}, False)


def test_a_stage_that_fails_leaves_no_manifest(tmp_path):
    stage = Stage(tmp_path)
    stage.run()
    with pytest.raises(ZeroDivisionError):
        store.cached(tmp_path / "manifest.json", "other", lambda: 1 / 0)
    assert not (tmp_path / "manifest.json").exists()


def test_hashes_name_the_content(tmp_path):
    store.write_bytes(tmp_path / "x", b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert store.sha256_file(tmp_path / "x") == digest
    store.check_sha256(tmp_path / "x", digest)
    with pytest.raises(ArtifactError, match="damaged"):
        store.check_sha256(tmp_path / "x", "0" * 64)
    assert store.sha256_json({"a": 1, "b": 2}) == store.sha256_json({"b": 2, "a": 1})
