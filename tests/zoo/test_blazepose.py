"""BlazePose: the regression teaches the trunk nothing, the maps are for training alone."""

from __future__ import annotations

import pytest
import torch
from blob_joints import blob_people, errors_of_training, exported_difference, gradients, system_of
from blob_joints import seeded as _seeded  # noqa: F401

from matpose.nn.heatmap import cell_grid
from matpose.zoo.coding.gaussian import gaussian_maps
from matpose.zoo.heads.blazepose import Blaze, BlazePoseHead, offsets_to
from matpose.zoo.system import Truth


def test_the_regression_teaches_what_the_maps_taught_nothing():
    x, truth = blob_people()
    head = BlazePoseHead(16, width=16)
    system = system_of(head)
    parts = system.loss(x, truth)
    (parts["place"] + parts["visibility"]).backward()
    for module in (system.backbone, head.trunk, head.maps):
        assert all((grad == 0).all() for grad in gradients(module))
    assert all(grad.abs().max() > 0 for module in (head.read, head.regression) for grad in gradients(module))


def test_the_maps_teach_the_regression_nothing():
    x, truth = blob_people()
    head = BlazePoseHead(16, width=16)
    system = system_of(head)
    parts = system.loss(x, truth)
    (parts["heatmap"] + parts["offset"]).backward()
    assert all((grad == 0).all() for module in (head.read, head.regression) for grad in gradients(module))
    assert all(grad.abs().max() > 0 for grad in gradients(head.maps))
    assert any(grad.abs().max() > 0 for grad in gradients(system.backbone))


def test_without_the_maps_branch_eval_mode_answers_the_same():
    x, truth = blob_people()
    head = BlazePoseHead(16, width=16)
    system = system_of(head).eval()
    expected = system(x)
    del head.maps
    found = system(x)
    assert torch.equal(found.xy_norm, expected.xy_norm)
    assert torch.equal(found.score, expected.score)
    assert set(system.loss(x, truth)) == {"place", "visibility", "loss"}


def test_the_truth_costs_nothing():
    _, truth = blob_people()
    head = BlazePoseHead(16)
    maps = torch.cat((gaussian_maps(truth.xy_norm, (16, 8), 1.0)[:, None], offsets_to(truth.xy_norm, (16, 8))), 1)
    visible = 100 * (2 * truth.contact.float() - 1)
    assert all(value < 1e-6 for value in head.losses(Blaze(truth.xy_norm, visible, maps), truth).values())
    wrong = Blaze(truth.xy_norm + 0.1, -visible, maps.roll(1, -1))
    assert all(value > 0 for value in head.losses(wrong, truth).values())
    unknown = truth._replace(weight=torch.zeros_like(truth.weight))
    assert all(value == 0 for value in head.losses(wrong, unknown).values())


def test_offsets_lead_from_each_cell_to_the_joint():
    _, truth = blob_people()
    x, y = cell_grid(16, 8, truth.xy_norm)
    there = torch.stack((x.expand(16, 8), y[:, None].expand(16, 8)))[None, :, None]
    there = there + offsets_to(truth.xy_norm, (16, 8)) * torch.tensor((2 / 8, 2 / 16)).view(1, 2, 1, 1, 1)
    torch.testing.assert_close(there, truth.xy_norm.mT[..., None, None].expand_as(there))


def test_offsets_count_near_a_joint_alone():
    truth = Truth(torch.zeros(1, 14, 2), torch.ones(1, 14, dtype=torch.bool), torch.ones(1, 14))
    head = BlazePoseHead(16, radius=2.0)
    maps = torch.cat((torch.zeros(1, 1, 14, 16, 8), offsets_to(truth.xy_norm, (16, 8))), 1)
    far = maps.clone()
    far[:, 1:, :, :5] += 9  # the joint is in the corner of rows 7 and 8
    output = Blaze(truth.xy_norm, torch.zeros(1, 14), far)
    assert head.losses(output, truth)["offset"] == 0
    far[:, 1:, :, 7, 3] += 3
    assert head.losses(output, truth)["offset"] == pytest.approx(3 / 12)  # twelve centres within two cells of it


def test_it_learns():
    before, after = errors_of_training(BlazePoseHead(16, width=24))
    assert after < 0.3 * before


@pytest.mark.slow
def test_it_exports(tmp_path):
    x, _ = blob_people(5)
    assert exported_difference(system_of(BlazePoseHead(16, width=16)), tmp_path / "it.onnx", x) < 1e-4
