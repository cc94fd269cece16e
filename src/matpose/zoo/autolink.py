"""AutoLink: points joined by one learned graph, drawn as lines, rebuild a map of which most is hidden.

Source: He, Wandt and Rhodin, "AutoLink: Self-supervised Learning of Human Skeletons and Object Outlines by Linking
Keypoints", NeurIPS 2022, arXiv 2205.10636; written anew from the paper. What differs: the encoder is ours, so that
the two methods differ in what they are taught and in nothing else; the loss is ours instead of a perceptual one, whose
network has seen photographs only; and some maps are hidden wholly, so that what lines alone tell can be measured.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from matpose.errors import ModelError
from matpose.nn.efd import EFD
from matpose.nn.encoder import NATIVE_BLOCKS, Encoded, Encoder
from matpose.nn.fuser import Fused
from matpose.nn.heatmap import soft_argmax
from matpose.nn.scaling import scale_free
from matpose.zoo.edge_graph import EdgeGraph

HIDDEN = 0.8
"""Share of the blocks that are hidden."""

BLIND = 0.125
"""Share of the maps of which all is hidden."""

BLOCKS = 16
"""Square blocks along the canvas, as many as the paper has along its images. On the native canvas a block is 4 x 4
cells, 13 cm: it shows how hard a limb presses there, and not which way the limb goes."""


class Coordinates(nn.Module):
    """In the fuser's place: the points' positions, and no features (f = 0)."""

    def forward(self, encoded: Encoded) -> Fused:
        """:class:`Encoded` to :class:`Fused`, whose positions and vector are the coordinates (B, K, 2)."""
        xy_norm, positions, features = self.pool(encoded)
        return Fused(xy_norm, positions, features, positions)

    def pool(self, encoded: Encoded) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Coordinates (B, K, 2) twice, and features (B, K, 0)."""
        xy_norm = soft_argmax(encoded.heatmaps)
        return xy_norm, xy_norm, xy_norm[..., :0]


class LineDecoder(nn.Module):
    """A small U-Net (Ronneberger et al., MICCAI 2015) from lines and what is not hidden to the map.

    Args:
        points: K.
        canvas: (H, W), each divisible by 8.
        widths: channels at the full canvas, a half, a quarter, an eighth.
    """

    def __init__(
        self, points: int, canvas: tuple[int, int], widths: tuple[int, int, int, int] = (12, 24, 48, 48)
    ) -> None:
        super().__init__()
        self.canvas = canvas
        self.edges = EdgeGraph(points)
        self.down = nn.ModuleList(_block(a, b) for a, b in zip((3, *widths), widths, strict=False))
        self.up = nn.ModuleList(_block(a + b, a) for a, b in pairwise(widths))
        self.head = nn.Conv2d(widths[0], 1, 3, padding=1)

    def forward(
        self, xy_norm: torch.Tensor, seen: torch.Tensor | None = None, visible: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Rebuild maps.

        Args:
            xy_norm: (B, K, 2).
            seen: (B, 1, H, W) scaled map.
            visible: (B, 1, H, W), 1 where ``seen`` may be seen, else 0; without both all is hidden.

        Returns:
            (B, 1, H, W).
        """
        rows, cols = self.canvas
        # half the cells do for lines so wide; on all of them drawing would cost more than the rest of the model
        lines = F.interpolate(self.edges.draw(xy_norm, rows // 2, cols // 2), scale_factor=2.0, mode="bilinear")
        if seen is None or visible is None:
            seen = visible = torch.zeros_like(lines)
        x = torch.cat((lines, seen * visible, visible), 1)
        passed = []
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            passed.append(x)
        for block, fine in zip(reversed(self.up), reversed(passed[:-1]), strict=True):
            x = block(torch.cat((fine, F.interpolate(x, scale_factor=2.0)), 1))
        return self.head(x)


class AutoLink(EFD):
    """Keeps :class:`matpose.nn.efd.EFD`'s contract; ``points`` answers features of length 0.

    Called, it rebuilds a map from its lines alone. The reconstruction that it learns by is :meth:`inpaint`.

    Args:
        points: K.
        canvas: (H, W), divisible by 16 and by 8, and W by a block, a sixteenth of H.
        sharpness, smooth: as of the encoder and the EFD.

    Raises:
        ModelError: a canvas that does not part into such blocks.

    Example:
        >>> model = AutoLink(8).eval()
        >>> model(torch.rand(2, 1, 64, 32)).shape, model.points(torch.rand(2, 1, 64, 32)).features.shape
        (torch.Size([2, 1, 64, 32]), torch.Size([2, 8, 0]))
    """

    decoder: LineDecoder  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self, points: int, canvas: tuple[int, int] = (64, 32), *, sharpness: float = 6.0, smooth: bool = True
    ) -> None:
        height, width = canvas
        if height % BLOCKS or width % (height // BLOCKS) or width % 8:
            raise ModelError(
                f"a canvas of {height} x {width} cells does not part into {BLOCKS} rows of square blocks",
                mend="use 64 x 32, or another whose rows are a multiple of 16 and columns of 8 and of rows / 16",
            )
        # one feature is the fewest an encoder has; it goes nowhere
        encoder = Encoder(points, 1, NATIVE_BLOCKS, stem_stride=2, stride=2, sharpness=sharpness)
        super().__init__(encoder, Coordinates(), LineDecoder(points, canvas), smooth=smooth)  # pyright: ignore[reportArgumentType]

    def rebuild(self, k_c: torch.Tensor, k_f: torch.Tensor) -> torch.Tensor:
        """Maps from coordinates (B, K, 2) alone; there are no features (B, K, 0)."""
        return self.decoder(k_c)

    def inpaint(self, pressure: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """Rebuild maps (B, 1, H, W), any unit, from their points and the cells where ``visible`` is 1.

        What is seen there is scaled by the whole map's mean, the one number that hidden cells have a part in.
        """
        return self.decoder(self.points(pressure).xy_norm, scale_free(pressure), visible)


def random_visible(count: int, canvas: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Masks (count, 1, H, W) of blocks, 1 where a map may be seen.

    Args:
        count: B.
        canvas: (H, W), as of :class:`AutoLink`.
        generator: the only source of chance.
    """
    side = canvas[0] // BLOCKS
    blocks = torch.rand(count, 1, BLOCKS, canvas[1] // side, generator=generator) >= HIDDEN
    sighted = torch.rand(count, 1, 1, 1, generator=generator) >= BLIND
    return (blocks & sighted).float().repeat_interleave(side, 2).repeat_interleave(side, 3)


def _block(channels: int, out: int) -> nn.Sequential:
    layers = [
        layer
        for width in (channels, out)
        for layer in (
            nn.Conv2d(width, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )
    ]
    return nn.Sequential(*layers)
