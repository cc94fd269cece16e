"""PmatData: labels, people, units, the rule of the bad ends, and which way is left."""

import numpy as np
import pytest
from fake_trees import write_pmatdata_i, write_pmatdata_ii

from matpose.datasets import load
from matpose.datasets.pmatdata import POSTURE_I, posture_ii
from matpose.errors import DatasetError
from matpose.recording import Flag

MMHG = 0.133322


def centre_x_m(recording):
    frame = np.nanmean(recording.frames, 0).clip(0)
    x_m = (np.arange(recording.mat.cols) + 0.5) * recording.mat.pitch_m[1]
    return float((frame.sum(0) * x_m).sum() / frame.sum())


def test_experiment_i_of_a_fake_tree(tmp_path):
    write_pmatdata_i(tmp_path, 2, codes=(10, 2, 1))
    recordings = list(load(f"pmatdata:{tmp_path}"))
    assert [r.name for r in recordings] == ["i/S2/1", "i/S2/2", "i/S2/10"]
    assert [r.posture[0] for r in recordings if r.posture is not None] == ["supine", "right", "supine"]
    first = recordings[0]
    assert first.subject == "pmatdata/S2"
    assert first.meta == {"experiment": "i", "posture17": "1"}
    assert len(first) == 12 - 6
    assert first.time_s.tolist() == [0, 1, 2, 3, 4, 5]
    assert first.unit == "kPa"
    # stored as seen from below: columns 10..19 of 100..109 counts come out at 21..12
    assert first.frames[0, 30, 21] == pytest.approx(100 * 0.1 * MMHG, rel=1e-5)
    assert first.frames[0, 30, 12] == pytest.approx(109 * 0.1 * MMHG, rel=1e-5)
    assert first.frames[0, 30, 11] == 0


@pytest.mark.parametrize(("factor", "bad"), [(0, True), (0.29, True), (0.31, False), (2.9, False), (3.1, True)])
def test_the_rule_of_corrupted_frames(tmp_path, factor, bad):
    write_pmatdata_i(tmp_path, 1, frames=15)
    file = tmp_path / "experiment-i/S1/1.txt"
    lines = file.read_text().splitlines()
    for index in (3, 7, 8, 9):  # also where the general flag would see somebody leaving
        lines[index] = "\t".join(str(round(int(n) * factor)) for n in lines[index].split()) + "\t"
    file.write_text("\r\n".join(lines) + "\r\n", newline="")
    (recording,) = load(f"pmatdata:{tmp_path}")
    flagged = np.flatnonzero(recording.flags & np.uint16(Flag.CORRUPTED)).tolist()
    assert flagged == ([0, 4, 5, 6] if bad else [])
    assert len(recording) == 9


def test_experiment_ii_of_a_fake_tree(tmp_path):
    write_pmatdata_ii(tmp_path, 4, codes=("B10", "B2", "G3"))
    recordings = list(load(f"pmatdata:{tmp_path / 'experiment-ii'}"))
    assert [r.name for r in recordings] == [
        f"ii/S4/{mattress}/{code}" for mattress in ("air", "sponge") for code in ("B2", "B10", "G3")
    ]
    last = recordings[-1]
    assert last.posture is not None
    assert last.posture[0] == "left"
    assert last.subject == "pmatdata/S5"  # the same person as S5 of experiment i
    assert last.meta == {"experiment": "ii", "posture_code": "G3", "mattress": "sponge"}
    # turn and mirror together flip the rows only
    assert np.argwhere(last.frames[0] > 1).min(0).tolist() == [4, 5]
    assert np.argwhere(last.frames[0] > 1).max(0).tolist() == [13, 9]
    assert last.frames[0, 10, 7] == pytest.approx(100 * 0.2 * MMHG, rel=1e-5)


