"""The program as a user meets it: one line an error, an exit code a kind, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mobilenn.cli import main as program
from mobilenn.core import errors

COMMANDS = program.cli.list_commands(None)


def mobilenn(*arguments, **options):
    command = [sys.executable, "-m", "mobilenn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def assert_one_line(done, code, *words):
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


def test_help_names_every_command():
    done = mobilenn("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"  {name} " in done.stdout
    assert "..." not in done.stdout.split("Start:")[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_refuses_unknown_options(name, monkeypatch, capsys):
    for arguments, code, stream, word in ((["--help"], 0, "out", "Usage"), (["--nonsense"], 2, "err", "--nonsense")):
        monkeypatch.setattr(sys, "argv", ["mobilenn", name, *arguments])
        with pytest.raises(SystemExit) as ended:
            program.main()
        assert ended.value.code == code
        assert word in getattr(capsys.readouterr(), stream)


def test_an_unknown_command_names_the_nearest():
    assert_one_line(mobilenn("rnu"), 2, "No such command 'rnu'", "Did you mean 'run'")


@pytest.mark.parametrize("command", ["run", "train", "compress", "convert", "quantize", "verify", "show"])
def test_an_unknown_recipe_names_the_nearest(command, tmp_path):
    done = mobilenn(command, "alexnt", cwd=tmp_path)
    assert_one_line(done, errors.RecipeError.exit_code, "There is no recipe 'alexnt'", "Did you mean 'alexnet'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["inspect", "verify", "bench", "compare", "quantize"])
@pytest.mark.parametrize("content", [None, b"", b"not a model", b"\x20\x00\x00\x00TFL3" + b"\xff" * 64])
def test_a_file_that_is_no_model_is_one_line(command, content, tmp_path):
    path = tmp_path / "x.tflite"
    if content is not None:
        path.write_bytes(content)
    done = mobilenn(command, path)
    assert done.returncode in (errors.ArtifactError.exit_code, errors.DataError.exit_code)
    assert_one_line(done, done.returncode, "x.tflite" if content is None else "")
    assert sorted(tmp_path.iterdir()) == ([] if content is None else [path])


def test_list_and_show_speak_json():
    names = [row["name"] for row in json.loads(mobilenn("list", "--json").stdout)]
    assert "alexnet" in names
    shown = json.loads(mobilenn("show", "mlp", "--json", "--set", "seed=3").stdout)
    assert shown["recipe"]["seed"] == 3


def test_an_unknown_key_of_a_recipe_is_one_line(tmp_path):
    done = mobilenn("run", "mlp", "--set", "trian.epochs=3", "--out", tmp_path / "out")
    assert_one_line(done, errors.RecipeError.exit_code, "Unknown key 'trian'", "Did you mean 'train'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "train", "verify"])
def test_a_floor_for_what_is_not_measured_is_one_line(command, tmp_path):
    done = mobilenn(command, "mlp", "--set", "floor.acuracy=0.9", "--out", tmp_path / "out")
    assert_one_line(done, errors.RecipeError.exit_code, "[floor] names 'acuracy'", "Did you mean 'accuracy'")
    assert list(tmp_path.iterdir()) == []


def test_a_bug_of_ours_becomes_one_line_and_a_file(monkeypatch, capsys):
    def broken(**_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(program.cli, "main", broken)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == program.INTERNAL_ERROR
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    path = line.rsplit(" ", 1)[1].rstrip(".")
    with open(path, encoding="utf-8") as file:
        assert "ZeroDivisionError: oops" in file.read()


def test_every_kind_of_error_has_an_exit_code_of_its_own():
    kinds = errors.MobilennError.__subclasses__()
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2, program.INTERNAL_ERROR, program.INTERRUPTED} & set(codes)


def test_faults_of_the_data_are_listed_below_the_error(monkeypatch, capsys):
    def refuse(**_):
        raise errors.DataError("2 faults in x.csv.", "Mend them.", faults=["x.csv:3: NaN", "x.csv:9: text"])

    monkeypatch.setattr(program.cli, "main", refuse)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == errors.DataError.exit_code
    assert capsys.readouterr().err.splitlines() == [
        "error: 2 faults in x.csv. Mend them.",
        "  x.csv:3: NaN",
        "  x.csv:9: text",
    ]
