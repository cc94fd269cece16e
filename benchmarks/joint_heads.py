"""Our head beside the other ways to code joints, on the trunk of our own model: same people, as many maps seen.

python benchmarks/joint_heads.py [-o runs/joint-heads] [KEY=VALUE ...]

The recipe is `quick` with more people and samples, on two presets; what is tested on is another preset. Nobody says
that any of them has converged: the curves are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from record import record

from matpose.evaluation.compare_table import table
from matpose.training.compare import compare
from matpose.training.compare_recipe import load_compare_recipe

RECIPE = (
    "systems=[matpose,native+heatmap,native+dark,native+integral,native+simcc,native+rle,native+deeppose]",
    "bodies=300", "readings=4", "test_bodies=60", "samples=6400",
)  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("changes", nargs="*", metavar="KEY=VALUE", help="changes to the recipe")
    options.add_argument("-o", "--output", type=Path, default=Path("runs/joint-heads"))
    given = options.parse_args()
    recipe = load_compare_recipe("quick", (*RECIPE, *given.changes))
    found = compare(recipe, given.output, workers=2, progress=False, say=print)
    curves = {f"{row['system']} {row['seed']}": row.get("curve") for row in found["rows"]}
    lines = table(found["rows"], found["latency_ms"])
    record("joint-heads", {"table": lines, "curves": curves, "recipe": found["recipe"]})


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
