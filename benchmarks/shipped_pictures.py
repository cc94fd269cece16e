"""What the shipped model's figures look like: its worst frames, its confidence, its points over people and warps.

python benchmarks/shipped_pictures.py [MODEL] [--points MODEL.safetensors]

Run it after `shipped_weights.py` and `marked_frames.py`, whose confidence it draws. Maps: PmatData (ODC-By 1.0);
worst are the marked frames of S1-S6, points are of S7-S12.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from marked_frames import DATA, MARKS, marked_frames, predicted
from matplotlib.figure import Figure
from record import RESULTS
from shipped_points import WEIGHTS

from matpose.canvas import NATIVE
from matpose.datasets import load
from matpose.evaluation.panels import draw_points, draw_pressure, page_of
from matpose.evaluation.trust_figure import trust_figure
from matpose.labelling.marks import read_marks
from matpose.nn.warp import published_warps
from matpose.recording import JOINT_NAMES
from matpose.runtime import Detector
from matpose.runtime.overlay import overlay
from matpose.training.data import collect_maps
from matpose.training.model_file import load_model
from matpose.training.pictures import save_pictures

DOCS = Path(__file__).parents[1] / "docs"
WORST = 20
PEOPLE, WARPS = 6, 3


def trust() -> Figure:
    """Calibration on simulated people and on marked frames, as recorded."""
    shipped, marked = (json.loads((RESULTS / f"{name}.json").read_text()) for name in ("shipped", "marked-frames"))
    return trust_figure({
        "simulated, mats of the training": shipped["seen_mats"]["trust"]["curve"],
        "simulated, other mats": shipped["unseen_mats"]["trust"]["curve"],
        "real, marked by eye": marked["trust"]["curve"],
    })  # fmt: skip


def worst(model: str | None) -> Figure:
    """The frames whose joints are farthest from their marks, crosses; lines lead from joints to marks."""
    recordings = {str(one.name): one for one in load(f"pmatdata:{DATA}", subjects="i:1-6")}
    marked, frames = marked_frames(recordings, read_marks(MARKS))
    poses = [next(iter(Detector(model)(frame))) for frame in frames]
    xy_m, _ = predicted(poses)
    error_m = np.nanmean(np.linalg.norm(xy_m - marked.xy_m, axis=-1), axis=1)
    chosen = np.argsort(-error_m)[:WORST]
    mat = frames[0].mat
    figure, panels = page_of(WORST, columns=7, aspect=mat.height_m / mat.width_m)
    for panel, index in zip(panels, chosen.tolist(), strict=True):
        picture = overlay(frames[index].frames[0], mat, poses[index], height_px=640)
        panel.imshow(np.asarray(picture))
        px_per_m = (640 - round(2.9 * (640 // 32))) / mat.height_m
        left = (picture.width - mat.width_m * px_per_m) / 2
        for joint in range(len(JOINT_NAMES)):
            (x, y), (found_x, found_y) = marked.xy_m[index, joint] * px_per_m, xy_m[index, joint] * px_per_m
            panel.plot((x + left, found_x + left), (y, found_y), color="white", linewidth=0.6)
            panel.plot(x + left, y, "+", color="#ff5252", markersize=3, markeredgewidth=0.8)
        panel.set_title(f"{frames[index].name}: {100 * error_m[index]:.0f} cm", fontsize=5)
    return figure


def points(model: Path) -> Figure:
    """The same points over people, and over warps of each: a number stays on its place of the body."""
    trained = load_model(model)
    maps = collect_maps(load(f"pmatdata:{DATA}", subjects="i:7-12"), NATIVE, frames_per_recording=1)
    first = [int(np.flatnonzero(maps.subject == person)[number]) for number, person in enumerate(maps.subjects)]
    warps = published_warps(NATIVE.width_m / NATIVE.height_m)
    figure, panels = page_of(PEOPLE * (1 + WARPS), columns=PEOPLE, aspect=NATIVE.rows / NATIVE.cols)
    extent = (0.0, NATIVE.width_m, NATIVE.height_m, 0.0)
    for column, index in enumerate(first):
        still = maps.pressure[index : index + 1]
        for row, pressure in enumerate((still, *(warps[slice(k, k + 1)].maps(still) for k in range(WARPS)))):
            with torch.inference_mode():
                xy = trained.efd.points(pressure).xy_norm[0].numpy()
            panel = panels[row * PEOPLE + column]
            draw_pressure(panel, pressure[0, 0].numpy(), extent)
            draw_points(panel, (xy + 1) / 2 * (NATIVE.width_m, NATIVE.height_m))
            if row == 0:
                panel.set_title(str(maps.recording[index]))
    return figure


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", nargs="?", help="by default the weights that ship")
    options.add_argument("--points", type=Path, default=WEIGHTS)
    given = options.parse_args()
    pictures = {
        "shipped-trust": trust(),
        "shipped-worst": worst(given.model),
        "shipped-points": points(given.points),
    }
    save_pictures(pictures, DOCS)


if __name__ == "__main__":
    main()
