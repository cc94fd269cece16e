"""SMaL: arrays of maps with their labels."""

import numpy as np
import pytest
from fake_trees import write_smal

from matpose.datasets import load
from matpose.errors import DatasetError


def test_fake_arrays(tmp_path):
    recordings = list(load(f"smal:{write_smal(tmp_path)}"))
    assert [r.name for r in recordings][3:5] == ["train/000003", "test/000000"]
    assert [r.posture[0] for r in recordings if r.posture is not None][:4] == [
        "supine",
        "left",
        "right",
        "left",
    ]
    assert recordings[2].frames[0, 100, 100] == 3
    assert recordings[2].unit == "raw"
    assert recordings[2].mat.assumed
    assert {r.subject for r in recordings} == {"smal/mannequin"}
    assert [r.meta["part"] for r in load(f"smal:{tmp_path}", part="test")] == ["test"] * 4
    assert next(iter(load(f"smal:{tmp_path}", pitch_mm="4x6"))).mat.pitch_m == (0.004, 0.006)


def test_broken_arrays(tmp_path):
    with pytest.raises(DatasetError, match="holds no SMaL"):
        list(load(f"smal:{tmp_path}"))
    write_smal(tmp_path, labels=(0, 3))
    with pytest.raises(DatasetError, match="unknown labels"):
        list(load(f"smal:{tmp_path}"))
    np.save(tmp_path / "label_train.npy", np.zeros((5, 1)))
    with pytest.raises(DatasetError, match="label_train"):
        list(load(f"smal:{tmp_path}"))
    (tmp_path / "PM_train.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(DatasetError, match="cannot be read"):
        list(load(f"smal:{tmp_path}"))
