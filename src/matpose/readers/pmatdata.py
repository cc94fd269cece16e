"""PmatData (PhysioNet pmd 1.0.0): experiment i says its mat by its bytes, experiment ii does not quite.

Pouyan et al., "A pressure map dataset for posture and subject analytics", BHI 2017.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from matpose.mat import PRESETS
from matpose.readers import text
from matpose.readers.contents import Contents, Table

_FRAME = re.compile(rb"(?:\d+\t){2048}\r?\n")


def sniff(head: bytes) -> bool:
    """Whether the first line is 2048 integers, each with a tab behind it: a frame of experiment i."""
    return _FRAME.match(head) is not None


def read(path: Path) -> Contents:
    """Contents of a recording of experiment i: one flattened frame a line, one a second."""
    found = text.read(path)
    return Contents(path, "pmatdata-i", found.table, mat=PRESETS["pmatdata-i"])


def looks_like_experiment_ii(table: Table) -> bool:
    """Whether this is one 64 x 27 matrix of counts above the baseline of experiment ii (about 44).

    It tells whose counts these are, not which way up the mat lay: no proof of the preset.
    """
    if table.values.shape != (64, 27):
        return False
    counts = table.values.ravel()
    if not (counts == np.rint(counts)).all():
        return False
    low = np.percentile(counts, 10)
    return bool(counts.min() >= 30 and 40 <= low <= 50)
