"""Every pose system of the zoo side by side on one CPU, 6,400 maps seen by each.

python benchmarks/pose_zoo.py [-o runs/pose-zoo]

The recipe is `full` with fewer people and samples, on maps of 64 x 32 cells; costs are also measured on 256 x 256.
Posture is told on PmatData. The best small ones are trained with three seeds. Nobody says that any of them has
converged: the curves are kept. Stop and repeat at will: what is trained already is not trained again.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from record import record

from matpose.compare.grid import compare
from matpose.compare.pictures import accuracy_against_cost, validation_curves
from matpose.compare.recipe import load_compare_recipe
from matpose.compare.tables import table
from matpose.zoo.systems import OURS

DATA, DOCS = "pmatdata:../shared/data/pmatdata", Path(__file__).parent.parent / "docs"
FEWER = ("bodies=1600", "validation_bodies=48", "test_bodies=150", "couples=30", "samples=6400")
SEVERAL_SEEDS = "systems=[matpose,native+cross_entropy,native+simcc,native+focal,native+dsnt]"
LEFT_OUT = "shglass+multi_scale"  # as long again as `shglass`, whose two stacks it joins
NAME = "pose-zoo"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-o", "--output", type=Path, default=Path("runs") / NAME)
    folder = options.parse_args().output
    recipe = load_compare_recipe("full", FEWER)
    recipe = recipe.model_copy(update={"systems": tuple(name for name in recipe.systems if name != LEFT_OUT)})
    several = load_compare_recipe("full", (*FEWER, SEVERAL_SEEDS, "seeds=3"))
    compare(several, folder, dataset=DATA, workers=2, progress=False, say=print)
    found = compare(recipe, folder, dataset=DATA, workers=2, progress=False, say=print)
    rows, lines = found["rows"], table(found)
    record(NAME, {
        "table": lines,
        "learning_rates": {f"{row['system']} {row['seed']}": row.get("learning_rate") for row in rows},
        "curves": {f"{row['system']} {row['seed']}": row.get("curve") for row in rows},
        "mpjpe_cm_unseen": {
            row["system"]: row["unseen"]["mpjpe_cm"] for row in rows if "mpjpe_cm" in row.get("unseen", {})
        },
        "recipe": recipe.model_dump(mode="json"),
    })  # fmt: skip
    accuracy_against_cost(lines, OURS).savefig(DOCS / f"{NAME}-cost.png")
    validation_curves(rows, OURS).savefig(DOCS / f"{NAME}-curves.png")
    drawn = folder / "attention-native+transpose.png"
    if drawn.is_file():
        shutil.copyfile(drawn, DOCS / f"{NAME}-attention.png")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
