"""The posture classifier: a small graph net whose nodes are the body's points.

Source: the classifier of Yu et al., "A Self-supervised Pressure Map Human Keypoint Detection Approach",
arXiv 2402.14241.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn import DenseGATConv, DenseGCNConv, DenseSAGEConv

from matpose.errors import ModelError

Layer = Literal["gcn", "gat", "sage"]
Nodes = Literal["coordinates+features", "coordinates", "features"]
Edges = Literal["knn", "complete"]

GAT_HEADS = 4
IDENTITY_WIDTH = 16


def knn_adjacency(xy: Tensor, neighbours: int) -> Tensor:
    """Join every point with its nearest ones; an edge either of two points asks for goes both ways.

    Args:
        xy: (B, K, 2), in an isotropic unit.
        neighbours: how many nearest points each point asks for, at most K - 1.

    Returns:
        (B, K, K) symmetric, 0 or 1, no loops, in the dtype of ``xy``.

    Example:
        >>> knn_adjacency(torch.tensor([[[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]]]), 1)[0].int().tolist()
        [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """
    apart = (xy[:, :, None] - xy[:, None]).square().sum(-1)  # (B, K, K)
    oneself = torch.eye(xy.shape[1], dtype=xy.dtype, device=xy.device)
    apart = apart + 1e9 * oneself  # never one's own neighbour
    nearest = apart.topk(neighbours, dim=-1, largest=False).indices  # (B, K, neighbours)
    asked = torch.zeros_like(apart).scatter(-1, nearest, 1.0)
    return torch.maximum(asked, asked.transpose(1, 2))


class PostureGraphNet(nn.Module):
    """Posture from points and their features: graph layers, attention pooling, a linear head.

    Inputs are standardised inside, by the training statistics of :meth:`standardise_by`. All tensors are
    dense, so that the net exports to ONNX; in eval mode a frame's answer does not depend on its batch.

    Args:
        layer: "gcn" (Kipf and Welling, arXiv 1609.02907), "gat" (Velickovic et al., arXiv 1710.10903),
            "sage" (Hamilton et al., arXiv 1706.02216).
        points: K, nodes of the graph.
        features: f, length of a point's feature vector.
        classes: postures told apart.
        nodes: what a node carries.
        edges: "knn" joins near points, "complete" all of them.
        neighbours: nearest points each point asks for in the "knn" graph.
        identity: give each node a learned vector of its own and its own standardisation; the net then
            knows which point a node is, and the order of the points matters.
        widths: channels of the graph layers.
        dropout: share of pooled channels dropped in training.

    Raises:
        ModelError: a graph with too few points.

    Example:
        >>> net = PostureGraphNet("sage", points=32, features=8, classes=3).eval()
        >>> net(torch.rand(5, 32, 2), torch.rand(5, 32, 8)).shape
        torch.Size([5, 3])
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        layer: Layer,
        points: int,
        features: int,
        classes: int,
        *,
        nodes: Nodes = "coordinates+features",
        edges: Edges = "knn",
        neighbours: int = 6,
        identity: bool = True,
        widths: tuple[int, ...] = (128, 256, 64, 32),
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if edges == "knn" and points <= neighbours:
            raise ModelError(
                f"{points} points cannot have {neighbours} neighbours each",
                mend="use more points or fewer neighbours",
            )
        self.nodes: Nodes = nodes
        self.edges: Edges = edges
        self.neighbours = neighbours
        carried = {"coordinates+features": 2 + features, "coordinates": 2, "features": features}[nodes]
        self.identity = nn.Parameter(torch.randn(points, IDENTITY_WIDTH)) if identity else None
        self.register_buffer("mean", torch.zeros(points, carried))
        self.register_buffer("spread", torch.ones(points, carried))
        widths_in = (carried + (IDENTITY_WIDTH if identity else 0), *widths[:-1])
        self.convs = nn.ModuleList(_conv(layer, a, b) for a, b in zip(widths_in, widths, strict=True))
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths)
        self.gate = nn.Linear(widths[-1], 1)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[-1], classes))

    @torch.no_grad()
    def standardise_by(self, xy: Tensor, features: Tensor) -> None:
        """Take the inputs' mean and spread from training frames: (N, K, 2) and (N, K, f)."""
        carried = self._carried(xy, features)
        over = 0 if self.identity is not None else (0, 1)  # nodes without identity must share their scale
        self.mean.copy_(carried.mean(over))
        self.spread.copy_(carried.std(over).clamp(min=1e-3))

    def forward(self, xy: Tensor, features: Tensor) -> Tensor:
        """Logits of the postures.

        Args:
            xy: (B, K, 2), x right and y towards the feet, in one unit (half canvas heights) and centred.
            features: (B, K, f).

        Returns:
            (B, classes).
        """
        # batch sizes by `shape`, not `len`: export would freeze those
        x = (self._carried(xy, features) - self.mean) / self.spread  # (B, K, carried)
        if self.identity is not None:
            x = torch.cat([x, self.identity.expand(x.shape[0], -1, -1)], -1)
        if self.edges == "knn":
            adjacency = knn_adjacency(xy, self.neighbours)
        else:
            adjacency = (1 - torch.eye(xy.shape[1], dtype=x.dtype, device=x.device)).expand(x.shape[0], -1, -1)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = conv(x, adjacency)  # (B, K, width)
            x = norm(x.flatten(0, 1)).view_as(x).relu()
        weight = self.gate(x).softmax(1)  # (B, K, 1)
        return self.head((weight * x).sum(1))

    def _carried(self, xy: Tensor, features: Tensor) -> Tensor:
        if self.nodes == "coordinates":
            return xy
        return features if self.nodes == "features" else torch.cat([xy, features], -1)


def _conv(layer: Layer, channels_in: int, channels_out: int) -> nn.Module:
    if layer == "gcn":
        return DenseGCNConv(channels_in, channels_out)
    if layer == "gat":
        return DenseGATConv(channels_in, channels_out // GAT_HEADS, heads=GAT_HEADS)
    return DenseSAGEConv(channels_in, channels_out)
