"""Body parts, outlines and bones as maps: against simulated bodies, scikit-image and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from blob_joints import blob_people, error, errors_of_training, exported_difference, system_of
from blob_joints import seeded as _seeded  # noqa: F401
from skimage.segmentation import find_boundaries
from torch.nn import functional as F

from matpose.canvas import NATIVE, Canvas
from matpose.mat import Mat, preset
from matpose.nn.scaling import scale_free
from matpose.recording import JOINT_NAMES
from matpose.simulate.scene import draw_sample
from matpose.zoo.coding.drawn import heatmap_loss
from matpose.zoo.coding.gaussian import gaussian_maps, to_cells
from matpose.zoo.coding.parabola import decode_parabola
from matpose.zoo.finer import Finer
from matpose.zoo.heads.part_mask import Masked, PartMaskHead, part_loss
from matpose.zoo.heads.skeleton_maps import BONES, Skeleton, SkeletonMapsHead, segment_maps
from matpose.zoo.part_labels import BESIDE, PARTS, outline, part_labels
from matpose.zoo.system import Truth

MAT = preset("bpms")
# what presses at a joint, by the codes of design: (joint, parts)
AT_JOINT = {
    "head_top": (1,), "left_hip": (6, 7, 13), "right_hip": (6, 8, 14), "left_ankle": (17, 19), "right_ankle": (18, 20),
}  # fmt: skip


@pytest.fixture(scope="module")
def bodies():
    """Simulated people on the back: samples, maps on the canvas, parts there."""
    samples = [draw_sample(index, seed=3, mat=MAT, style="supine", sensor=False, raised_deg=0.0) for index in range(4)]
    maps = NATIVE.resample(np.stack([one.pressure_kpa for one in samples]), MAT)
    return samples, torch.from_numpy(maps)[:, None], part_labels(np.stack([one.parts for one in samples]), MAT, NATIVE)


def test_parts_lie_where_the_bodys_joints_are(bodies):
    samples, maps, labels = bodies
    assert set(np.unique(labels)) <= set(range(-1, PARTS))
    origin_m = np.array(NATIVE.origin_m(MAT))
    for sample, one, pressure in zip(samples, labels, maps[:, 0].numpy(), strict=True):
        assert pressure[one > 0].sum() > 0.9 * pressure.sum()
        for name, codes in AT_JOINT.items():
            row, col = np.nonzero(np.isin(one, codes))
            at_m = np.stack((col + 0.5, row + 0.5), -1) * NATIVE.cell_m + origin_m
            joint_m = sample.joints_m[JOINT_NAMES.index(name), :2]
            assert np.linalg.norm(at_m - joint_m, axis=1).min() < 0.15, name


def test_labels_on_the_mats_own_grid_are_the_mats():
    mat, canvas = Mat(6, 4, 0.05, 0.05), Canvas(6, 6, 0.05)
    parts = np.random.default_rng(0).integers(0, PARTS, (2, 6, 4))
    labels = part_labels(parts, mat, canvas)
    np.testing.assert_array_equal(labels[:, :, 1:5], parts)
    assert (labels[:, :, [0, 5]] == BESIDE).all()
    assert labels.dtype == np.int8


def test_the_greater_share_of_a_cell_names_it():
    fine = np.array([[[3, 3, 5, 5], [3, 5, 0, 5]]])
    assert part_labels(fine, Mat(2, 4, 0.1, 0.1), Canvas(1, 2, 0.2)).tolist() == [[[3, 5]]]


def test_the_outline_is_scikit_images(bodies):
    _, _, labels = bodies
    found = outline(torch.from_numpy(labels)).numpy()
    for one, edge in zip(labels, found, strict=True):
        np.testing.assert_array_equal(edge, find_boundaries(one > 0, connectivity=1, mode="inner", background=0))
        assert 0 < edge.sum() < (one > 0).sum()


def test_the_loss_is_cross_entropy_over_known_cells():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, PARTS, 8, 4, generator=generator, requires_grad=True)
    parts = torch.randint(0, PARTS, (2, 8, 4), generator=generator).to(torch.int8)
    known = torch.rand(2, 8, 4, generator=generator) > 0.4
    lost = part_loss(logits, torch.where(known, parts, BESIDE).to(torch.int8))
    expected = -logits.log_softmax(1).gather(1, parts.long()[:, None])[:, 0][known].mean()
    torch.testing.assert_close(lost, expected)
    lost.backward()
    assert logits.grad is not None
    assert (logits.grad.permute(0, 2, 3, 1)[~known] == 0).all()
    nothing = part_loss(logits.detach(), torch.full((2, 8, 4), BESIDE, dtype=torch.int8))
    assert nothing == 0
    larger = part_loss(F.one_hot(parts.long(), PARTS).permute(0, 3, 1, 2) * 99.0, parts.repeat_interleave(2, 1))
    assert larger < 20  # of another size: interpolated, wrong between parts alone


def test_masks_of_simulated_bodies_are_learned(bodies):
    samples, maps, labels = bodies
    origin_m, size_m = np.array(NATIVE.origin_m(MAT)), (NATIVE.width_m, NATIVE.height_m)
    joints_m = np.stack([one.joints_m[:, :2] for one in samples])
    xy_norm = torch.from_numpy(2 * (joints_m - origin_m) / size_m - 1).float()
    parts = torch.from_numpy(labels)
    truth = Truth(xy_norm, torch.ones(4, 14).bool(), torch.ones(4, 14), parts=parts)
    head = PartMaskHead(16)
    system = system_of(head)
    x = scale_free(maps)
    optimizer = torch.optim.Adam(system.parameters(), 4e-3)
    lost = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = system.loss(x, truth)["part"]
        loss.backward()
        optimizer.step()
        lost.append(float(loss.detach()))
    assert lost[0] > 2.5
    assert lost[-1] < 0.5 * lost[0]
    shares = F.one_hot(parts.long().clamp_min(0), PARTS)[parts >= 0].float().mean(0)
    blind = -(shares * shares.clamp_min(1e-9).log()).sum()  # whoever knows the shares of the parts and sees nothing
    assert lost[-1] < 0.9 * blind


def test_heatmaps_see_the_masks():
    torch.manual_seed(0)
    head = PartMaskHead(16)
    x, truth = blob_people()
    system = system_of(head)
    system.loss(x, truth)["loss"].backward()
    assert head.parts.weight.grad is not None
    assert head.parts.weight.grad.abs().max() > 0
    right = Masked(torch.zeros(4, PARTS, 16, 8), gaussian_maps(truth.xy_norm, (16, 8), 1.0))
    assert head.losses(right, truth)["heatmap"] == 0


@pytest.mark.parametrize("head", [PartMaskHead, SkeletonMapsHead])
def test_they_learn(head):
    torch.manual_seed(0)
    before, after = errors_of_training(head(16))
    assert after < 0.3 * before


@pytest.mark.slow
@pytest.mark.parametrize("head", [PartMaskHead, SkeletonMapsHead])
def test_they_export(head, tmp_path):
    x, _ = blob_people(5)
    system = system_of(head(16))
    error(system, *blob_people())
    assert exported_difference(system, tmp_path / "it.onnx", x) < 1e-4


def test_a_segment_has_the_closed_form_and_no_length_is_a_joint():
    start, end = torch.tensor([[0.0, -0.5]]), torch.tensor([[0.0, 0.5]])
    drawn = segment_maps(start, end, (16, 8), 1.5)[0]
    y, x = torch.arange(16) - 7.5, torch.arange(8) - 3.5
    distance2 = x**2 + (y.abs() - 4).clamp_min(0)[:, None] ** 2
    torch.testing.assert_close(drawn, torch.exp(-distance2 / (2 * 1.5**2)))
    _, truth = blob_people()
    joints = segment_maps(truth.xy_norm, truth.xy_norm, (16, 8), 1.0)
    torch.testing.assert_close(joints, gaussian_maps(truth.xy_norm, (16, 8), 1.0))


def test_segments_pass_their_gradient_to_both_ends():
    ends = torch.tensor([[-0.3, -0.4], [0.2, 0.55]], dtype=torch.float64, requires_grad=True)
    weight = torch.rand(8, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda e: (segment_maps(e[0], e[1], (8, 4), 1.0) * weight).sum(), ends)


def test_a_parabola_finds_the_middle_of_a_gaussian():
    xy_norm = 2 * torch.rand(20, 14, 2, generator=torch.Generator().manual_seed(0)) - 1
    maps = gaussian_maps(xy_norm, (16, 8), 1.2)
    found = decode_parabola(maps)
    cells, said = to_cells(xy_norm, (16, 8)), to_cells(found.xy_norm, (16, 8))
    size = torch.tensor((8, 16))
    inner = (cells.round() > 0) & (cells.round() < size - 1)
    assert inner.sum() > 400
    torch.testing.assert_close(said[inner], cells[inner], atol=1e-3, rtol=0)
    assert (said[~inner] == cells.round()[~inner]).all()
    torch.testing.assert_close(found.score, maps.amax((2, 3)))


def test_joints_beside_the_map_do_not_count():
    _, truth = blob_people()
    beside = truth._replace(xy_norm=truth.xy_norm + torch.tensor((3.0, 0.0)))
    assert heatmap_loss(torch.ones(4, 14, 16, 8), beside, 1.0) == 0


def test_bones_are_drawn_in_training_alone_and_count_where_both_ends_do():
    x, truth = blob_people()
    head = SkeletonMapsHead(16)
    system = system_of(head)
    assert set(system.loss(x, truth)) == {"heatmap", "bone", "loss"}
    system.eval()
    expected = system(x)
    assert head(system.backbone(x)).bones is None
    assert set(system.loss(x, truth)) == {"heatmap", "loss"}
    del head.bones
    assert torch.equal(system(x).xy_norm, expected.xy_norm)
    assert len(BONES) == 13
    start, end = truth.xy_norm[:, [a for a, _ in BONES]], truth.xy_norm[:, [b for _, b in BONES]]
    bones = segment_maps(start, end, (16, 8), 1.0)
    right = Skeleton(gaussian_maps(truth.xy_norm, (16, 8), 1.0), bones)
    assert all(value == 0 for value in head.losses(right, truth).values())
    wrong = bones.clone()
    wrist = [n for n, bone in enumerate(BONES) if JOINT_NAMES.index("left_wrist") in bone]
    assert len(wrist) == 1
    wrong[:, wrist] += 1
    weight = truth.weight.clone()
    assert head.losses(right._replace(bones=wrong), truth)["bone"] > 0
    weight[:, JOINT_NAMES.index("left_wrist")] = 0
    assert head.losses(right._replace(bones=wrong), truth._replace(weight=weight))["bone"] == 0


def test_fine_features_stay_as_they_are():
    assert Finer(8, 4).channels == 8
    features = torch.rand(1, 8, 4, 2)
    assert torch.equal(Finer(8, 2)(features), features)
