"""PoseNet: one encoder, discovered points and named joints from it; what ships and what is exported."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from matpose.nn.efd import EFD, Points
from matpose.nn.joint_head import JointHead, Joints


class PoseOut(NamedTuple):
    """Everything that is said about B maps: the outputs of an exported model, by name.

    Args:
        points_xy_norm: (B, K, 2) in [-1, 1] over the canvas.
        points_spread_m: (B, K) radius of the points' heatmaps, metres.
        joints_xy_norm: (B, J, 2).
        joints_confidence: (B, J) probability that the joint lies within the published tolerance.
        joints_contact: (B, J) probability that the body presses on the mat there.
        posture: (B, P) probabilities.
    """

    points_xy_norm: torch.Tensor
    points_spread_m: torch.Tensor
    joints_xy_norm: torch.Tensor
    joints_confidence: torch.Tensor
    joints_contact: torch.Tensor
    posture: torch.Tensor


class PoseNet(nn.Module):
    """Points of an :class:`EFD`, and joints on the same trunk.

    Args:
        efd: the keypoint model; its decoder takes no part in prediction.
        head: the joint head.
        cell_m: of the canvas.

    Contract as the EFD's: pressure in any unit; in eval mode a frame alone answers as in any batch.
    """

    trust_scale: torch.Tensor
    trust_bias: torch.Tensor

    def __init__(self, efd: EFD, head: JointHead, cell_m: float) -> None:
        super().__init__()
        self.efd = efd
        self.head = head
        self.cell_m = cell_m
        # what calibration on held-out people divides the logits of trust by, and takes from them
        self.register_buffer("trust_scale", torch.ones(()))
        self.register_buffer("trust_bias", torch.zeros(()))

    def see_joints(self, pressure: torch.Tensor) -> Joints:
        """Joints alone: (B, 1, H, W) pressure in any unit."""
        return self.head(*self.efd.encoder.trunk(self.efd.see(pressure)))

    def see(self, pressure: torch.Tensor) -> tuple[Points, Joints]:
        """Points and joints: (B, 1, H, W) pressure in any unit."""
        seen = self.efd.see(pressure)
        coarse, fine = self.efd.encoder.trunk(seen)
        return self.efd.points_of(self.efd.encoder.encode(seen, coarse, fine)), self.head(coarse, fine)

    def forward(self, pressure: torch.Tensor) -> PoseOut:
        """(B, 1, H, W) pressure on the canvas, any unit."""
        points, joints = self.see(pressure)
        return PoseOut(
            points.xy_norm,
            points.spread_cells * (self.cell_m * self.efd.encoder.stride),
            joints.xy_norm,
            (joints.trust / self.trust_scale - self.trust_bias).sigmoid(),
            joints.contact.sigmoid(),
            joints.posture.softmax(-1),
        )