def test_postures_of_every_code():
    assert {p: sorted(c for c, q in POSTURE_I.items() if q == p) for p in ("right", "left")} == {
        "right": [2, 4, 5, 13],
        "left": [3, 6, 7, 14],
    }
    codes = {"B3": "supine", "F7": "supine", "C1": "right", "D3": "left", "E1": "right", "E2": "right"}
    codes |= {
        "E3": "left",
        "E4": "left",
        "E5": "right",
        "E6": "left",
        "G1": "supine",
        "G2": "right",
        "G3": "left",
    }
    assert {code: posture_ii(code) for code in codes} == codes
    assert posture_ii("E7") is None
    assert posture_ii("X1") is None


def test_subjects_of_both_experiments(tmp_path):
    for number in (1, 2):
        write_pmatdata_i(tmp_path, number)
        write_pmatdata_ii(tmp_path, number)
    name = f"pmatdata:{tmp_path}"
    assert len(list(load(name))) == 2 + 4
    assert {r.name for r in load(name, subjects="i:2")} == {"i/S2/1"}
    assert {r.name for r in load(name, subjects="ii:1")} == {"ii/S1/air/B1", "ii/S1/sponge/B1"}
    assert len(list(load(name, subjects="i:1-2;ii:2"))) == 4
    with pytest.raises(DatasetError, match="no subject 3"):
        list(load(name, subjects="i:2-3"))


def test_not_the_dataset(tmp_path):
    with pytest.raises(DatasetError, match="holds no PmatData"):
        list(load(f"pmatdata:{tmp_path}"))
    write_pmatdata_i(tmp_path, 1, codes=(18,))
    with pytest.raises(DatasetError, match="17 postures"):
        list(load(f"pmatdata:{tmp_path}"))


@pytest.mark.slow
def test_all_of_experiment_i(real_data):
    recordings = list(load(f"pmatdata:{real_data / 'pmatdata/experiment-i'}"))
    assert len(recordings) == 221
    assert sum(map(len, recordings)) == 18_698
    assert len({r.subject for r in recordings}) == 13
    totals = [r.frames.sum((1, 2)) for r in recordings]
    broken = sum(int(((t < 0.3 * np.median(t)) | (t > 3 * np.median(t))).sum()) for t in totals)
    assert broken == 14
    assert sum(int((r.flags & np.uint16(Flag.CORRUPTED) > 0).sum()) for r in recordings) == 14


def test_handedness_of_experiment_ii(real_data):
    """The dataset's drawings show B1 at the left edge of the mat and B3 at the right."""
    recordings = {r.name: r for r in load(f"pmatdata:{real_data / 'pmatdata/experiment-ii'}")}
    assert len(recordings) == 116
    for place in ("S1/air", "S1/sponge", "S2/air", "S2/sponge"):
        left, right = (centre_x_m(recordings[f"ii/{place}/{code}"]) for code in ("B1", "B3"))
        assert right - left > 0.15, place


def test_side_sleepers_of_both_experiments_face_the_right_way(real_data):
    """Bent knees lie where the face looks: at +x of the trunk on the left side."""
    count = 0
    for recording in load(f"pmatdata:{real_data / 'pmatdata'}", subjects="i:1-3;ii:1-2"):
        code = recording.meta.get("posture17") or recording.meta["posture_code"]
        if code not in ("2", "3", "C1", "D1"):
            continue
        assert recording.posture is not None
        frame = np.median(recording.frames, 0).clip(0, 6)
        y = np.arange(64)
        x_m = (np.arange(recording.mat.cols) + 0.5) * recording.mat.pitch_m[1]
        trunk, legs = frame[(y >= 22) & (y < 34)], frame[(y >= 36) & (y < 48)]
        lead_m = (legs.sum(0) @ x_m) / legs.sum() - (trunk.sum(0) @ x_m) / trunk.sum()
        assert lead_m * {"left": 1, "right": -1}[str(recording.posture[0])] > 0.04, recording.name
        count += 1
    assert count == 14
