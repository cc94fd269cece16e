"""Fourteen blobs on a map: people so simple that a head shows within seconds whether it learns."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from matpose.zoo.coding.gaussian import gaussian_maps
from matpose.zoo.system import Backbone, Head, Seen, System, Truth

SIZE = (64, 32)
# ankles, knees, hips; wrists, elbows, shoulders; thorax and head, as on somebody supine
PLACES = torch.tensor([
    (-0.3, 0.85), (-0.3, 0.5), (-0.25, 0.1), (0.25, 0.1), (0.3, 0.5), (0.3, 0.85), (-0.7, 0.1),
    (-0.6, -0.2), (-0.4, -0.5), (0.4, -0.5), (0.6, -0.2), (0.7, 0.1), (0.0, -0.6), (0.0, -0.85),
])  # fmt: skip


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Wherever this is imported, every test draws the same weights."""
    torch.manual_seed(0)


class Stem(Backbone):
    """Two convolutions: enough for blobs."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.channels, self.stride = channels, 4
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 5, 2, 2),
            nn.ReLU(),
            nn.Conv2d(8, channels, 5, 2, 2),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 7, padding=3, groups=4),
            nn.ReLU(),
        )

    def forward(self, x: torch.Tensor) -> Seen:
        return Seen(self.layers(x), ())


def blob_people(count: int = 4, seed: int = 0) -> tuple[torch.Tensor, Truth]:
    """Maps (B, 1, 64, 32) of people who lie a little elsewhere each; of each one joint in seven does not press."""
    generator = torch.Generator().manual_seed(seed)
    aside = 0.15 * (2 * torch.rand(count, 1, 2, generator=generator) - 1)
    xy_norm = PLACES + aside + 0.05 * torch.randn(count, 14, 2, generator=generator)
    contact = torch.rand(count, 14, generator=generator) > 1 / 7
    x = (gaussian_maps(xy_norm, SIZE, 1.5) * contact[..., None, None]).amax(1, keepdim=True)
    return x, Truth(xy_norm, contact, torch.ones(count, 14))


def system_of(head: Head) -> System:
    """The head, on a stem."""
    return System(Stem(), head)


def error(system: System, x: torch.Tensor, truth: Truth) -> float:
    """Mean distance from the truth, cells of the map."""
    system.eval()
    with torch.no_grad():
        off = system(x).xy_norm - truth.xy_norm
    system.train()
    return float((off * torch.tensor((SIZE[1] / 2, SIZE[0] / 2))).norm(dim=-1).mean())


def errors_of_training(head: Head, *, steps: int = 60, rate: float = 4e-3) -> tuple[float, float]:
    """The error before and after some steps of Adam, all on the same people."""
    system, (x, truth) = system_of(head), blob_people()
    before = error(system, x, truth)
    optimizer = torch.optim.Adam(system.parameters(), rate)
    for _ in range(steps):
        optimizer.zero_grad()
        lost = system.loss(x, truth)
        assert set(lost) - {"loss"} <= set(head.weights)
        lost["loss"].backward()
        optimizer.step()
    return before, error(system, x, truth)


def gradients(module: nn.Module) -> list[torch.Tensor]:
    """Of every parameter; zero where there is none."""
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in module.parameters()]


def exported_difference(system: System, path: Path, x: torch.Tensor) -> float:
    """The largest difference of places and scores between torch and an ONNX file, for another number of maps."""
    system.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            system, (x[:2],), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},), verbose=False
        )
    assert program is not None
    program.save(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        expected = system(x)
    return max(float(np.abs(np.asarray(a) - b.numpy()).max()) for a, b in zip(found, expected, strict=True))
