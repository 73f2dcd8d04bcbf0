"""Sound of the user's own in the layout of Speech Commands, and the public set itself."""

from __future__ import annotations

import io
import tarfile
import wave

import numpy as np
import pytest

from mobilenn import data
from mobilenn.core.errors import DataError, RecipeError


def write(path, samples=16000, rate=16000, channels=1, loud=8000, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng([seed, samples]).integers(-loud, loud + 1, (samples, channels)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(values.tobytes())
    return values


def folder(root, words=("go", "no", "tree", "zero"), count=10, noise=True):
    for number, word in enumerate(words):
        for clip in range(count):
            write(root / word / f"{clip}.wav", seed=100 * number + clip)
    if noise:
        write(root / "_background_noise_" / "rain.wav", 50_000)
        write(root / "_background_noise_" / "drop.wav", 3_000)
    return {"path": str(root)}


def everything(dataset):
    return [clip for part in (dataset.train, dataset.validation, dataset.test) for clip in part.inputs["audio"].clips]


def test_every_folder_is_a_class_and_noise_is_silence(tmp_path):
    dataset = data.load("audio_folder", folder(tmp_path / "wavs"), 1)
    data.validate(dataset)
    assert dataset.labels == ("go", "no", "tree", "zero", "silence")
    audio = dataset.train.inputs["audio"]
    rows = audio[np.array([2, 0])]
    assert rows.dtype == np.int16
    assert rows.shape == (2, 16000)
    np.testing.assert_array_equal(rows[1], audio[np.array([0])][0])
    assert audio[0:3].shape == (3, 16000)
    counts = np.bincount(dataset.train.targets)
    assert counts.max() - counts.min() <= 1
    assert len({(clip.path, clip.start, clip.gain) for clip in everything(dataset)}) == len(everything(dataset))


def test_without_noise_or_where_none_is_wanted_there_is_no_silence(tmp_path):
    settings = folder(tmp_path / "a", noise=False)
    assert "silence" not in data.load("audio_folder", settings, 1).labels
    settings = folder(tmp_path / "b")
    assert "silence" not in data.load("audio_folder", {**settings, "silence": 0}, 1).labels


def test_words_make_the_others_unknown_as_many_as_a_word(tmp_path):
    dataset = data.load("audio_folder", {**folder(tmp_path / "wavs"), "words": ["no", "go"]}, 1)
    assert dataset.labels == ("no", "go", "unknown", "silence")
    counts = np.bincount(dataset.train.targets)
    assert counts.max() - counts.min() <= 1
    with pytest.raises(DataError, match="no folder 'yes'"):
        data.load("audio_folder", {"path": str(tmp_path / "wavs"), "words": ["yes"]}, 1)


def test_the_test_split_does_not_depend_on_the_seed(tmp_path):
    settings = folder(tmp_path / "wavs")
    first, other = (data.load("audio_folder", settings, seed) for seed in (1, 2))
    assert first.test.inputs["audio"].clips == other.test.inputs["audio"].clips
    assert first.train.inputs["audio"].clips != other.train.inputs["audio"].clips


def test_lists_decide_the_splits(tmp_path):
    root = tmp_path / "wavs"
    settings = folder(root)
    (root / "testing_list.txt").write_text("go/1.wav\nno/3.wav\n\n", encoding="utf-8")
    (root / "validation_list.txt").write_text("tree/0.wav\n", encoding="utf-8")
    dataset = data.load("audio_folder", {**settings, "silence": 0}, 1)
    named = [
        [str(c.path.relative_to(root)) for c in p.inputs["audio"].clips] for p in (dataset.validation, dataset.test)
    ]
    assert named == [["tree/0.wav"], ["go/1.wav", "no/3.wav"]]
    assert len(dataset.train) == 37


def test_nobody_whom_the_files_name_is_heard_in_two_splits(tmp_path):
    for word in ("go", "no"):
        for person in "abcdefgh":
            for clip in range(2):
                write(tmp_path / "wavs" / word / f"{person}_nohash_{clip}.wav", seed=ord(person) + clip)
    dataset = data.load("audio_folder", {"path": str(tmp_path / "wavs")}, 1)
    data.validate(dataset)
    parts = (dataset.train, dataset.validation, dataset.test)
    people = [{clip.path.name[0] for clip in part.inputs["audio"].clips} for part in parts]
    assert sum(map(len, people)) == 8
    assert set.union(*people) == set("abcdefgh")


@pytest.mark.parametrize(("samples", "rate"), [(1, 16000), (1, 44100), (160, 16000), (8000, 8000)])
def test_a_short_clip_is_followed_by_silence(tmp_path, samples, rate):
    settings = folder(tmp_path / "wavs", noise=False)
    write(tmp_path / "wavs" / "go" / "0.wav", samples, rate)
    (clip,) = [c for c in everything(data.load("audio_folder", settings, 1)) if c.path.match("go/0.wav")]
    dataset = data.load("audio_folder", settings, 1)
    part = next(p for p in (dataset.train, dataset.validation, dataset.test) if clip in p.inputs["audio"].clips)
    sound = part.inputs["audio"][part.inputs["audio"].clips.index(clip)]
    held = -(-samples * 16000 // rate)
    assert sound.shape == (16000,)
    assert not sound[held:].any()
    assert sound[:held].any()


def test_a_silent_clip_and_a_stereo_one_are_data_like_any_other(tmp_path):
    from mobilenn.data._clips import Clip, Clips

    write(tmp_path / "quiet.wav", loud=0)
    values = write(tmp_path / "stereo.wav", channels=2)
    clips = Clips([Clip(path=tmp_path / "quiet.wav"), Clip(path=tmp_path / "stereo.wav", gain=0.5)], 16000)
    quiet, stereo = clips[:]
    assert not quiet.any()
    np.testing.assert_allclose(stereo, values.mean(axis=1) / 2, atol=1.5)


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (lambda root: (root / "go" / "0.wav").write_bytes(b"not sound"), "go/0.wav: not a .wav"),
        (lambda root: (root / "go" / "0.wav").write_bytes(b""), "go/0.wav: an empty file"),
        (lambda root: write(root / "go" / "0.wav", 0), "go/0.wav: empty"),
        (lambda root: write(root / "go" / "0.wav", rate=3000), "go/0.wav: 3000 samples a second"),
        (lambda root: (root / "go" / "0.wav").write_bytes((root / "no" / "0.wav").read_bytes()[:900]), "cut off"),
        (lambda root: (root / "_background_noise_" / "rain.wav").write_bytes(b"?"), "_background_noise_/rain.wav: not"),
        (lambda root: (root / "empty").mkdir(), "empty: 0 .wav files; 3 or more are needed"),
        (
            lambda root: (root / "testing_list.txt").write_text("go/0.wav\ngo/77.wav\n"),
            "testing_list.txt:2: there is no",
        ),
        (lambda root: (root / "testing_list.txt").write_text("../../secret.wav\n"), "testing_list.txt:1: there is no"),
    ],
)
def test_a_fault_is_listed_with_its_file(tmp_path, harm, fault):
    settings = folder(tmp_path / "wavs")
    harm(tmp_path / "wavs")
    with pytest.raises(DataError) as caught:
        data.load("audio_folder", settings, 1)
    assert any(fault in found for found in caught.value.faults), caught.value.faults


def test_lists_that_leave_nothing_to_train_on_are_one_error(tmp_path):
    root = tmp_path / "wavs"
    settings = folder(root, words=("go", "no"), count=3, noise=False)
    names = [f"{word}/{clip}.wav" for word in ("go", "no") for clip in range(3)]
    (root / "testing_list.txt").write_text("\n".join(names), encoding="utf-8")
    with pytest.raises(DataError, match="no clip to train on"):
        data.load("audio_folder", settings, 1)


def test_no_folder_one_class_and_bad_settings_are_one_error(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        data.load("audio_folder", {"path": str(tmp_path / "none")}, 1)
    with pytest.raises(DataError, match="too few folders: 1"):
        data.load("audio_folder", folder(tmp_path / "one", words=("go",)), 1)
    for key, value in (("length", 5), ("silence", -1.0), ("test", 0.99)):
        with pytest.raises(RecipeError, match=key):
            data.load("audio_folder", {"path": str(tmp_path), key: value}, 1)


def test_a_changed_file_changes_the_fingerprint(tmp_path):
    settings = folder(tmp_path / "wavs")
    before = data.fingerprint("audio_folder", settings)
    assert data.fingerprint("audio_folder", settings) == before
    write(tmp_path / "wavs" / "go" / "0.wav", 500)
    assert data.fingerprint("audio_folder", settings) != before


def archive(path, source):
    with tarfile.open(path, "w:gz") as packed:
        for file in sorted(source.rglob("*")):
            packed.add(file, f"./{file.relative_to(source)}", recursive=False)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A cache that holds a small archive of the published layout."""
    source, cache = tmp_path / "source", tmp_path / "cache"
    folder(source, words=("yes", "no", "bed"))
    (source / "testing_list.txt").write_text("yes/1.wav\nno/3.wav\nbed/2.wav\n", encoding="utf-8")
    (source / "validation_list.txt").write_text("yes/0.wav\nno/0.wav\nbed/0.wav\n", encoding="utf-8")
    cache.mkdir()
    monkeypatch.setenv("MOBILENN_DATA", str(cache))
    return source, cache / "speech_commands_v0.02.tar.gz"


def test_the_published_archive_is_unpacked_once_and_read(published):
    archive(published[1], published[0])
    dataset = data.load("speech_commands", {"words": ["yes", "no"]}, 1)
    data.validate(dataset)
    assert dataset.labels == ("yes", "no", "unknown", "silence")
    assert len(dataset.test) == 4
    published[1].unlink()
    again = data.load("speech_commands", {"words": []}, 1)
    assert again.labels == ("bed", "no", "yes", "silence")


def test_a_damaged_archive_or_another_is_one_line_and_leaves_nothing(published, tmp_path):
    source, path = published
    archive(path, source)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match="is damaged"):
        data.load("speech_commands", {}, 1)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    (source / "testing_list.txt").unlink()
    archive(path, source)
    with pytest.raises(DataError, match=r"not the published set: no testing_list\.txt"):
        data.load("speech_commands", {}, 1)


def test_an_archive_that_climbs_out_of_its_folder_is_refused(published):
    _, path = published
    with tarfile.open(path, "w:gz") as packed:
        info = tarfile.TarInfo("../climbed.txt")
        info.size = 4
        packed.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(DataError, match="is damaged"):
        data.load("speech_commands", {}, 1)
    assert not (path.parent / "climbed.txt").exists()


def test_without_a_network_the_public_set_is_one_line(tmp_path, monkeypatch):
    def away(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setenv("MOBILENN_DATA", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", away)
    with pytest.raises(DataError, match="could not be downloaded: Name or service not known") as caught:
        data.load("speech_commands", {}, 1)
    assert "put the file there by hand from https://" in caught.value.hint
    assert list(tmp_path.iterdir()) == []
