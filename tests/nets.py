"""Nets to export and to predict with: one as trained, and one so small that its export takes a second."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from matpose.canvas import NATIVE, Canvas
from matpose.mat import preset
from matpose.recording import JOINT_NAMES
from matpose.runtime.onnx_backend import FORMAT
from matpose.simulate.blobs import blob_recording
from matpose.training.build import build_efd
from matpose.training.model_file import TrainedModel, posture_net
from matpose.training.recipe import load_recipe

POSTURES = ("supine", "left", "right")
FACTS = {"mats": [{"rows": 64, "cols": 32, "rotate": 0, "mirror": True}], "train_subjects": ["anna", "bob"]}


def random_model() -> TrainedModel:
    """A native model with random weights, sharp maps and a posture head."""
    torch.manual_seed(0)
    recipe = load_recipe("native", ("sharpness=8",))
    efd = build_efd(recipe)
    with torch.no_grad():  # running statistics of real inputs, as after training
        for seed in range(20):
            maps = NATIVE.resample(blob_recording(seed).frames, preset("pmatdata-i"))
            efd.points(torch.from_numpy(maps)[:, None])
    return TrainedModel(efd.eval(), recipe, posture_net(recipe, 3).eval(), POSTURES, FACTS)


class Answer(NamedTuple):
    points_xy_norm: Tensor
    points_spread_m: Tensor
    joints_xy_norm: Tensor
    joints_confidence: Tensor
    joints_contact: Tensor
    posture: Tensor


TINY_CANVAS = Canvas(16, 8, 0.128)
TINY_CARD = {
    "format": FORMAT,
    "canvas": '{"rows": 16, "cols": 8, "cell_m": 0.128}',
    "points": "3",
    "joint_names": str(list(JOINT_NAMES)).replace("'", '"'),
    "postures": '["supine", "left"]',
    "mats": "[]",
}


class TinyPose(nn.Module):
    """All six answers on a 16 x 8 canvas: three points, the 14 joints, two postures."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.conv_norm = nn.BatchNorm2d(4)
        self.conv_norm.running_mean = torch.randn(4)
        self.conv_norm.running_var = torch.rand(4) + 0.5
        self.sizes = (6, 3, 28, 14, 14, 2)
        self.read = nn.Linear(4, sum(self.sizes))
        self.eval()

    def forward(self, pressure: Tensor) -> Answer:
        # clamped: onnxruntime takes `+ 1e-12` for `+ 0` and leaves it out
        scaled = pressure / pressure.amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
        read = self.read(self.conv_norm(self.conv(scaled)).relu().mean((2, 3)))
        points, spread, joints, confidence, contact, posture = read.split(self.sizes, 1)
        return Answer(
            points.tanh().unflatten(1, (3, 2)),
            spread.sigmoid(),
            joints.tanh().unflatten(1, (14, 2)),
            confidence.sigmoid(),
            contact.sigmoid(),
            posture.softmax(1),
        )
