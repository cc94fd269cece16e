"""A user's own folder: subjects, labels, and no file passed over in silence."""

import numpy as np
import pytest

from matpose.datasets import load
from matpose.errors import DatasetError, MatposeError
from matpose.mat import Mat
from matpose.readers import write_recording
from matpose.recording import Recording

GRID = {"rows": 4, "cols": 3, "pitch_mm": 30, "unit": "kPa"}


@pytest.fixture
def tree(tmp_path):
    for name in ("anna/one.csv", "anna/late/two.csv", "bob/one.csv", "loose.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(tmp_path / name, np.arange(12).reshape(4, 3), delimiter=",")
    (tmp_path / ".notes").write_text("hidden")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache/x.csv").write_text("hidden")
    return tmp_path


def test_subjects_and_order(tree):
    got = {r.name: r.subject for r in load(str(tree), **GRID)}
    assert got == {
        "anna/late/two.csv": "anna",
        "anna/one.csv": "anna",
        "bob/one.csv": "bob",
        "loose.csv": "loose",
    }
    assert list(got) == sorted(got)
    assert [r.name for r in load(str(tree), subjects="bob, loose", **GRID)] == ["bob/one.csv", "loose.csv"]
    with pytest.raises(DatasetError, match="no subject eve"):
        list(load(str(tree), subjects="eve", **GRID))


def test_one_file(tree):
    (recording,) = load(str(tree / "loose.csv"), **GRID)
    assert (recording.name, recording.subject, recording.posture) == ("loose.csv", "loose", None)
    assert recording.frames[0, 3, 2] == 11


def test_labels(tree):
    (tree / "labels.csv").write_text("file,posture,subject\nbob/one.csv,left,\nloose.csv,prone,anna\n")
    got = {r.name: (r.posture, r.subject) for r in load(str(tree), **GRID)}
    assert got["anna/one.csv"] == (None, "anna")
    assert got["bob/one.csv"] == (np.array(["left"]), "bob")
    assert got["loose.csv"] == (np.array(["prone"]), "anna")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,posture\nbob/one.csv,left\nbob/two.csv,left\n", r"line 3.*bob/two\.csv"),
        ("file,posture\nbob/one.csv,sideways\n", "line 2.*sideways"),
        ("name,posture\nbob/one.csv,left\n", "line 1.*name, posture"),
        ("file,posture\nbob/one.csv\n", "line 2"),
    ],
)
def test_wrong_labels_name_their_line(tree, text, said):
    (tree / "labels.csv").write_text(text)
    with pytest.raises(DatasetError, match=said):
        list(load(str(tree), **GRID))


def test_nothing_is_passed_over(tree):
    (tree / "bob/zzz.txt").write_text("a letter to the clinic\n")
    with pytest.raises(MatposeError, match=r"zzz\.txt"):
        list(load(str(tree), **GRID))


def test_nowhere_and_nothing(tmp_path):
    with pytest.raises(DatasetError, match="no such file or folder"):
        list(load(str(tmp_path / "nowhere")))
    with pytest.raises(DatasetError, match="holds no files"):
        list(load(str(tmp_path)))


def test_a_file_of_several_people_is_a_recording_for_each(tmp_path):
    frames = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((4, 3, 2), np.float32)
    person = np.array([5, 9, 5, 9], np.uint32)
    whole = Recording(frames, Mat(3, 2, 0.03, 0.03), "kPa", np.arange(4.0), np.zeros(4, np.uint16), person=person)
    write_recording(tmp_path / "crowd.h5", whole)
    found = list(load(str(tmp_path / "crowd.h5")))
    assert [one.subject for one in found] == ["crowd/5", "crowd/9"]
    assert [one.frames[:, 0, 0].tolist() for one in found] == [[0, 2], [1, 3]]
