"""Masking: what is lost is what lies near the joint or under a box, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matpose.canvas import NATIVE
from matpose.recording import JOINT_NAMES
from matpose.simulate.blobs import blob_recording
from matpose.zoo.masking import mask_joint, occlude, transplant_joint
from matpose.zoo.system import Truth

ASPECT = 0.5
HIP, ANKLE = JOINT_NAMES.index("left_hip"), JOINT_NAMES.index("right_ankle")


@pytest.fixture(scope="module")
def people() -> tuple[torch.Tensor, torch.Tensor]:
    """Two people on the canvas: pressure (2, 1, 64, 32), kPa, and their joints (2, J, 2) in [-1, 1]."""
    pressure, joints = [], []
    for seed in range(2):
        person = blob_recording(seed, posture="supine", frames=1)
        assert person.joints_m is not None
        pressure.append(NATIVE.resample(person.frames, person.mat)[0])
        at_m = person.joints_m[0, :, :2] - np.array(NATIVE.origin_m(person.mat))
        joints.append(2 * at_m / (NATIVE.width_m, NATIVE.height_m) - 1)
    return torch.from_numpy(np.stack(pressure))[:, None].float(), torch.from_numpy(np.stack(joints)).float()


def _near(centre: torch.Tensor, radius: float) -> np.ndarray:
    """(64, 32) bool by hand: cells nearer to a place in [-1, 1] than so many half-heights."""
    column, row = np.meshgrid(np.arange(32), np.arange(64))
    right = (column + 0.5 - (centre[0].item() + 1) * 16) / 32
    down = (row + 0.5 - (centre[1].item() + 1) * 32) / 32
    return right**2 + down**2 < radius**2


def test_the_patch_is_gone_and_all_else_is_as_it_was(people):
    pressure, joints = people
    left, _ = mask_joint(pressure, joints, torch.tensor([HIP, ANKLE]), torch.tensor([0.14, 0.1]), ASPECT)
    for person, (joint, radius) in enumerate(((HIP, 0.14), (ANKLE, 0.1))):
        near = _near(joints[person, joint], radius)
        assert pressure[person, 0].numpy()[near].max() > 0
        assert (left[person, 0].numpy()[near] == 0).all()
        np.testing.assert_array_equal(left[person, 0].numpy()[~near], pressure[person, 0].numpy()[~near])


def test_lost_are_the_joints_within_the_radius(people):
    pressure, joints = people
    metric = joints * torch.tensor([ASPECT, 1.0])
    for radius in (0.05, 0.3):
        _, lost = mask_joint(pressure, joints, torch.tensor([HIP, HIP]), torch.full((2,), radius), ASPECT)
        torch.testing.assert_close(lost, (metric - metric[:, HIP : HIP + 1]).norm(dim=-1) < radius)
        assert lost[:, HIP].all()
        assert not lost[:, ANKLE].any()


def test_a_neighbour_outside_the_patch_keeps_its_contact(people):
    pressure, joints = people
    left, lost = mask_joint(pressure, joints, torch.tensor([ANKLE, ANKLE]), torch.full((2,), 0.08), ASPECT)
    for person in range(2):
        for joint in range(len(JOINT_NAMES)):
            if joint != ANKLE:
                assert not lost[person, joint]
                around = _near(joints[person, joint], 0.06) & ~_near(joints[person, ANKLE], 0.08)
                np.testing.assert_array_equal(left[person, 0].numpy()[around], pressure[person, 0].numpy()[around])


def test_no_radius_takes_nothing(people):
    pressure, joints = people
    which, none = torch.tensor([HIP, ANKLE]), torch.zeros(2)
    left, lost = mask_joint(pressure, joints, which, none, ASPECT)
    assert left.equal(pressure)
    assert not lost.any()
    assert transplant_joint(pressure, joints, which, none, ASPECT, torch.zeros(2, 2)).equal(pressure)


def test_a_transplant_is_the_patch_again_elsewhere(people):
    pressure, joints = people
    radius = torch.full((2,), 0.14)
    cells = torch.tensor([[9, -12], [-5, 7]])  # right and down
    to_norm = joints[:, HIP] + cells / torch.tensor([16.0, 32.0])
    both = transplant_joint(pressure, joints, torch.tensor([HIP, HIP]), radius, ASPECT, to_norm)
    for person in range(2):
        before, after = pressure[person, 0].numpy(), both[person, 0].numpy()
        near = _near(joints[person, HIP], 0.14)
        right, down = cells[person].tolist()
        expected = before.copy()
        for row, column in zip(*near.nonzero(), strict=True):
            if 0 <= row + down < 64 and 0 <= column + right < 32:
                expected[row + down, column + right] = max(before[row, column], expected[row + down, column + right])
        assert (expected != before).any()
        np.testing.assert_array_equal(after, expected)


def test_what_is_moved_off_the_map_is_nowhere(people):
    pressure, joints = people
    radius = torch.full((2,), 0.14)
    away = transplant_joint(pressure, joints, torch.tensor([HIP, HIP]), radius, ASPECT, torch.full((2, 2), 3.0))
    assert away.equal(pressure)


def test_a_patch_at_the_edge_leaves_no_trail_when_moved_inwards():
    pressure = torch.tensor([0.0, 0, 0, 3]).view(1, 1, 4, 1)
    joint = torch.tensor([[[0.0, 0.75]]])
    one = torch.tensor([0])
    up = transplant_joint(pressure, joint, one, torch.tensor([0.1]), 0.25, torch.tensor([[0.0, -0.25]]))
    assert up.flatten().tolist() == [0, 3, 0, 3]


def test_occluders_are_rectangles_and_hide_joints_under_them():
    full = torch.ones(40, 1, 64, 32)
    places = (2 * torch.rand(40, 14, 2, generator=torch.Generator().manual_seed(3)) - 1) * 0.99
    truth = Truth(places, torch.ones(40, 14, dtype=torch.bool), torch.rand(40, 14))
    x, hidden = occlude(full, truth, torch.Generator().manual_seed(0), boxes=1, largest=0.5)
    assert torch.equal(x, occlude(full, truth, torch.Generator().manual_seed(0), boxes=1, largest=0.5)[0])
    assert full.min() == 1
    assert torch.equal(hidden.xy_norm, truth.xy_norm)
    assert torch.equal(hidden.weight, truth.weight)
    sizes = []
    for one, at, seen in zip(x[:, 0], places, hidden.contact, strict=True):
        rows, cols = (one == 0).any(1), (one == 0).any(0)
        assert torch.equal(one == 0, rows[:, None] & cols[None])
        sizes.append((int(rows.sum()), int(cols.sum())))
        cells = ((at + 1) / 2 * torch.tensor((32, 64))).long()
        agree = (one[cells[:, 1], cells[:, 0]] > 0) == seen
        assert agree.sum() >= 12  # those on a rectangle's edge may differ from their cell
    assert 0 < (~hidden.contact).sum() < 280
    assert max(rows for rows, _ in sizes) <= 33
    assert max(cols for _, cols in sizes) <= 17
    assert len(set(sizes)) > 20
    lost = truth._replace(contact=torch.zeros_like(truth.contact))
    assert not occlude(full, lost, torch.Generator().manual_seed(0))[1].contact.any()
