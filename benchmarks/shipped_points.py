"""The shipped model's discovered points on people whom no training saw: do they follow the body, what are they worth?

python benchmarks/shipped_points.py [MODEL.safetensors]

Label-free metrics on PmatData i S7-S13; the rigid residual on experiment ii's displaced pairs (S1 and S2, whose maps of
the other mat were trained on); locality and a linear probe of joints on simulated bodies, beside PCA and other rivals.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from record import record
from second_method import displaced_pairs, measured, simulated

from matpose.canvas import NATIVE
from matpose.datasets import load
from matpose.evaluation.locality import locality
from matpose.evaluation.probe import linear_probe, probe_rivals
from matpose.mat import preset
from matpose.simulate.scene import draw_lying, draw_place
from matpose.training.build import build_efd
from matpose.training.data import collect_maps
from matpose.training.encode import encode
from matpose.training.model_file import load_model

DATA = "pmatdata:../shared/data/pmatdata"
WEIGHTS = Path(__file__).parents[1] / "src" / "matpose" / "weights" / "matpose.safetensors"
PEOPLE, LOCAL = 120, 40
SEED = 90003


def bodies(count: int) -> list:
    """Bodies at rest and where they lie, for locality."""
    made = []
    for index in range(count):
        rng = np.random.default_rng((SEED, index))
        lying, _, _ = draw_lying(index, rng, seed=SEED)
        made.append((lying, draw_place(lying, preset("pmatdata-i"), rng)))
    return made


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", nargs="?", type=Path, default=WEIGHTS)
    given = options.parse_args()
    torch.set_num_threads(1)
    model = load_model(given.model)
    efd, recipe = model.efd, model.recipe
    test = collect_maps(load(DATA, subjects="i:7-13"), NATIVE, frames_per_recording=4)
    probed = simulated(PEOPLE, NATIVE)
    torch.manual_seed(0)
    untrained = build_efd(recipe).eval()

    def points_m(maps: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            xy = efd.points(torch.from_numpy(maps.astype(np.float32))[:, None]).xy_norm.numpy()
        return (xy + 1) / 2 * (NATIVE.width_m, NATIVE.height_m)

    learned, tested = probed
    xy = [
        encode(untrained, torch.from_numpy(some.maps)[:, None], NATIVE)[0].reshape(len(some.maps), -1)
        for some in probed
    ]
    record("shipped-points", {
        "what": "discovered points of the shipped model",
        "points": measured(efd, test, displaced_pairs(DATA, NATIVE), probed),
        "locality": locality(points_m, bodies(LOCAL), NATIVE),
        "probe_rivals": probe_rivals(*learned[:3], *tested[:3], cell_m=NATIVE.cell_m, numbers=2 * recipe.points)
        | {"random_encoder": linear_probe(xy[0], learned.joints_m, xy[1], tested.joints_m, height_m=NATIVE.height_m)},
    })  # fmt: skip


if __name__ == "__main__":
    main()
