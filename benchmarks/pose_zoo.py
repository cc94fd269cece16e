"""Every pose system of the zoo side by side on one CPU: 6,400 maps seen by each, and 19,200 by those of our size.

python benchmarks/pose_zoo.py [--longer] [-o DIR]

The recipe is `full` with fewer people and samples, on maps of 64 x 32 cells; costs are also measured on 256 x 256.
Posture is told on PmatData. Those of our size are trained with three seeds. Nobody says that any of them has converged:
the curves are kept. Stop and repeat at will: what is trained already is not trained again.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from record import record

from matpose.compare.grid import compare
from matpose.compare.pictures import accuracy_against_cost, validation_curves
from matpose.compare.real import real_maps
from matpose.compare.recipe import load_compare_recipe
from matpose.compare.tables import table
from matpose.zoo.systems import OURS

DATA, DOCS = "pmatdata:../shared/data/pmatdata", Path(__file__).parent.parent / "docs"
FEWER = ("bodies=1600", "validation_bodies=48", "test_bodies=150", "couples=30")
OUR_SIZE = "systems=[matpose,native+simcc,native+integral,cspnext_t+simcc,resnet18,native+parts]"
GRIDS = {
    "pose-zoo": ((*FEWER, "samples=6400"), (*FEWER, "samples=6400", OUR_SIZE, "seeds=3")),
    "pose-zoo-longer": ((*FEWER, "samples=19200", OUR_SIZE.replace("native+parts", "native+dark,native+parts")),),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--longer", action="store_true", help="the systems of our size alone, three times as many maps")
    options.add_argument("-o", "--output", type=Path, help="by default runs/pose-zoo or runs/pose-zoo-longer")
    given = options.parse_args()
    name = "pose-zoo-longer" if given.longer else "pose-zoo"
    folder = given.output or Path("runs") / name
    recipes = [load_compare_recipe("full", changes) for changes in GRIDS[name]]
    real = real_maps(DATA, recipes[0].canvas)
    found = [compare(recipe, folder, real=real, workers=2, progress=False, say=print) for recipe in recipes]
    rows = {(row["system"], row["seed"]): row for one in reversed(found) for row in one["rows"]}
    together = found[0] | {"rows": list(rows.values())}
    lines = table(together)
    record(name, {
        "table": lines,
        "learning_rates": {f"{row['system']} {row['seed']}": row.get("learning_rate") for row in rows.values()},
        "curves": {f"{row['system']} {row['seed']}": row.get("curve") for row in rows.values()},
        "mpjpe_cm_unseen": {
            row["system"]: row["unseen"]["mpjpe_cm"] for row in rows.values() if "mpjpe_cm" in row.get("unseen", {})
        },
        "recipe": found[0]["recipe"],
    })  # fmt: skip
    accuracy_against_cost(lines, OURS).savefig(DOCS / f"{name}-cost.png")
    validation_curves(together["rows"], OURS).savefig(DOCS / f"{name}-curves.png")
    drawn = folder / "attention-native+transpose.png"
    if drawn.is_file():
        shutil.copyfile(drawn, DOCS / f"{name}-attention.png")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
