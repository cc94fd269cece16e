"""Dual source: of every patch, which joint it shows and where in it, from the patch itself and from the whole map.

Source: Fan, Zheng, Lin and Wang, "Combining Local Appearance and Holistic View: Dual-Source Deep Neural Networks for
Human Pose Estimation", CVPR 2015, arXiv 1504.07159. There a patch's place on the body is a mask beside the image; here
it is two coordinates beside the whole map's features, and the patches around all feature cells go through at once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.losses.weighted import weighted_mean
from matpose.nn.heatmap import cell_grid
from matpose.zoo.coding.gaussian import Peak, answer_at
from matpose.zoo.finer import FINEST, Finer
from matpose.zoo.heads.blazepose import GRID, conv_block, offsets_to
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


class Patches(NamedTuple):
    """What :class:`DualSourceHead` says of the patch around every cell.

    Args:
        detection: (B, J + 1, h, w) logits: which joint it shows, or none, the last.
        localisation: (B, 2, J, h, w), from its centre to each joint, x and y, in half-sides of a patch.
    """

    detection: torch.Tensor
    localisation: torch.Tensor


class DualSourceHead(Head):
    """Joints from the patches that show them the surest.

    Parts: "detection", cross-entropy with the joint nearest to a patch's centre, within the half-side, else none;
    "localisation", squared error of all joints in a patch. With one's weight 0 the other trains alone. Patches whose
    nearest joint must not be learned from do not count.

    Args:
        channels, stride: of the features; those coarser than a stride of four are refined first.
        patch: side of a patch, feature cells, odd.
        width: channels of each source.

    Example:
        >>> head = DualSourceHead(8, width=16)
        >>> output = head(Seen(torch.rand(2, 8, 16, 8), ()))
        >>> output.detection.shape, output.localisation.shape
        (torch.Size([2, 15, 16, 8]), torch.Size([2, 2, 14, 16, 8]))
    """

    def __init__(self, channels: int, stride: int = FINEST, *, patch: int = 3, width: int = 64) -> None:
        super().__init__()
        self.weights = {"detection": 1.0, "localisation": 1.0}
        self.half_cells = patch / 2
        self.finer = Finer(channels, stride)
        self.local = nn.Conv2d(self.finer.channels, width, patch, padding=patch // 2)
        self.whole = nn.Sequential(conv_block(self.finer.channels, width, 2), nn.AdaptiveAvgPool2d(GRID), nn.Flatten())
        self.holistic = nn.Linear(width * GRID[0] * GRID[1], width)
        self.join = nn.Sequential(nn.ReLU(), nn.Conv2d(2 * width + 2, 2 * width, 1), nn.ReLU(inplace=True))
        self.detection = nn.Conv2d(2 * width, JOINTS + 1, 1)
        self.localisation = nn.Conv2d(2 * width, 2 * JOINTS, 1)

    def forward(self, seen: Seen) -> Patches:
        features = self.finer(seen.features)
        local = self.local(features)
        batch, width, rows, cols = local.shape
        x, y = cell_grid(rows, cols, local)
        whole = self.holistic(self.whole(features))[..., None, None].expand(batch, width, rows, cols)
        where = torch.stack(torch.meshgrid(x, y, indexing="xy")).expand(batch, 2, rows, cols)
        joined = self.join(torch.cat((local, whole, where), 1))
        return Patches(self.detection(joined), self.localisation(joined).unflatten(1, (2, -1)))

    def answer(self, output: Patches) -> Answer:
        score, patch = output.detection.softmax(1)[:, :-1].flatten(2).max(-1)  # (B, J)
        size = (output.detection.shape[2], output.detection.shape[3])
        at = output.localisation.flatten(3).gather(3, patch[:, None, :, None].expand(-1, 2, -1, 1))[..., 0]  # (B, 2, J)
        return answer_at(Peak(patch % size[1], patch // size[1], score), self.half_cells * at.mT, size)

    def losses(self, output: Patches, truth: Truth) -> dict[str, torch.Tensor]:
        size = (output.detection.shape[2], output.detection.shape[3])
        away = offsets_to(truth.xy_norm, size) / self.half_cells  # (B, 2, J, h, w)
        far = away.abs().amax(1)  # patches are square
        nearest_far, nearest = away.square().sum(1).where(far <= 1, torch.inf).min(1)  # (B, h, w)
        shows = nearest_far.isfinite()
        wanted = nearest.where(shows, JOINTS)
        known = truth.weight.gather(1, nearest.flatten(1)).view_as(nearest).where(shows, 1.0)
        wrong = F.cross_entropy(output.detection, wanted, reduction="none")
        inside = (far <= 1) * truth.weight[..., None, None]
        return {
            "detection": weighted_mean(wrong, known),
            "localisation": weighted_mean((output.localisation - away).square().sum(1), inside),
        }
