"""How good joints, confidence and posture are on simulated maps, whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.evaluation.joint_score import TOLERANCE, joint_score, trust_score
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
        ``maps``, their number; ``joints`` as of :func:`~matpose.evaluation.joint_score.joint_score`; ``trust`` as of
        :func:`~matpose.evaluation.joint_score.trust_score`; ``posture_accuracy``; ``by_posture_mean_cm``.
    """
    found = [net(maps.pressure[index].float()) for index in torch.arange(len(maps)).split(256)]
    size_m = np.array([canvas.width_m, canvas.height_m]) / 2
    predicted_m = torch.cat([one.joints_xy_norm for one in found]).numpy() * size_m
    true_m, contact = maps.xy_norm.numpy() * size_m, maps.contact.numpy()
    head_m = maps.head_norm.numpy() * canvas.height_m / 2
    error_m = np.linalg.norm(predicted_m - true_m, axis=-1)
    confidence = torch.cat([one.joints_confidence for one in found]).numpy()
    answer = torch.cat([one.posture for one in found]).argmax(1)
    of_posture = {name: (maps.posture == number).numpy() for number, name in enumerate(POSTURES)}
    return {
        "maps": len(maps),
        "joints": joint_score(predicted_m, true_m, contact, head_m),
        "trust": trust_score(confidence, error_m, TOLERANCE * head_m[:, None]),
        "posture_accuracy": float((answer == maps.posture).float().mean()),
        "by_posture_mean_cm": {
            name: float(error_m[chosen].mean() * 100) for name, chosen in of_posture.items() if chosen.any()
        },
    }
