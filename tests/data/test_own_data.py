"""The user's own data: what is read, and every fault listed before training."""

from __future__ import annotations

import contextlib
import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mobilenn import data
from mobilenn.core.errors import DataError, MobilennError, RecipeError


def table(path, rows, header=("a", "b", "y")):
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return {"path": str(path), "target": "y"}


def good(count=40):
    return [(i * 0.5, -i, "ab"[i % 2]) for i in range(count)]


def test_a_csv_becomes_three_splits(tmp_path):
    dataset = data.load("csv", table(tmp_path / "t.csv", good()), 1)
    data.validate(dataset)
    assert dataset.labels == ("a", "b")
    assert dataset.train.inputs["features"].dtype == np.float32
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 40
    everything = np.concatenate([s.inputs["features"][:, 0] for s in (dataset.train, dataset.validation, dataset.test)])
    assert sorted(everything) == [i * 0.5 for i in range(40)]


def test_a_csv_can_be_regressed(tmp_path):
    settings = table(tmp_path / "t.csv", [(i, 1, i * 2.5) for i in range(30)])
    dataset = data.load("csv", {**settings, "task": "regression"}, 1)
    assert dataset.labels == ()
    assert dataset.train.targets.shape[1:] == (1,)
    np.testing.assert_allclose(dataset.train.targets[:, 0], dataset.train.inputs["features"][:, 0] * 2.5)


def test_a_csv_without_a_target_is_there_to_find_clusters_in(tmp_path):
    settings = table(tmp_path / "t.csv", [(i, i + 1, i + 2) for i in range(30)])
    del settings["target"]
    dataset = data.load("csv", {**settings, "task": "clustering"}, 1)
    data.validate(dataset)
    assert dataset.labels == ()
    assert dataset.train.inputs["features"].shape[1] == 3
    parts = (dataset.train, dataset.validation, dataset.test)
    assert sorted(np.concatenate([part.inputs["features"][:, 2] for part in parts])) == list(range(2, 32))
    chosen = data.load("csv", {**settings, "task": "clustering", "features": ["y", "a"]}, 1)
    np.testing.assert_array_equal(chosen.test.inputs["features"], dataset.test.inputs["features"][:, [2, 0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "clustering"}, "names the target 'y'; its task is clustering"),
        ({"target": ""}, "lacks the key 'target'"),
    ],
)
def test_a_csv_has_a_target_or_clusters(tmp_path, change, message):
    with pytest.raises(RecipeError, match=message):
        data.load("csv", {**table(tmp_path / "t.csv", good()), **change}, 1)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ((1, "", "a"), "t.csv:42: b is empty"),
        ((1, "NaN", "a"), "t.csv:42: b is 'NaN'"),
        ((1, "inf", "a"), "t.csv:42: b is 'inf'"),
        (("red", 2, "a"), "t.csv:42: a is 'red'"),
        ((1, 2, ""), "t.csv:42: y is empty"),
        ((1, 2), "t.csv:42: 2 cells; the header has 3"),
        ((1, 2, "c"), "class 'c' has 1 rows; 3 are needed"),
    ],
)
def test_a_fault_in_a_csv_is_listed_with_its_line(tmp_path, row, fault):
    with pytest.raises(DataError) as caught:
        data.load("csv", table(tmp_path / "t.csv", [*good(), row]), 1)
    assert any(fault in found for found in caught.value.faults), caught.value.faults


def test_many_faults_are_counted_and_the_first_are_listed(tmp_path):
    with pytest.raises(DataError, match="50 faults") as caught:
        data.load("csv", table(tmp_path / "t.csv", [*good(), *[("x", 1, "a")] * 50]), 1)
    assert caught.value.faults[-1] == "… and 30 more"
    assert len(caught.value.faults) == 21


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no rows"),
        (b"a,b,y\n", "no rows"),
        (b"\xff\xfe\x00", "not a readable .csv"),
        (b'a,b,y\n"1,2,3', "not a readable .csv"),
        (b"a,a,y\n1,2,3\n", "cannot be trained on"),
        (b"a,b,z\n1,2,3\n", "no column 'y'"),
        (b"y\n1\n", "cannot be predicted from"),
        (b"a,b,y\n" + b"1,2,a\n" * 9, "cannot be trained on"),
    ],
)
def test_a_csv_that_is_none_is_one_error(tmp_path, content, words):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=words):
        data.load("csv", {"path": str(tmp_path / "t.csv"), "target": "y"}, 1)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_csv_reader_crash(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(b"a,y\n" + content)
    with contextlib.suppress(MobilennError):  # any other error fails the test
        data.validate(data.load("csv", {"path": str(path), "target": "y"}, 1))


def folder(root, counts=(("cat", 6), ("dog", 6))):
    generator = np.random.default_rng(0)
    for label, count in counts:
        (root / label).mkdir(parents=True)
        for i in range(count):
            pixels = generator.integers(0, 256, (20 + i, 30, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{i}.png")
    return {"path": str(root), "size": 16}


def test_an_image_folder_is_decoded_when_asked(tmp_path):
    dataset = data.load("image_folder", folder(tmp_path / "photos"), 1)
    data.validate(dataset)
    images = dataset.train.inputs["image"]
    assert dataset.labels == ("cat", "dog")
    assert images.shape[1:] == (16, 16, 3)
    rows = images[np.array([1, 0])]
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows[1], images[np.array([0])][0])
    assert images[0:2].shape == (2, 16, 16, 3)


def test_a_divided_image_folder_keeps_its_test_split(tmp_path):
    root = tmp_path / "photos"
    for part in ("train", "test"):
        folder(root / part)
    dataset = data.load("image_folder", {"path": str(root), "size": 16, "channels": 1}, 1)
    assert len(dataset.test) == 12
    assert all("test" in path.parts for path in dataset.test.inputs["image"].paths)
    assert len(dataset.train) + len(dataset.validation) == 12


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (lambda root: (root / "cat" / "bad.png").write_bytes(b"not an image"), "cat/bad.png: cannot identify"),
        (lambda root: (root / "cat" / "0.png").write_bytes((root / "cat" / "0.png").read_bytes()[:200]), "cat/0.png:"),
        (lambda root: (root / "empty").mkdir(), "empty: 0 images; 3 or more are needed"),
    ],
)
def test_a_fault_in_an_image_folder_is_listed(tmp_path, harm, fault):
    settings = folder(tmp_path / "photos")
    harm(tmp_path / "photos")
    with pytest.raises(DataError) as caught:
        data.load("image_folder", settings, 1)
    assert any(fault in found for found in caught.value.faults), caught.value.faults


