"""How far a point moves when the same pressure was sensed by another grid: people whom the encoder never saw.

python benchmarks/other_grids.py [RUN ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from record import record

from matpose.canvas import Canvas
from matpose.datasets import load
from matpose.mat import Mat
from matpose.quality import clean
from matpose.recording import Recording
from matpose.training.encode import encode
from matpose.training.model_file import load_model

PITCHES_M = (0.0139, 0.020, 0.0254)
DATASET = "pmatdata:../shared/data/pmatdata"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("runs", nargs="*", type=Path, help="encoders; by default the strict ones that evaluate kept")
    given = options.parse_args()
    encoders = [load_model(run) for run in given.runs or sorted(Path("runs/evaluate").glob("native-*"))]
    moved_mm: dict[float, list[np.ndarray]] = {pitch_m: [] for pitch_m in PITCHES_M}
    people: set[str] = set()
    for recording in load(DATASET, subjects="i:1-13"):
        middle = clean(recording.select(slice(len(recording) // 2, len(recording) // 2 + 1)))[0]
        for trained in encoders:
            if recording.subject in trained.facts["train_subjects"] + trained.facts["validation_subjects"]:
                continue
            people.add(recording.subject or "")
            canvas = trained.recipe.canvas
            before = _points_m(trained.efd, canvas.resample(middle.frames, middle.mat), canvas)
            for pitch_m in PITCHES_M:
                other = regridded(middle, pitch_m)
                after = _points_m(trained.efd, canvas.resample(other.frames, other.mat), canvas)
                moved_mm[pitch_m].append(1000 * np.linalg.norm(after - before, axis=-1))
    half_cell_mm = 16.0
    record(
        "other-grids",
        {
            "what": "distance of a point from where it was on the 27.8 mm mat, one frame a recording",
            "people": sorted(people),
            "half_cell_mm": half_cell_mm,
            "rows": [
                {
                    "pitch_mm": 1000 * pitch_m,
                    "points": int(all_mm.size),
                    "median_mm": float(np.median(all_mm)),
                    "p99_mm": float(np.percentile(all_mm, 99)),
                    "max_mm": float(all_mm.max()),
                    "within_half_a_cell": float((all_mm <= half_cell_mm).mean()),
                }
                for pitch_m, all_mm in ((pitch_m, np.concatenate(parts)) for pitch_m, parts in moved_mm.items())
            ],
        },
    )


def regridded(recording: Recording, pitch_m: float) -> Recording:
    """The same pressure on a mat of another pitch with the same middle and head edge, force preserved."""
    mat = recording.mat
    other = Mat(int(mat.height_m / pitch_m) + 1, int(mat.width_m / pitch_m) + 1, pitch_m, pitch_m)
    # the other mat's cells are a canvas of that pitch, centred and aligned as every canvas is
    frames = Canvas(other.rows, other.cols, pitch_m).resample(recording.frames, mat)
    return Recording(frames, other, recording.unit, recording.time_s, recording.flags)


def _points_m(efd: torch.nn.Module, maps: np.ndarray, canvas: Canvas) -> np.ndarray:
    """(N, K, 2) points from the canvas's centre, metres."""
    return encode(efd, torch.from_numpy(maps)[:, None], canvas)[0] * (canvas.height_m / 2)  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
