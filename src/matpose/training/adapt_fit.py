"""Learning one mat: statistics of its maps, then a few hundred steps on simulated people and on the user's own maps."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import nn
from torch.nn import functional as F

from matpose.nn.pose_net import PoseNet
from matpose.training.adapt_figures import on_simulated
from matpose.training.data import Maps, batches
from matpose.training.joint_fit import calibrate
from matpose.training.joint_maps import JointMaps
from matpose.training.joint_step import WEIGHTS, labelled_losses
from matpose.training.recipe import Recipe
from matpose.training.unlabelled_step import AGREEMENT, OBJECTIVE, REAL_POSTURE, unlabelled_losses

EPOCHS, STEPS = 6, 50  # steps an epoch
LABELLED, OWN = 48, 24  # maps a step
LEARNING_RATE = 3e-4  # a tenth of the training's
STATISTICS = 16  # batches from which BatchNorm's statistics are taken anew
SURE = 0.8  # a view that is surer than this of a posture teaches it to the other view


@torch.no_grad()
def restate_norms(net: PoseNet, own: torch.Tensor, simulated: torch.Tensor, *, seed: int) -> None:
    """Take BatchNorm's statistics anew, half from the user's maps and half from simulated ones of the mat.

    Source: AdaBN (Li et al., ICLR workshop 2017); the simulated half keeps postures in that the user's maps lack.

    Args:
        net: comes back in eval mode.
        own, simulated: (N, 1, H, W) pressure, each in its own unit.
        seed: of the maps' order.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    net.train()
    orders = (batches(len(maps), 32, STATISTICS, seed=seed, epoch=0) for maps in (own, simulated))
    for some, others in zip(*orders, strict=True):
        pressure = torch.cat((own[some], simulated[others].float()))
        net.see(pressure)
        net.efd(pressure)  # the decoder's
    net.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def fit_mat(
    net: PoseNet,
    recipe: Recipe,
    labelled: JointMaps,
    own: Maps,
    chosen_on: JointMaps,
    *,
    seed: int,
    progress: Callable[[int], object] = lambda done: None,
) -> None:
    """Adapt a model to a mat, in place; the best epoch stays, none of them included, and confidence is calibrated.

    BatchNorm's statistics are taken anew and then stay: batches are of one kind of maps each, prediction is of all.

    Args:
        net: the model.
        recipe: of its EFD.
        labelled: simulated maps of the mat.
        own: the user's maps, without labels.
        chosen_on: simulated maps of the mat, of other bodies, on which the epoch is chosen.
        seed: of all chance.
        progress: told the number of steps that are made, of ``EPOCHS * STEPS``.
    """
    canvas = recipe.canvas
    restate_norms(net, own.pressure, labelled.pressure, seed=seed)
    best, kept = on_simulated(net, chosen_on, canvas)["joints_mean_cm"], deepcopy(net.state_dict())
    optimiser = torch.optim.AdamW(
        [weights for weights in net.parameters() if weights.requires_grad], lr=LEARNING_RATE, weight_decay=1e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=EPOCHS * STEPS, pct_start=0.1, div_factor=10, final_div_factor=10
    )
    others = own.other_frames()
    for epoch in range(EPOCHS):
        orders = (
            batches(len(maps), size, STEPS, seed=2 * seed + which, epoch=epoch)
            for which, (maps, size) in enumerate(((labelled, LABELLED), (own, OWN)))
        )
        for step, (some, mine) in enumerate(zip(*orders, strict=True)):
            generator = torch.Generator().manual_seed((seed << 40) + (epoch << 20) + step)
            index = torch.from_numpy(mine)
            frames = own.pressure[index], own.pressure[others[index]]
            loss = _loss(net, recipe, labelled.select(torch.from_numpy(some)), *frames, generator)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            progress(epoch * STEPS + step + 1)
        error_cm = on_simulated(net, chosen_on, canvas)["joints_mean_cm"]
        if error_cm < best:
            best, kept = error_cm, deepcopy(net.state_dict())
    net.load_state_dict(kept)
    calibrate(net, chosen_on, recipe)


def _loss(
    net: PoseNet,
    recipe: Recipe,
    labelled: JointMaps,
    pressure: torch.Tensor,
    other_frame: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """Of some simulated maps, whose joints are known, and of some of the user's, whose views must agree."""
    aspect = recipe.canvas.width_m / recipe.canvas.height_m
    parts = labelled_losses(net, labelled, generator, aspect=aspect)
    loss = sum((WEIGHTS[name] * value for name, value in parts.items()), torch.zeros(()))
    own, first, second = unlabelled_losses(net, recipe, pressure, other_frame, generator)
    loss = loss + AGREEMENT * own["agreement"] + OBJECTIVE * own["objective"]
    return loss + REAL_POSTURE * posture_agreement(first.posture, second.posture)


def posture_agreement(logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of one view's posture (B, P) with the other's, where the other is sure; no gradient there.

    Source: FixMatch (Sohn et al., NeurIPS 2020).

    Example:
        >>> sure, unsure = torch.tensor([[9.0, 0.0]]), torch.tensor([[0.1, 0.0]])
        >>> posture_agreement(sure, unsure).item(), posture_agreement(-sure, sure).item() > 8
        (0.0, True)
    """
    chance, answer = other.detach().softmax(-1).max(-1)
    return (F.cross_entropy(logits, answer, reduction="none") * (chance > SURE)).mean()
