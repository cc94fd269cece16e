"""Every technique by its name, on the step that training takes: all of it is learned, and what was lost grows less."""

from __future__ import annotations

import pytest
import torch
from blob_joints import blob_people
from blob_joints import seeded as _seeded  # noqa: F401

from matpose.canvas import NATIVE
from matpose.compare.fit import Budget, SystemModule
from matpose.compare.look import Look
from matpose.training.joint_maps import JointMaps
from matpose.zoo.part_labels import BESIDE, PARTS
from matpose.zoo.systems import TECHNIQUES, build_system

STEPS, RATE = 6, 5e-4
UNCALLED = {
    # the encoder's heads for one point
    "native": tuple(f"encoder.{name}." for name in ("head", "fine_head", "logits_norm", "feature", "feature_norm")),
    # what the last hourglass would hand to one more
    "shglass": ("stacks.second.features_back.", "stacks.second.heatmaps_back."),
}
# queries start at zero (Carion et al., ECCV 2020): what they first tell each other is nothing, whatever it weighs
MUTE = "decoders.0.queries.attention.value.weight"


@pytest.fixture(scope="module")
def maps() -> JointMaps:
    """Two people of blobs, all about whom is known."""
    x, truth = blob_people(2)
    at_m = (truth.xy_norm + 1) / 2 * torch.tensor((NATIVE.width_m, NATIVE.height_m))
    parts = torch.randint(1, PARTS, x[:, 0].shape, generator=torch.Generator().manual_seed(0)) * (x[:, 0] > 0.1)
    parts[..., 0] = BESIDE
    return JointMaps(
        (5 * x).half(), truth.xy_norm, truth.contact, torch.zeros(2, dtype=torch.int64), torch.full((2,), 0.26),
        torch.arange(2), torch.zeros(2, dtype=torch.int64),
        torch.cat((at_m, torch.full((2, 14, 1), 0.08)), -1), parts.to(torch.int8),
    )  # fmt: skip


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_all_of_a_technique_is_learned_and_the_same_maps_cost_less(technique, maps, monkeypatch):
    which = "shglass" if technique == "multi_scale" else "native"
    system = build_system(f"{which}+{technique}", NATIVE.rows, NATIVE.cols, blob_people(32, seed=1)[1].xy_norm)
    module = SystemModule(system, maps, maps, NATIVE, Budget(), RATE, Look())
    said = set()
    monkeypatch.setattr(module, "log", lambda name, value, **more: said.add(name))
    start = {name: value.detach().clone() for name, value in system.named_parameters()}
    optimiser = torch.optim.Adam(system.parameters(), RATE)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = module.training_step(torch.arange(2), 1)  # the second batch: of pairs, for a system that groups
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert torch.tensor(losses).isfinite().all()
    assert losses[-1] < losses[0], losses
    assert said == {"train_loss", *(f"train_{part}" for part in system.head.weights)}
    uncalled = tuple(f"backbone.{name}" for name in UNCALLED[which])
    for name, value in system.named_parameters():
        assert (value.grad is None) == name.startswith(uncalled), name
        if value.grad is not None:
            assert value.grad.isfinite().all(), name
            assert torch.equal(value, start[name]) == (name == f"head.{MUTE}"), name
