"""Folders of runs that never trained: all their files, random weights, made-up losses."""

from __future__ import annotations

from pathlib import Path

import torch
from tiny import tiny_recipe

from matpose.simulate.blobs import blob_people
from matpose.training.build import build_efd
from matpose.training.checkpoint import SafetensorsIO
from matpose.training.data import Maps, collect_maps
from matpose.training.history import write_history
from matpose.training.kept_maps import KEPT_NAME, keep_maps
from matpose.training.model_file import FILE_NAME, TrainedModel, save_model
from matpose.training.recipe import Recipe
from matpose.training.run import RECIPE_NAME, _write_recipe


def blob_maps(people: int = 3) -> Maps:
    return collect_maps(blob_people(people, 2), tiny_recipe().canvas, frames_per_recording=3)


def fake_run(folder: Path, recipe: Recipe, val: Maps, *, losses: tuple[float, ...] = (2.0, 1.0)) -> None:
    """The files of a finished run whose stage 2 had these validation losses."""
    torch.manual_seed(recipe.seed)
    stages = ["presence"] * recipe.crwt + ["reconstruction"] * len(losses)
    rows: list[dict[str, float | str]] = [{"stage": stage, "epoch": 0, "val_loss": 9.0} for stage in stages]
    for epoch, (row, loss) in enumerate(zip(rows[-len(losses) :], losses, strict=True)):
        row |= {"epoch": epoch, "val_loss": loss, "val_l1": loss / 10, "val_l2": loss / 100, "val_ssim": 1 - loss / 4}
    folder.mkdir(parents=True)
    write_history(folder / "metrics.csv", rows)
    keep_maps(folder / KEPT_NAME, val)
    _write_recipe(folder / RECIPE_NAME, recipe)
    if recipe.crwt:
        (folder / "checkpoints").mkdir()
        state = {f"model.{key}": value for key, value in build_efd(recipe, outputs=2).state_dict().items()}
        SafetensorsIO().save_checkpoint({"state_dict": state}, folder / "checkpoints" / "presence-best.safetensors")
    facts = {"train_subjects": ["a"], "validation_subjects": val.subjects, "train_maps": 1, "validation_maps": len(val)}
    save_model(folder / FILE_NAME, TrainedModel(build_efd(recipe).eval(), recipe, facts=facts))
