"""The joint head on the encoder: it learns, it shares the trunk, and one frame answers as in a batch."""

import torch

from matpose.nn.joint_head import JointHead
from matpose.nn.pose_net import PoseNet
from matpose.training.build import build_efd, build_pose_net
from matpose.training.recipe import load_recipe


def small_net() -> PoseNet:
    torch.manual_seed(0)
    recipe = load_recipe("native")
    return build_pose_net(build_efd(recipe), recipe)


def test_a_frame_alone_answers_as_in_a_batch():
    net = small_net().eval()
    maps = torch.rand(5, 1, 64, 32) ** 4
    whole = net(maps)
    for index in range(5):
        for name, alone, among in zip(whole._fields, net(maps[index : index + 1]), whole, strict=True):
            assert torch.allclose(alone[0], among[index], atol=1e-5), name


def test_points_are_those_of_the_keypoint_model():
    net = small_net().eval()
    maps = torch.rand(3, 1, 64, 32)
    assert torch.equal(net(maps).points_xy_norm, net.efd.points(maps).xy_norm)


def test_no_unit_matters_and_nothing_breaks_on_an_empty_map():
    net = small_net().eval()
    maps = torch.rand(2, 1, 64, 32)
    for one, other in zip(net(maps), net(maps * 133), strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert all(torch.isfinite(part).all() for part in net(torch.zeros(1, 1, 64, 32)))


def test_joints_teach_the_trunk_and_every_part_of_the_head():
    net = small_net().train()
    net.head.read.weight.data.normal_()
    joints = net.see_joints(torch.rand(4, 1, 64, 32))
    sum(part.square().mean() for part in joints).backward()  # pyright: ignore[reportAttributeAccessIssue]
    without = [name for name, part in net.head.named_parameters() if part.grad is None or not part.grad.any()]
    # a softmax does not know a constant in its logits, and BatchNorm none in what it normalises
    assert set(without) <= {"heat.bias"}
    assert net.efd.encoder.blocks[0].expand.weight.grad.abs().sum() > 0  # pyright: ignore


def test_the_head_learns_where_a_blob_lies():
    torch.manual_seed(0)
    head = JointHead(8, 8, 0.5, joints=2, postures=2, width=16)
    optimiser = torch.optim.Adam(head.parameters(), 1e-2)
    x, y = torch.meshgrid(torch.arange(16.0), torch.arange(32.0), indexing="xy")
    error = torch.tensor(1.0)
    for _ in range(150):
        place = torch.rand(16, 2) * torch.tensor([12.0, 28.0]) + 2
        blob = torch.exp(-((x - place[:, :1, None]) ** 2 + (y - place[:, 1:, None]) ** 2) / 8)[:, None]
        fine = torch.cat((blob, torch.zeros(16, 7, 32, 16)), 1)
        coarse = torch.zeros(16, 8, 16, 8)
        truth = (place + 0.5) / torch.tensor([8.0, 16.0]) - 1
        error = (head(coarse, fine).xy_norm[:, 0] - truth).abs().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    assert error.item() < 0.04
