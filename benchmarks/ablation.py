"""The paper's ablation: the method without CRWT, without dilation, without exchange, each beside the whole.

python benchmarks/ablation.py [KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from record import record

from matpose.datasets import load
from matpose.training.ablation import run_ablation
from matpose.training.comparison import runs_in
from matpose.training.comparison_report import comparison_figures
from matpose.training.data import collect_maps
from matpose.training.pictures import save_pictures
from matpose.training.recipe import load_recipe

# patience as long as the training, so that every curve has all epochs; the best one is still kept
CHANGES = ("batches_per_epoch=10", "presence_epochs=16", "epochs=48", "patience=48", "validation_fraction=0.34")
DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("changes", nargs="*", metavar="KEY=VALUE", help="changes to the recipe")
    options.add_argument("--dataset", default="pmatdata:../shared/data/pmatdata")
    options.add_argument("--subjects", default="i:1-6", help="of the dataset")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--jobs", type=int, default=2, help="trainings at a time, one thread each")
    options.add_argument("--runs", type=Path, default=Path("runs/ablation"), help="finished runs are used again")
    given = options.parse_args()
    torch.set_num_threads(1)
    recipe = load_recipe("plain", (*CHANGES, *given.changes))
    maps = collect_maps(
        load(given.dataset, subjects=given.subjects),
        recipe.canvas,
        frames_per_recording=recipe.frames_per_recording,
        presence_mmhg=recipe.presence_mmhg,
    )
    table = run_ablation(
        maps,
        recipe,
        given.runs,
        seeds=range(given.seeds),
        jobs=given.jobs,
        say=lambda line: print(line, flush=True),
    )
    variants, _ = runs_in(given.runs)
    save_pictures({f"ablation-{name}": figure for name, figure in comparison_figures(variants).items()}, DOCS)
    record(
        "ablation",
        {"dataset": given.dataset, "subjects": maps.subjects, **table, "recipe": recipe.model_dump(exclude={"seed"})},
    )


if __name__ == "__main__":
    main()
