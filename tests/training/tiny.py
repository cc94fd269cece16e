"""A training so small that it takes a second: blob people on a coarse canvas."""

from __future__ import annotations

from matpose.training.recipe import Recipe, load_recipe

SMALL = (
    "rows=32", "cols=16", "cell_mm=64", "points=6", "features=2", "widths=[8,8,8]", "exchange_width=4",
    "presence_epochs=2", "epochs=2", "batch=8", "batches_per_epoch=3", "frames_per_recording=3",
)  # fmt: skip


def tiny_recipe(*changes: str) -> Recipe:
    """The plain recipe, made tiny, with further changes."""
    return load_recipe("plain", (*SMALL, *changes))
