"""The training of AutoLink: hide most of a varied map, rebuild it, compare."""

from __future__ import annotations

from collections.abc import Callable

import torch

from matpose.errors import ModelError
from matpose.losses.reconstruction import reconstruction_loss
from matpose.nn.scaling import scale_free
from matpose.zoo.autolink import AutoLink, random_visible

EDGE_RATE = 30.0
"""Learning rate of the edge weights over that of the rest: few cells speak for an edge, and it has far to go."""

Vary = Callable[[torch.Tensor, torch.Generator], tuple[torch.Tensor, torch.Tensor]]


def unvaried(pressure: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps as they are: no augmentation."""
    return pressure, pressure


def fit_autolink(
    model: AutoLink,
    pressure: torch.Tensor,
    *,
    steps: int,
    generator: torch.Generator,
    batch: int = 32,
    vary: Vary = unvaried,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-4,
    l2_weight: float = 10.0,
    ssim_weight: float = 1.0,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> AutoLink:
    """Train a model on unlabelled maps.

    Args:
        model: with fresh weights; it is changed.
        pressure: (N, 1, H, W), any unit, on the model's canvas.
        steps: batches to learn from, each drawn anew; the learning rate falls by a cosine over them.
        generator: the only source of chance.
        batch: maps in each, at least 2.
        vary: makes of maps what the model sees and what it must rebuild, both of the same shape.
        learning_rate, weight_decay: of AdamW.
        l2_weight, ssim_weight: of :func:`matpose.losses.reconstruction.reconstruction_loss`.
        progress: takes the number of steps done and the last loss.

    Returns:
        The model in eval mode.

    Raises:
        ModelError: maps of another canvas, or the training diverged.
    """
    if tuple(pressure.shape[2:]) != model.decoder.canvas:
        raise ModelError(
            f"maps of {' x '.join(map(str, pressure.shape[2:]))} cells, and a model for "
            f"{' x '.join(map(str, model.decoder.canvas))}",
            mend="resample the maps to the model's canvas",
        )
    edges = model.decoder.edges
    others = [parameter for parameter in model.parameters() if parameter is not edges.logits]
    groups = [
        {"params": others, "lr": learning_rate, "weight_decay": weight_decay},
        {"params": [edges.logits], "lr": EDGE_RATE * learning_rate, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, learning_rate / 50)
    model.train()
    for step in range(1, steps + 1):
        index = torch.randint(len(pressure), (batch,), generator=generator)
        seen, target = vary(pressure[index], generator)
        visible = random_visible(batch, model.decoder.canvas, generator)
        loss = reconstruction_loss(
            model.inpaint(seen, visible), scale_free(target), l2_weight=l2_weight, ssim_weight=ssim_weight
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        value = loss.item()
        if value != value:
            raise ModelError("the training diverged", mend="lower the learning rate")
        progress(step, value)
    return model.eval()
