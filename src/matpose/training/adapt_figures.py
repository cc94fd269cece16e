"""What an adaptation is judged by: simulated people on the mat, and how well answers on the user's own maps agree."""

from __future__ import annotations

import torch

from matpose.canvas import Canvas
from matpose.evaluation.label_free import equivariance_error
from matpose.nn.joint_head import Joints
from matpose.nn.pose_net import PoseNet
from matpose.training.joint_figures import joint_figures
from matpose.training.joint_maps import JointMaps

Figures = dict[str, float]

ALLOWED: dict[str, tuple[float, float]] = {
    "joints_mean_cm": (1.01, 0.0),
    "joints_contact_median_cm": (1.01, 0.0),
    "posture_wrong": (1.0, 0.0125),  # one of eighty people
    "confidence_off": (1.0, 0.01),
    "points_equivariance_pct": (1.02, 0.0),
}
"""How far a figure may rise and still count as no worse: so many times itself, and so much; all are better small."""


def worse(before: Figures, after: Figures) -> tuple[str, ...]:
    """Names of the figures that got worse by more than the noise of their measurement.

    Example:
        >>> before = dict.fromkeys(ALLOWED, 4.0)
        >>> worse(before, before), worse(before, {**before, "joints_mean_cm": 4.1})
        ((), ('joints_mean_cm',))
    """
    return tuple(name for name, (times, more) in ALLOWED.items() if not after[name] <= times * before[name] + more)


def on_simulated(net: PoseNet, maps: JointMaps, canvas: Canvas) -> Figures:
    """The figures of :func:`~matpose.training.joint_figures.joint_figures` that judge, all better small.

    Returns:
        ``joints_mean_cm``, ``joints_contact_median_cm``; ``posture_wrong``, a share; ``confidence_off``, the
        expected calibration error of confidence, a probability.
    """
    figures = joint_figures(net, maps, canvas)
    joints, trust = figures["joints"], figures["trust"]
    return {
        "joints_mean_cm": float(joints["mean_cm"] or 0.0),
        "joints_contact_median_cm": float(joints["contact_median_cm"] or 0.0),
        "posture_wrong": 1 - figures["posture_accuracy"],
        "confidence_off": float(trust["ece"] or 0.0),
    }


class _JointsAsPoints(torch.nn.Module):
    """A model whose points are its joints, for measures of points."""

    def __init__(self, net: PoseNet) -> None:
        super().__init__()
        self.net = net

    def points(self, pressure: torch.Tensor) -> Joints:
        return self.net.see_joints(pressure)


@torch.no_grad()
def on_own(net: PoseNet, pressure: torch.Tensor, canvas: Canvas) -> Figures:
    """How well what is said of maps without labels moves with them, over the published warps.

    Args:
        net: in eval mode.
        pressure: (N, 1, H, W), any unit.
        canvas: the grid of the maps.

    Returns:
        ``points_equivariance_pct``: median over maps and warps of the discovered points' error, in % of the
        canvas's height; ``joints_agreement_cm``: the same of the joints, in cm.
    """
    aspect = canvas.width_m / canvas.height_m
    points, joints = (
        equivariance_error(model, pressure, model.points(pressure).xy_norm, aspect).median().item()  # pyright: ignore[reportArgumentType]
        for model in (net.efd, _JointsAsPoints(net))
    )
    return {"points_equivariance_pct": 50 * points, "joints_agreement_cm": 50 * canvas.height_m * joints}
