"""Small maps to be marked: no recording behind them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matpose.labelling.maps import LabelMap
from matpose.labelling.session import LabelSession
from matpose.mat import Mat

MAT = Mat(64, 32, 0.0278, 0.0278)


def made_map(recording: str = "i/S3/14", frame: int = 7) -> LabelMap:
    """Loaded in its left half, missing a cell in the last row."""
    cells = np.zeros((64, 32), np.float32)
    cells[:, :16] = 4.0
    cells[63, 31] = np.nan
    return LabelMap(recording, frame, MAT, cells, "left")


def session(folder: Path, annotator: str = "anna", *recordings: str) -> LabelSession:
    return LabelSession([made_map(name) for name in recordings or ("i/S3/14", "i/S3/15")], folder / "m.csv", annotator)
