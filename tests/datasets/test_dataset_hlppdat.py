"""HLPPDat: labels by class, one map a recording, an assumed pitch under which people fit."""

import numpy as np
import pytest
from fake_trees import write_hlppdat

from matpose.datasets import load
from matpose.errors import DatasetError, MatposeError


def test_fake_tree(tmp_path):
    recordings = list(load(f"hlppdat:{write_hlppdat(tmp_path)}"))
    assert [(r.name, r.subject) for r in recordings] == [
        ("1/0001", "hlppdat/1"), ("1/0002", "hlppdat/1"), ("2/0003", "hlppdat/2"), ("10/0004", "hlppdat/10"),
    ]  # fmt: skip
    postures = [r.posture.tolist() for r in recordings if r.posture is not None]
    assert postures == [["supine"], ["left"], ["right"], ["prone"]]
    assert recordings[2].frames[0, 6, 4] == 90
    assert recordings[2].unit == "raw"
    assert recordings[2].meta == {"subclass": "7"}
    assert recordings[2].mat.assumed
    assert [r.subject for r in load(f"hlppdat:{tmp_path}", subjects="2,10")] == ["hlppdat/2", "hlppdat/10"]


def test_broken_trees(tmp_path):
    with pytest.raises(DatasetError, match="holds no HLPPDat"):
        list(load(f"hlppdat:{tmp_path / 'nowhere'}"))
    root = write_hlppdat(tmp_path / "data")
    (root / "maps/0002.png").write_bytes(b"nothing")
    with pytest.raises(MatposeError, match=r"0002\.png"):
        list(load(f"hlppdat:{root}"))
    table = root / "targets.csv"
    table.write_text(table.read_text().replace("0003,3", "0003,5"))
    with pytest.raises(DatasetError, match="line 4"):
        list(load(f"hlppdat:{root}"))


def test_real_maps(real_data):
    recordings = list(load(f"hlppdat:{real_data / 'hlppdat'}", subjects="1,7"))
    assert len(recordings) == 128
    assert sum(int(r.flags[0] != 0) for r in recordings) <= 3
    mat = recordings[0].mat
    # subject 7, 1.62 m: in the median supine map, head to heels is a little less than the stature
    spans = []
    for r in recordings:
        assert r.posture is not None
        if r.subject == "hlppdat/7" and r.posture[0] == "supine":
            loaded = np.flatnonzero((r.frames[0] > 27).any(1))
            spans.append((loaded[-1] - loaded[0] + 0.5) * mat.pitch_m[0])
    assert 0.90 * 1.62 < np.median(spans) < 1.0 * 1.62


def test_side_sleepers_face_the_right_way(real_data):
    """As stored, HLPPDat is a view from above: on the left side the knees point to +x."""
    lead = {"left": [], "right": []}
    for r in load(f"hlppdat:{real_data / 'hlppdat'}", subjects="1-10"):
        assert r.posture is not None
        if r.posture[0] in lead:
            frame = (r.frames[0] - 13).clip(0, 150)
            x = np.arange(11)
            trunk, legs = frame[4:13].sum(0), frame[17:24].sum(0)
            lead[str(r.posture[0])].append((legs @ x) / legs.sum() - (trunk @ x) / trunk.sum())
    assert np.median(lead["left"]) > 0.3
    assert np.median(lead["right"]) < -0.3
