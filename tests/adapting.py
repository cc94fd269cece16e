"""A small model with joints and a mat to adapt it to, in settings so small that an adaptation takes a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache

import pytest
import torch
from torch import nn

from matpose.mat import Mat
from matpose.recording import Recording
from matpose.simulate.generate import recording_of
from matpose.simulate.scene import draw_readings
from matpose.training import adapt, adapt_fit, joint_step, response
from matpose.training import mat_maps as simulating
from matpose.training.adapt_figures import ALLOWED
from matpose.training.build import build_efd, build_pose_net
from matpose.training.data import collect_maps
from matpose.training.joint_maps import POSTURES, JointMaps
from matpose.training.model_file import TrainedModel
from matpose.training.recipe import load_recipe

OWN_MAT = Mat(50, 22, 0.036, 0.04)  # no preset's
OTHERS = 20  # people from whom the model learned
RECIPE = load_recipe(
    "plain",
    ("rows=32", "cols=16", "cell_mm=64", "points=8", "features=2", "widths=[8,8,8]", "exchange_width=4",
     "sharpness=6", "cross_view=true", "equivariance_weight=5", "contact_weight=0.5"),
)  # fmt: skip


@lru_cache(maxsize=4)
def people(mat: Mat, bodies: int, seed: int) -> JointMaps:
    """Simulated once for all tests, and here: a worker takes seconds to start."""

    def here(work: Callable, items: range, workers: int) -> Iterator:
        return (work(item) for item in items)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulating, "in_order", here)
        return simulating.mat_maps(mat, bodies, RECIPE.canvas, readings=2, seed=seed)


def small_settings(patch: pytest.MonkeyPatch) -> None:
    """Few people, few steps."""

    def simulated(mat, bodies, canvas, *, readings, seed, progress) -> JointMaps:
        progress(bodies)
        return people(mat, bodies, seed)

    patch.setattr(adapt, "mat_maps", simulated)
    for name, value in {"LEARN": 6, "CHOOSE": 4, "JUDGE": 6, "MEASURED": 3}.items():
        patch.setattr(adapt, name, value)
    for name, value in {"LABELLED": 12, "OWN": 4, "STATISTICS": 3}.items():
        patch.setattr(adapt_fit, name, value)
    for noisy in ("posture_wrong", "confidence_off"):  # a dozen maps tell nothing of these
        patch.setitem(ALLOWED, noisy, (1.0, 0.5))
    # a few dozen steps learn nothing from maps that are varied as widely as for hours
    for name, value in {"TURN_DEG": 8.0, "SHIFT": 0.06, "OBLONG": 0.0}.items():
        patch.setattr(joint_step, name, value)
    for name, value in {"GAMMA": 0.3, "SATURATING": 0.0, "DEAF": 0.0}.items():
        patch.setattr(response, name, value)
    for module in (adapt, adapt_fit):
        patch.setattr(module, "EPOCHS", 2)
        patch.setattr(module, "STEPS", 6)


@lru_cache(maxsize=1)
def own_recordings() -> tuple[Recording, ...]:
    """What a user recorded: sixteen people, a frame each."""
    return tuple(
        recording_of(draw_readings(index, seed=77, mats=[OWN_MAT])[0], OWN_MAT, name=f"{index}", subject=f"p{index}")
        for index in range(16)
    )


@lru_cache(maxsize=1)
def learned() -> TrainedModel:
    """A model that knows something of joints on that mat, from others."""
    torch.manual_seed(0)
    net = build_pose_net(build_efd(RECIPE), RECIPE)
    every = people(OWN_MAT, OTHERS, 5)
    own = collect_maps(own_recordings(), RECIPE.canvas, frames_per_recording=None)
    with pytest.MonkeyPatch.context() as patch:
        small_settings(patch)
        for name, value in {"EPOCHS": 1, "STEPS": 80, "LEARNING_RATE": 1e-2}.items():
            patch.setattr(adapt_fit, name, value)
        adapt_fit.fit_mat(net, RECIPE, every.select(every.body < 16), own, every.select(every.body >= 16), seed=0)
    facts = {"trained_on": "others", "train_subjects": ["anna"]}
    return TrainedModel(net.efd.eval(), RECIPE, None, POSTURES, facts, net.eval())


def estranged(model: TrainedModel, by: float = 3.0) -> TrainedModel:
    """The model with BatchNorm's statistics as of a strange mat: means off by some standard deviations."""
    assert model.joints is not None
    net = deepcopy(model.joints)
    generator = torch.Generator().manual_seed(3)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            off = torch.randn(module.running_mean.shape, generator=generator)
            module.running_mean += by * off * module.running_var.sqrt()
    return replace(model, efd=net.efd, joints=net)
