"""Several people on one mat: from above each as if alone, from below joints told apart by their tags."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from blob_joints import SIZE, Stem, blob_people, errors_of_training, exported_difference, system_of
from blob_joints import seeded as _seeded  # noqa: F401

from matpose.canvas import Canvas
from matpose.compare.couple_figures import _from_above
from matpose.compare.look import Look, answered
from matpose.mat import Mat
from matpose.nn.heatmap import soft_argmax
from matpose.simulate.contact import Place
from matpose.simulate.couple import together
from matpose.simulate.scene import draw_lying, seen
from matpose.zoo.coding.gaussian import gaussian_maps
from matpose.zoo.grouping import group
from matpose.zoo.heads.grouping import GroupingHead, Tagged, tag_losses
from matpose.zoo.system import Answer, Backbone, Head, Seen, System, Truth
from matpose.zoo.top_down import people

WIDE = Mat(96, 120, 0.025, 0.025)
CANVAS = Canvas(96, 96, 0.032)


@pytest.fixture(scope="module")
def couple():
    """Maps (1, 1, H, W) of two who lie 1.5 m apart, of the first alone, of the second alone."""
    lone = []
    for index, (style, x_m) in enumerate((("supine", 0.7), ("left-foetal", 2.2))):
        lying, posture, _ = draw_lying(index, np.random.default_rng(index), seed=0, style=style, raised_deg=0.0)
        lone.append(seen(lying, Place(WIDE, x_m, 1.2), posture))
    both = together(*lone)
    return [
        torch.from_numpy(CANVAS.resample(one.pressure_kpa[None], WIDE))[None]
        for one in (both, lone[0], both.partner)
        if one is not None
    ]


class Glass(Backbone):
    """Shows what is there."""

    channels, stride, sides = 1, 1, 1

    def forward(self, x: torch.Tensor) -> Seen:
        return Seen(x, ())


class Probes(Head):
    """Joints of contact alone."""

    def forward(self, seen: Seen) -> torch.Tensor:
        return torch.cat([seen.features**power for power in (1, 3, 6)], 1)

    def answer(self, output: torch.Tensor) -> Answer:
        return Answer(soft_argmax(output), output.sum((2, 3)))

    def losses(self, output: torch.Tensor, truth: Truth) -> dict[str, torch.Tensor]:
        return {}


@pytest.mark.parametrize("crop", ["full", "none"])
def test_two_far_apart_are_two_single_runs(couple, crop):
    (both, *alone), look = couple, Look(crop)
    torch.manual_seed(0)
    backbone = Stem()
    backbone.sides = 8
    for system in (System(Glass(), Probes()).eval(), System(backbone, GroupingHead(16)).eval()):
        found = _from_above(system, both[0], SIZE, look)
        expected = [
            answered(system, one, look, SIZE) if crop == "full" else _from_above(system, one[0], SIZE, look)
            for one in alone
        ]
        order = sorted((0, 1), key=lambda n: -float(alone[n].sum()))
        assert len(found.xy_norm) == 2
        for person, n in enumerate(order):
            torch.testing.assert_close(found.xy_norm[person], expected[n].xy_norm[0], atol=1e-4, rtol=0)
            torch.testing.assert_close(found.score[person], expected[n].score[0], atol=1e-3, rtol=1e-3)
        assert (expected[0].xy_norm - expected[1].xy_norm).abs().max() > 0.3


def test_who_is_alone_is_one_and_whole(couple):
    both, *alone = couple
    for one in alone:
        found = people(one[0, 0])
        assert torch.equal(found, one)
    assert [len(people(one[0, 0])) for one in couple] == [2, 1, 1]
    split = people(both[0, 0])
    torch.testing.assert_close(split.sum(0), both[0])
    assert ((split > 0).sum(0) <= 1).all()
    assert split[0].sum() > split[1].sum()


def test_limbs_go_to_the_nearest_person_and_a_gap_across_the_mat_parts_people():
    x = torch.zeros(64, 40)
    x[4:40, 4:10] = 1.0  # one
    x[50:56, 5:9] = 1.0  # and their feet, ten cells below
    x[4:50, 24:32] = 1.0  # another
    x[20:22, 36:39] = 0.5  # with a hand, four cells aside
    x[30, 13] = 0.3  # a speck
    split = people(x, reach=(8, 1))
    assert len(split) == 2
    other, one = split[:, 0]
    assert one[50:56, 5:9].sum() == 24
    assert one[30, 13] > 0
    assert other[20:22, 36:39].sum() == 3
    assert len(people(x, reach=(8, 8))) == 1
    assert len(people(x, reach=(2, 1))) == 2  # the feet alone are too light for somebody
    assert len(people(torch.zeros(64, 40))) == 1


PEAKS = [(joint, 3.0 * person + 0.1 * ((joint * 7) % 5 - 2), 0.4 + ((joint * 5 + person * 3) % 11) / 20)
         for joint in range(14) for person in range(2)]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_separated_tags_are_grouped_right_whatever_the_order(seed):
    shuffled = list(PEAKS)
    random.Random(seed).shuffle(shuffled)
    scores = (
        [random.Random(seed + index).random() for index in range(len(shuffled))]
        if seed % 2
        else [p[2] for p in shuffled]
    )
    whose = group([p[0] for p in shuffled], [p[1] for p in shuffled], scores)
    pairs = {(number, round(tag / 3)) for number, (_, tag, _) in zip(whose, shuffled, strict=True)}
    assert len(pairs) == 2
    assert {number for number, _ in pairs} == {0, 1}


def test_nobody_has_a_joint_twice_and_a_strange_tag_is_somebody_new():
    assert group([0, 0, 0], [1.0, 1.0, 1.0], [0.3, 0.9, 0.5]) == [2, 0, 1]
    assert group([0, 1], [1.0, 2.5], [0.9, 0.8]) == [0, 1]
    assert group([0, 1], [1.0, 2.5], [0.9, 0.8], reach=2.0) == [0, 0]
    assert group([], [], []) == []


def drawn(xy_norm: torch.Tensor, tags: torch.Tensor) -> Tagged:
    """Perfect maps of people (P, J, 2) with tags (P,): each cell has the tag of the nearest joint."""
    maps = gaussian_maps(xy_norm, SIZE, 1.5)  # (P, J, h, w)
    return Tagged(maps.amax(0)[None], tags[maps.argmax(0)][None])


def test_two_people_are_told_apart_wherever_they_lie():
    _, truth = blob_people(2, seed=3)
    half = truth.xy_norm * torch.tensor((0.4, 0.8))
    side = torch.tensor((0.5, 0.0))
    for swap in (1, -1):
        xy_norm = torch.stack((half[0] - swap * side, half[1] + swap * side))
        (found,) = GroupingHead(8).everybody(drawn(xy_norm, torch.tensor((-2.0, 2.0))))
        assert found.xy_norm.shape == (2, 14, 2)
        order = found.xy_norm[:, 12, 0].argsort(descending=swap < 0)
        torch.testing.assert_close(found.xy_norm[order], xy_norm, atol=0.02, rtol=0)
        assert (found.score > 0.8).all()


def test_a_joint_without_a_peak_is_looked_for_where_the_tags_are_theirs():
    _, truth = blob_people(2, seed=3)
    xy_norm = truth.xy_norm * torch.tensor((0.4, 0.8)) + torch.tensor([[[-0.5, 0.0]], [[0.5, 0.0]]])
    heat, tags = drawn(xy_norm, torch.tensor((-2.0, 2.0)))
    ours = gaussian_maps(xy_norm, SIZE, 1.5)
    heat[0, 4] = ours[0, 4] + 0.1 * ours[1, 4]  # the second's knee is hardly seen
    (found,) = GroupingHead(8).everybody(Tagged(heat, tags))
    assert len(found.xy_norm) == 2
    faint = found.score[:, 4].argmin()
    assert found.score[faint, 4] < 0.15
    torch.testing.assert_close(found.xy_norm[faint, 4], xy_norm[1, 4], atol=0.05, rtol=0)


def test_one_person_is_the_single_answer():
    _, truth = blob_people(3, seed=5)
    head = GroupingHead(8)
    for places in truth.xy_norm.clamp(-0.95, 0.95):
        output = drawn(places[None], torch.tensor((0.7,)))
        (found,) = head.everybody(output)
        single = head.answer(output)
        assert torch.equal(found.xy_norm, single.xy_norm)
        assert torch.equal(found.score, single.score)


def test_nobody_is_nobody():
    (found,) = GroupingHead(8).everybody(Tagged(torch.zeros(1, 14, *SIZE), torch.zeros(1, 14, *SIZE)))
    assert found.xy_norm.shape == (0, 14, 2)
    lone = torch.zeros(1, 14, *SIZE)
    lone[0, :2, 5, 5] = 1  # two joints are not a person
    assert len(GroupingHead(8).everybody(Tagged(lone, torch.zeros(1, 14, *SIZE)))[0].score) == 0


def test_pull_and_push_are_the_papers():
    tags = torch.randn(3, 4, 14, generator=torch.Generator().manual_seed(0))
    weight = (torch.rand(3, 4, 14, generator=torch.Generator().manual_seed(1)) > 0.3).float()
    weight[0, 2:] = 0  # two people are not there
    pulls, pushes = [], []
    for one, known in zip(tags.numpy(), weight.numpy() > 0, strict=True):
        own = [tag[joints] for tag, joints in zip(one, known, strict=True) if joints.any()]
        pulls += [np.mean((tag - tag.mean()) ** 2) for tag in own]
        pushes += [np.exp(-((a.mean() - b.mean()) ** 2) / 2) for a in own for b in own if a is not b]
    pull, push = tag_losses(tags, weight)
    assert float(pull) == pytest.approx(np.mean(pulls), rel=1e-5)
    assert float(push) == pytest.approx(np.mean(pushes), rel=1e-5)
    assert tag_losses(tags[:, :1], weight[:, :1])[1] == 0


def pairs_of_people() -> tuple[torch.Tensor, Truth]:
    """Four maps of two people side by side, each narrow."""
    _, one = blob_people(4, seed=1)
    _, other = blob_people(4, seed=2)
    xy_norm = torch.stack((one.xy_norm, other.xy_norm), 1) * torch.tensor((0.4, 0.9))
    xy_norm = xy_norm + torch.tensor([[-0.5, 0.0], [0.5, 0.0]])[:, None]
    x = gaussian_maps(xy_norm, SIZE, 1.5).flatten(1, 2).amax(1, keepdim=True)
    return x, Truth(xy_norm, torch.ones(4, 2, 14, dtype=torch.bool), torch.ones(4, 2, 14))


def test_a_truth_of_two_is_read_at_their_cells():
    _, truth = pairs_of_people()
    head = GroupingHead(8)
    maps = gaussian_maps(truth.xy_norm, SIZE, 1.0)  # (4, 2, 14, h, w)
    tags = torch.tensor((-3.0, 3.0))[maps.argmax(1)]
    parts = head.losses(Tagged(maps.amax(1), tags), truth)
    assert parts["heatmap"] == 0
    assert parts["pull"] == 0
    assert parts["push"] == pytest.approx(np.exp(-18), rel=1e-4)
    alone = truth._replace(weight=truth.weight * torch.tensor((1.0, 0.0))[:, None])
    parts = head.losses(Tagged(maps[:, 0], tags), alone)
    assert all(value == 0 for value in parts.values())
    single = Truth(truth.xy_norm[:, 0], truth.contact[:, 0], truth.weight[:, 0])
    assert all(value == 0 for value in head.losses(Tagged(maps[:, 0], tags), single).values())


def test_a_joint_unknown_of_one_is_not_taught_as_background():
    _, truth = pairs_of_people()
    head = GroupingHead(8)
    both = gaussian_maps(truth.xy_norm, SIZE, 1.0).amax(1)
    tags = torch.zeros_like(both)
    weight = truth.weight.clone()
    weight[:, 0, 4] = 0
    partly = truth._replace(weight=weight)
    assert head.losses(Tagged(both, tags), partly)["heatmap"] == 0
    elsewhere = both.clone()
    elsewhere[:, 4] += 1
    assert head.losses(Tagged(elsewhere, tags), partly)["heatmap"] == 0
    elsewhere[:, 5] += 1
    assert head.losses(Tagged(elsewhere, tags), partly)["heatmap"] == pytest.approx(0.5 / 14)
    weight[:, 0] = 0  # who is not there has no joint anywhere
    alone = truth._replace(weight=weight)
    assert head.losses(Tagged(both, tags), alone)["heatmap"] > 0
    assert head.losses(Tagged(gaussian_maps(truth.xy_norm[:, 1], SIZE, 1.0), tags), alone)["heatmap"] == 0
    nobody = truth._replace(weight=torch.zeros_like(weight))
    assert head.losses(Tagged(both, tags), nobody)["heatmap"] == 0


def test_tags_that_lower_the_loss_tell_people_apart():
    _, truth = pairs_of_people()
    head = GroupingHead(8)
    heat = gaussian_maps(truth.xy_norm, SIZE, 1.0).amax(1)
    tags = 0.1 * torch.randn(heat.shape, generator=torch.Generator().manual_seed(0))
    tags = torch.nn.functional.avg_pool2d(tags, 5, 1, 2).requires_grad_()  # smooth, as those of a network
    optimizer = torch.optim.Adam([tags], 0.1)
    for _ in range(60):
        optimizer.zero_grad()
        parts = head.losses(Tagged(heat, tags), truth)
        (parts["pull"] + parts["push"]).backward()
        optimizer.step()
    for found, xy_norm in zip(head.everybody(Tagged(heat, tags.detach())), truth.xy_norm, strict=True):
        order = found.xy_norm[:, 12, 0].argsort()
        torch.testing.assert_close(found.xy_norm[order], xy_norm, atol=0.03, rtol=0)


def test_it_learns_of_one():
    torch.manual_seed(0)
    before, after = errors_of_training(GroupingHead(16))
    assert after < 0.3 * before


@pytest.mark.slow
def test_it_exports(tmp_path):
    x, _ = blob_people(5)
    assert exported_difference(system_of(GroupingHead(16)), tmp_path / "it.onnx", x) < 1e-4
