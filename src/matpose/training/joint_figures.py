"""How good joints, confidence and posture are on simulated maps, whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from matpose.canvas import Canvas
from matpose.evaluation.bootstrap import centile_bootstrap, subject_bootstrap
from matpose.evaluation.joint_score import TOLERANCE, auroc, joint_score, trust_score
from matpose.nn.pose_net import PoseNet
from matpose.training.joint_maps import POSTURES, JointMaps


@torch.no_grad()
def joint_figures(net: PoseNet, maps: JointMaps, canvas: Canvas) -> dict[str, Any]:
    """Errors of a model on simulated maps.

    Args:
        net: in eval mode.
        maps: of people whom it did not learn from.
        canvas: the grid of the maps.

    Returns:
        ``maps``, their number; ``joints`` as of :func:`~matpose.evaluation.joint_score.joint_score`, and ``ci95`` of
        its ``median_cm`` and ``pckh20`` over bodies; ``trust`` as of
        :func:`~matpose.evaluation.joint_score.trust_score`; ``contact_auroc``, and ``contact_auroc_local_pressure``
        of its rival, the largest pressure within a cell of the predicted joint over the map's force-weighted mean;
        ``posture_accuracy``; ``by_posture_mean_cm``.
    """
    found = [net(maps.pressure[index].float()) for index in torch.arange(len(maps)).split(256)]
    xy_norm = torch.cat([one.joints_xy_norm for one in found])
    size_m = np.array([canvas.width_m, canvas.height_m]) / 2
    true_m, contact = maps.xy_norm.numpy() * size_m, maps.contact.numpy()
    head_m = maps.head_norm.numpy() * canvas.height_m / 2
    predicted_m = xy_norm.numpy() * size_m
    error_m = np.linalg.norm(predicted_m - true_m, axis=-1)
    confidence = torch.cat([one.joints_confidence for one in found]).numpy()
    pressed = torch.cat([one.joints_contact for one in found]).numpy()
    answer = torch.cat([one.posture for one in found]).argmax(1)
    of_posture = {name: (maps.posture == number).numpy() for number, name in enumerate(POSTURES)}
    whose = np.repeat(maps.body.numpy(), error_m.shape[1])
    near = (error_m < TOLERANCE * head_m[:, None]).astype(float)
    return {
        "maps": len(maps),
        "joints": score_of(xy_norm, maps, canvas),
        "ci95": {
            "median_cm": centile_bootstrap(error_m.ravel() * 100, whose),
            "pckh20": subject_bootstrap(near.ravel(), whose, draws=1000),
        },
        "trust": trust_score(confidence, error_m, TOLERANCE * head_m[:, None]),
        "contact_auroc": auroc(pressed, contact),
        "contact_auroc_local_pressure": auroc(local_pressure(maps.pressure.float(), xy_norm).numpy(), contact),
        "posture_accuracy": float((answer == maps.posture).float().mean()),
        "by_posture_mean_cm": {
            name: float(error_m[chosen].mean() * 100) for name, chosen in of_posture.items() if chosen.any()
        },
    }


def score_of(xy_norm: torch.Tensor, maps: JointMaps, canvas: Canvas) -> dict[str, float | None]:
    """:func:`~matpose.evaluation.joint_score.joint_score` of places (N, 14, 2) in [-1, 1] over the canvas."""
    size_m = np.array([canvas.width_m, canvas.height_m]) / 2
    head_m = maps.head_norm.numpy() * canvas.height_m / 2
    return joint_score(xy_norm.numpy() * size_m, maps.xy_norm.numpy() * size_m, maps.contact.numpy(), head_m)


def local_pressure(pressure: torch.Tensor, xy_norm: torch.Tensor) -> torch.Tensor:
    """Largest pressure within a cell of each place, over the map's force-weighted mean: what tells contact plainly.

    Args:
        pressure: (N, 1, H, W), any unit.
        xy_norm: (N, J, 2) in [-1, 1] over the canvas; places beyond it read its nearest cell.

    Returns:
        (N, J).

    Example:
        >>> one = torch.zeros(1, 1, 4, 4)
        >>> one[0, 0, 0, 0] = 2.0
        >>> local_pressure(one, torch.tensor([[[-0.75, -0.25], [0.75, 0.75]]])).tolist()
        [[1.0, 0.0]]
    """
    rows, cols = pressure.shape[2:]
    largest = F.max_pool2d(pressure, 3, 1, padding=1)[:, 0]
    typical = pressure.square().sum((1, 2, 3)) / pressure.sum((1, 2, 3)).clamp_min(1e-12)
    size = xy_norm.new_tensor((cols, rows))
    col, row = (((xy_norm + 1) / 2 * size).long().clamp_min(0)).minimum((size - 1).long()).unbind(-1)
    return largest[torch.arange(len(largest))[:, None], row, col] / typical.clamp_min(1e-12)[:, None]
