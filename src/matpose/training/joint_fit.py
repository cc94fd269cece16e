"""Named joints without annotators: from a trained EFD to a PoseNet, on simulated labels and unlabelled maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from matpose.evaluation.joint_score import TOLERANCE
from matpose.nn.efd import EFD
from matpose.nn.pose_net import PoseNet
from matpose.training.build import build_pose_net
from matpose.training.crwt import run_stage
from matpose.training.data import Maps
from matpose.training.history import read_history
from matpose.training.joint_maps import JointMaps
from matpose.training.joint_module import JointModule
from matpose.training.joint_step import moved
from matpose.training.recipe import Recipe
from matpose.training.world import World

STAGE = "joints"
SCALES = np.exp(np.linspace(-1, 2, 61))
BIASES = np.linspace(-3, 3, 61)


def fit_joints(
    efd: EFD,
    recipe: Recipe,
    labelled: JointMaps,
    unlabelled: Maps,
    val: JointMaps,
    folder: Path,
    *,
    epochs: int,
    batches_per_epoch: int = 100,
    learning_rate: float = 3e-3,
    seed: int = 0,
    resume: bool = False,
    progress: bool = True,
) -> PoseNet:
    """Train joints and points together, and calibrate confidence on the validation bodies.

    Args:
        efd: trained keypoints to start from; it is changed.
        recipe: of these.
        labelled: simulated maps with joints.
        unlabelled: maps without joints, from any mats.
        val: simulated maps of other bodies.
        folder: takes checkpoints and ``metrics.csv``.
        epochs, batches_per_epoch, learning_rate, seed: of the training.
        resume: go on from the checkpoints in ``folder``.
        progress: show progress bars.

    Returns:
        The model of the best epoch, in eval mode.

    Raises:
        ModelError: the training diverged.
    """
    torch.manual_seed(seed)
    net = build_pose_net(efd, recipe)
    module = JointModule(
        net, recipe, labelled, unlabelled, val,
        epochs=epochs, batches_per_epoch=batches_per_epoch, learning_rate=learning_rate, seed=seed,
    )  # fmt: skip
    rows = read_history(folder / "metrics.csv") if resume else []
    run_stage(
        module, STAGE, folder, rows,
        epochs=epochs, patience=epochs, resume=resume, progress=progress, device="cpu", world=World(),
    )  # fmt: skip
    net.eval()
    calibrate(net, val, recipe)
    return net


@torch.no_grad()
def calibrate(net: PoseNet, maps: JointMaps, recipe: Recipe) -> None:
    """Set scale and bias of confidence so that it is most likely on maps the training never saw (Platt, 1999).

    The maps are read by sensors of any response, like those trained on: simulated maps as they are would promise more
    than real mats keep.
    """
    aspect = recipe.canvas.width_m / recipe.canvas.height_m
    stretch = torch.tensor([aspect, 1.0])
    generator = torch.Generator().manual_seed(recipe.seed)
    logits, right = [], []
    for index in torch.arange(len(maps)).split(256):
        some = maps.select(index)
        seen, warp = moved(some.pressure.float(), generator, aspect=aspect)
        joints = net.see_joints(seen)
        distance = ((warp.source(joints.xy_norm) - some.xy_norm) * stretch).norm(dim=-1)
        logits.append(joints.trust)
        right.append(distance < TOLERANCE * some.head_norm[:, None])
    logit, event = torch.cat(logits).flatten().double(), torch.cat(right).flatten().double()
    best = min(
        ((scale, bias) for scale in SCALES for bias in BIASES),
        key=lambda pair: float(torch.nn.functional.binary_cross_entropy_with_logits(logit / pair[0] - pair[1], event)),
    )
    net.trust_scale.fill_(float(best[0]))
    net.trust_bias.fill_(float(best[1]))