def test_a_decompression_bomb_is_a_fault(tmp_path, monkeypatch):
    settings = folder(tmp_path / "photos")
    monkeypatch.setattr("mobilenn.data.image_folder.MAX_PIXELS", 650)
    with pytest.raises(DataError) as caught:
        data.load("image_folder", settings, 1)
    assert "pixels" in caught.value.faults[0]


def test_one_class_or_no_folder_is_one_error(tmp_path):
    with pytest.raises(DataError, match="1 folder"):
        data.load("image_folder", folder(tmp_path / "photos", (("cat", 3),)), 1)
    with pytest.raises(DataError, match="no folder"):
        data.load("image_folder", {"path": str(tmp_path / "none")}, 1)
    with pytest.raises(DataError, match="no folder"):
        data.fingerprint("image_folder", {"path": str(tmp_path / "none")})


def test_a_changed_image_changes_the_fingerprint(tmp_path):
    settings = folder(tmp_path / "photos")
    before = data.fingerprint("image_folder", settings)
    assert data.fingerprint("image_folder", settings) == before
    (tmp_path / "photos" / "cat" / "0.png").write_bytes(b"other")
    assert data.fingerprint("image_folder", settings) != before


def arrays(path, x=None, y=None, **more):
    x = np.zeros((30, 8, 8, 1), np.uint8) if x is None else x
    y = np.arange(30) % 3 if y is None else y
    np.savez(path, x=x, y=y, **more)
    return {"path": str(path)}


def test_an_npz_becomes_three_splits(tmp_path):
    dataset = data.load("npz", {**arrays(tmp_path / "a.npz"), "labels": ["p", "q", "r"]}, 1)
    data.validate(dataset)
    assert dataset.labels == ("p", "q", "r")
    assert dataset.train.inputs["image"].shape[1:] == (8, 8, 1)


@pytest.mark.parametrize(
    ("x", "y", "fault"),
    [
        (np.zeros((30, 8, 8, 1)), None, "images are uint8"),
        (np.zeros((30, 8)), np.zeros(30), "one class only"),
        (np.zeros((30, 8)), np.where(np.arange(30) == 4, np.nan, 1), "'y' row 4: not finite"),
        (np.zeros((30, 8)), np.arange(29), "30 inputs and 29 targets"),
        (np.zeros((30, 8, 8)), None, "has shape (30, 8, 8)"),
        (np.zeros((30, 8)), np.arange(30) % 2 * 2, "class 1 has no rows"),
        (np.zeros((30, 8)), np.arange(30) % 2 - 1, "no class indices"),
        (np.array([["a"]] * 30), None, "allowed: numbers"),
    ],
)
def test_a_fault_in_an_npz_is_listed(tmp_path, x, y, fault):
    with pytest.raises(DataError) as caught:
        data.load("npz", arrays(tmp_path / "a.npz", x, y), 1)
    assert any(fault in found for found in caught.value.faults), caught.value.faults


def test_an_npz_with_objects_or_without_the_key_is_one_error(tmp_path):
    with pytest.raises(DataError, match=r"not a readable \.npz"):
        data.load("npz", arrays(tmp_path / "a.npz", y=np.array([{"a": 1}] * 30, object)), 1)
    with pytest.raises(DataError, match="no array 'z'"):
        data.load("npz", {**arrays(tmp_path / "b.npz"), "inputs": "z"}, 1)
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(DataError, match=r"not a readable \.npz"):
        data.load("npz", {"path": str(tmp_path / "c.npz")}, 1)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_a_public_set_without_a_network_is_one_line(tmp_path, monkeypatch, name):
    def away(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setenv("MOBILENN_DATA", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", away)
    with pytest.raises(DataError, match="could not be downloaded: Name or service not known") as caught:
        data.load(name, {}, 1)
    assert "put the file there by hand from https://" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_cached_cifar_archive_is_read_without_pickle(tmp_path, monkeypatch):
    import tarfile

    monkeypatch.setenv("MOBILENN_DATA", str(tmp_path))
    generator = np.random.default_rng(0)
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
            records = generator.integers(0, 256, (20, 3073)).astype(np.uint8)
            records[:, 0] = np.arange(20) % 10
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            info.size = records.size
            archive.addfile(info, io.BytesIO(records.tobytes()))
    dataset = data.load("cifar10", {"size": 16}, 1)
    data.validate(dataset)
    assert dataset.train.inputs["image"].shape[1:] == (16, 16, 3)
    assert len(dataset.test) == 20
    assert len(dataset.train) + len(dataset.validation) == 100


def test_unknown_names_and_keys_are_named():
    with pytest.raises(RecipeError, match="Did you mean 'mnist5k'"):
        data.load("mnist5", {}, 0)
    with pytest.raises(RecipeError, match="Did you mean 'size'"):
        data.load("mnist5k", {"sise": 3}, 0)
