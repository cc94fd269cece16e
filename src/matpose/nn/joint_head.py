"""Joint head: named joints, how sure they are, what presses on the mat, and the posture, from an encoder's trunk.

Integral regression (Sun et al., ECCV 2018) around the heatmap's peak, with a residual and a scale of its own for each
joint, so that a joint that presses nowhere can lie where no heatmap has mass; its likelihood is Laplace's
(losses/laplace.py).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.nn.heatmap import around_peak, cell_centres

RESIDUAL = 0.1  # of half the canvas's height: the most that the second look moves a joint
AROUND = 0.15  # of half the canvas's height: how far around its peak a heatmap is read


class Joints(NamedTuple):
    """What the head says about J joints of B people.

    Args:
        logits: (B, J, h, w) of the heatmaps.
        xy_norm: (B, J, 2) in [-1, 1] over the canvas.
        log_scale: (B, J), logarithm of the expected error, in half-heights of the canvas.
        trust: (B, J) logits: does the joint lie within the published tolerance?
        contact: (B, J) logits: does the body press on the mat there?
        posture: (B, P) logits.
    """

    logits: torch.Tensor
    xy_norm: torch.Tensor
    log_scale: torch.Tensor
    trust: torch.Tensor
    contact: torch.Tensor
    posture: torch.Tensor


class JointHead(nn.Module):
    """Heatmaps of all joints on the trunk's maps, then one more look at each joint with all of them known.

    Args:
        coarse, fine: channels of the trunk's two maps; ``fine`` has the heatmaps' size.
        aspect: width / height of the canvas.
        joints: J.
        postures: P.
        width: channels inside.

    Example:
        >>> head = JointHead(80, 24, 0.5)
        >>> found = head(torch.rand(2, 80, 16, 8), torch.rand(2, 24, 32, 16))
        >>> found.xy_norm.shape, found.posture.shape
        (torch.Size([2, 14, 2]), torch.Size([2, 4]))
    """

    which: torch.Tensor

    def __init__(
        self, coarse: int, fine: int, aspect: float, *, joints: int = 14, postures: int = 4, width: int = 64
    ) -> None:
        super().__init__()
        self.aspect = aspect
        self.joints = joints
        self.coarse = nn.Conv2d(coarse, width, 1, bias=False)
        self.coarse_norm = nn.BatchNorm2d(width)
        self.fine = nn.Conv2d(fine, width, 1, bias=False)
        self.fine_norm = nn.BatchNorm2d(width)
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)
        self.depthwise_norm = nn.BatchNorm2d(width)
        self.mix = nn.Conv2d(width, width, 1, bias=False)
        self.mix_norm = nn.BatchNorm2d(width)
        self.heat = nn.Conv2d(width, joints, 1)
        self.squeeze = nn.Conv2d(width, 16, 1, bias=False)
        self.squeeze_norm = nn.BatchNorm2d(16)
        whole = 16 * 4 * 2 + 2 * joints
        self.whole = nn.Linear(whole, 96)
        self.each = nn.Linear(width + 4 + 96 + joints, 64)
        self.read = nn.Linear(64, 5)  # two of place, scale, trust, contact
        self.posture = nn.Linear(96, postures)
        self.register_buffer("which", torch.eye(joints), persistent=False)
        nn.init.zeros_(self.read.weight)
        with torch.no_grad():
            self.read.bias.copy_(torch.tensor([0.0, 0.0, -2.5, 0.0, 0.0]))

    def forward(self, coarse: torch.Tensor, fine: torch.Tensor) -> Joints:
        """The trunk's maps (B, C, h/2, w/2) and (B, C', h, w) to :class:`Joints`."""
        wide = F.interpolate(self.coarse_norm(self.coarse(coarse)), size=fine.shape[2:], mode="bilinear")
        seen = F.hardswish(wide + self.fine_norm(self.fine(fine)))
        seen = seen + self.mix_norm(self.mix(F.hardswish(self.depthwise_norm(self.depthwise(seen)))))
        seen = F.hardswish(seen)  # (B, C, h, w)
        logits = self.heat(seen)
        maps = logits.flatten(2).softmax(-1)  # (B, J, hw)
        peak = maps.amax(-1, keepdim=True)
        cells = cell_centres(fine.shape[2], fine.shape[3], logits)
        maps = around_peak(maps, cells * cells.new_tensor((self.aspect, 1.0)), AROUND)
        mass = maps.sum(-1, keepdim=True)
        maps = maps / mass
        xy_norm = maps @ cells  # (B, J, 2)
        at_joints = maps @ seen.flatten(2).mT  # (B, J, C)
        whole = F.relu(self.squeeze_norm(self.squeeze(seen)))
        whole = F.avg_pool2d(whole, (fine.shape[2] // 4, fine.shape[3] // 2)).flatten(1)
        whole = F.relu(self.whole(torch.cat((whole, xy_norm.flatten(1)), 1)))  # (B, 96)
        count = whole.shape[0]  # `len` would freeze the batch in an export
        looked = torch.cat(
            (
                at_joints,
                xy_norm,
                peak.log(),
                mass.log(),
                whole[:, None].expand(count, self.joints, whole.shape[1]),
                self.which.expand(count, self.joints, self.joints),
            ),
            -1,
        )
        read = self.read(F.hardswish(self.each(looked)))  # (B, J, 5)
        moved = RESIDUAL * read[..., :2].tanh() / read.new_tensor((self.aspect, 1.0))
        return Joints(logits, xy_norm + moved, read[..., 2], read[..., 3], read[..., 4], self.posture(whole))
