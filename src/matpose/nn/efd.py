"""EFD (paper, Fig. 1): Encoder, Fuser and Decoder as one model, from raw pressure to points and back."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from matpose.nn.decoder import Decoder
from matpose.nn.encoder import Encoded, Encoder
from matpose.nn.fuser import Fuser
from matpose.nn.heatmap import spread_cells
from matpose.nn.scaling import scale_free, smoothed


def batches_that_fit(maps: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Maps in batches of bounded memory: 64 maps of the native canvas, two of the paper's.

    Example:
        >>> [len(batch) for batch in batches_that_fit(torch.zeros(100, 1, 64, 32))]
        [64, 36]
    """
    return maps.split(max(1, 2**17 // maps.shape[2:].numel()))


class Points(NamedTuple):
    """What a person uses of the model.

    Args:
        xy_norm: (B, K, 2) in [-1, 1] over the canvas.
        features: (B, K, f).
        spread_cells: (B, K), radius of the heatmaps in heatmap cells.
        heatmaps: (B, K, h, w).
    """

    xy_norm: torch.Tensor
    features: torch.Tensor
    spread_cells: torch.Tensor
    heatmaps: torch.Tensor


class EFD(nn.Module):
    """Encoder - Fuser - Decoder.

    The contract of every keypoint model: ``points(pressure)`` takes (B, 1, H, W) pressure on the canvas in any
    unit and answers :class:`Points`; in eval mode a frame alone answers as in any batch.

    Args:
        encoder, fuser, decoder: the three parts.
        smooth: let the encoder see :func:`matpose.nn.scaling.smoothed` pressure.
    """

    def __init__(self, encoder: Encoder, fuser: Fuser, decoder: Decoder, *, smooth: bool = False) -> None:
        super().__init__()
        self.smooth = smooth
        self.encoder = encoder
        self.fuser = fuser
        self.decoder = decoder

    def see(self, pressure: torch.Tensor) -> torch.Tensor:
        """What the encoder is shown of (B, 1, H, W) pressure in any unit: the same shape, in 0..1."""
        return scale_free(smoothed(pressure) if self.smooth else pressure)

    def points(self, pressure: torch.Tensor) -> Points:
        """Points of pressure maps; the decoder takes no part."""
        return self.points_of(self.encoder(self.see(pressure)))

    def points_of(self, encoded: Encoded) -> Points:
        """Points of maps that are encoded already."""
        xy_norm, _, features = self.fuser.pool(encoded)
        return Points(xy_norm, features, spread_cells(encoded.heatmaps, xy_norm), encoded.heatmaps)

    def forward(self, pressure: torch.Tensor) -> torch.Tensor:
        """Rebuild maps from their points.

        Args:
            pressure: (B, 1, H, W), any unit.

        Returns:
            (B, 1, H, W) reconstruction of :func:`scale_free` pressure, or (B, 2, H, W) presence logits in CRWT
            stage 1.
        """
        _, k_c, k_f = self.fuser.pool(self.encoder(self.see(pressure)))
        return self.rebuild(k_c, k_f)

    def rebuild(self, k_c: torch.Tensor, k_f: torch.Tensor) -> torch.Tensor:
        """Maps from positions K_C (B, K, 3) and features K_F (B, K, f), of one map or of two."""
        return self.decoder(self.fuser.join(k_c, k_f), k_c)
