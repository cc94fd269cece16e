"""TransPose: heatmaps by a transformer over the cells of a map, whose attention says what a joint was read from.

Source: Yang, Quan, Nie and Yang, "TransPose: Keypoint Localization via Transformer", ICCV 2021, arXiv 2012.14214,
section 3: CNN, then N encoder layers, then a 1x1 convolution to heatmaps.
"""

from __future__ import annotations

from math import pi
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from matpose.errors import ModelError
from matpose.zoo.coding.drawn import heatmap_loss
from matpose.zoo.coding.parabola import decode_parabola
from matpose.zoo.finer import FINEST, Finer, map_layer
from matpose.zoo.system import JOINTS, Answer, Head, Seen, Truth


def sine_positions(width: int, rows: int, cols: int, like: torch.Tensor) -> torch.Tensor:
    """Sines and cosines of a cell's y, then of its x, at frequencies that fall from 1 to 1e-4 of a whole turn a map.

    Args:
        width: d, a multiple of 4.
        rows, cols: of the map.
        like: of the wanted type and device.

    Returns:
        (rows * cols, d).

    Example:
        >>> sine_positions(8, 4, 2, torch.zeros(1)).shape
        torch.Size([8, 8])
    """
    pace = 1e-4 ** (torch.arange(width // 4, dtype=like.dtype, device=like.device) / (width // 4))
    halves = []
    for size in (rows, cols):
        turn = torch.arange(1, size + 1, dtype=like.dtype, device=like.device)[:, None] * (2 * pi / size) * pace
        halves.append(torch.cat((turn.sin(), turn.cos()), 1))  # (size, d / 2)
    y = halves[0][:, None].expand(rows, cols, width // 2)
    return torch.cat((y, halves[1].expand(rows, cols, width // 2)), 2).flatten(0, 1)


class Attention(nn.Module):
    """Attention of several heads: softmax(q k^T / sqrt(d / heads)) v, whose rows can be shown.

    Args:
        width: d.
        heads: that share it.

    Raises:
        ModelError: a width that the heads cannot share.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(f"{heads} heads cannot share a width of {width}", mend="give a multiple of the heads")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def rows(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """What each of M queries looks at among N keys, (B, heads, M, N); each row sums to 1."""
        q, k = self._split(self.query(query)), self._split(self.key(key))
        return (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1)

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """(B, M, d) and twice (B, N, d) to (B, M, d)."""
        # as rows(query, key) @ values, whose rows need not all be held at once: there are M times N of them
        q, k, v = (self._split(part) for part in (self.query(query), self.key(key), self.value(value)))
        taken = F.scaled_dot_product_attention(q, k, v)  # (B, heads, M, d / heads)
        return self.out(taken.transpose(1, 2).flatten(2))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class EncoderLayer(nn.Module):
    """One layer over N tokens; normalised after each shortcut, places added to queries and keys alone.

    Args:
        width: d.
        heads: of the attention.
        hidden: channels of the two-layer net on each token.

    Example:
        >>> EncoderLayer(8, 2, 16)(torch.rand(3, 5, 8), torch.rand(5, 8)).shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.feed_norm = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Tokens (B, N, d) and their places (N, d) to tokens."""
        placed = tokens + places
        tokens = self.attention_norm(tokens + self.attention(placed, placed, tokens))
        return self.feed_norm(tokens + self.feed(tokens))


class Looked(NamedTuple):
    """What :class:`TransPoseHead` gives.

    Args:
        heatmaps: (B, J, h, w).
        tokens: what went into each layer, each (B, h * w, d).
    """

    heatmaps: torch.Tensor
    tokens: tuple[torch.Tensor, ...]


class TransPoseHead(Head):
    """Heatmaps of a transformer encoder over all feature cells; part "heatmap" is half their mean squared error.

    The defaults are the paper's TransPose-R-A4. Its cost grows with the square of the feature cells.

    Args:
        channels, stride: of the features; those coarser than a stride of four are refined first.
        width: d, a multiple of 4 and of the heads.
        layers: N.
        heads: of the attention.
        hidden: channels of the two-layer net on each token.
        positions: whether cells know where they are.
        sigma_cells: of the Gaussians learned from, in heatmap cells.

    Raises:
        ModelError: a width that does not divide so.

    Example:
        >>> head = TransPoseHead(8, width=16, layers=2, heads=2, hidden=32)
        >>> output = head(Seen(torch.rand(3, 8, 16, 8), ()))
        >>> output.heatmaps.shape, head.attention(output).shape
        (torch.Size([3, 14, 16, 8]), torch.Size([2, 3, 14, 16, 8]))
    """

    def __init__(
        self,
        channels: int,
        stride: int = FINEST,
        *,
        width: int = 256,
        layers: int = 4,
        heads: int = 8,
        hidden: int = 1024,
        positions: bool = True,
        sigma_cells: float = 1.0,
    ) -> None:
        super().__init__()
        if width % 4:
            raise ModelError(f"no sines and cosines of x and y fill a width of {width}", mend="give a multiple of 4")
        self.weights = {"heatmap": 1.0}
        self.positions = positions
        self.sigma_cells = sigma_cells
        self.finer = Finer(channels, stride)
        self.reduce = nn.Conv2d(self.finer.channels, width, 1)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, hidden) for _ in range(layers))
        self.heat = map_layer(width, JOINTS)

    def forward(self, seen: Seen) -> Looked:
        reduced = self.reduce(self.finer(seen.features))
        places = self._places(reduced)
        inside = [reduced.flatten(2).mT]  # (B, hw, d)
        for layer in self.layers:
            inside.append(layer(inside[-1], places))
        return Looked(self.heat(inside[-1].mT.reshape(reduced.shape)), tuple(inside[:-1]))

    def answer(self, output: Looked) -> Answer:
        return decode_parabola(output.heatmaps)

    def losses(self, output: Looked, truth: Truth) -> dict[str, torch.Tensor]:
        return {"heatmap": heatmap_loss(output.heatmaps, truth, self.sigma_cells)}

    @torch.no_grad()
    def attention(self, output: Looked) -> torch.Tensor:
        """What each joint's predicted cell looked at in each layer: the attention's row, mean over its heads.

        Returns:
            (layers, B, J, h, w); every map sums to 1.
        """
        maps = output.heatmaps
        cell = maps.flatten(2).argmax(-1)[..., None]  # (B, J, 1)
        places = self._places(maps)
        rows = []
        for layer, tokens in zip(self.layers, output.tokens, strict=True):
            placed = tokens + places
            attention: Attention = layer.attention  # pyright: ignore[reportAssignmentType]
            rows.append(attention.rows(placed.take_along_dim(cell, 1), placed).mean(1))
        return torch.stack(rows).unflatten(-1, tuple(maps.shape[2:]))

    def _places(self, maps: torch.Tensor) -> torch.Tensor:
        """(hw, d) for the cells of maps (B, ., h, w)."""
        width = self.reduce.out_channels
        if self.positions:
            return sine_positions(width, maps.shape[2], maps.shape[3], maps)
        return maps.new_zeros(maps.shape[2] * maps.shape[3], width)
