"""Named joints from simulated labels: the maps, one step, a whole small training that resumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from matpose.canvas import NATIVE
from matpose.errors import DatasetError
from matpose.nn.heatmap import cell_grid, soft_argmax
from matpose.nn.joint_head import Joints
from matpose.nn.warp import random_warp
from matpose.training.build import build_efd, build_pose_net
from matpose.training.data import Maps
from matpose.training.joint_fit import calibrate, fit_joints
from matpose.training.joint_maps import ANY, POSTURES, JointMaps, simulated_joint_maps
from matpose.training.joint_step import WEIGHTS, labelled_losses, moved
from matpose.training.recipe import load_recipe
from matpose.training.unlabelled_step import agreement
from matpose.zoo.matpose_system import matpose_system

MATS = ("pmatdata-i", "bpms", ANY)
ASPECT = 0.5


@pytest.fixture(scope="module")
def maps(tmp_path_factory) -> JointMaps:
    path = tmp_path_factory.mktemp("joints") / "some.safetensors"
    return simulated_joint_maps(path, 10, NATIVE, mats=MATS, readings=2, seed=4)


@pytest.mark.slow
def test_the_same_maps_whatever_the_number_of_workers_and_from_the_file(maps, tmp_path, monkeypatch):
    monkeypatch.setattr("matpose.training.joint_maps.BODIES_A_PIECE", 8)
    kept = tmp_path / "kept.safetensors"
    said: list[int] = []
    again = simulated_joint_maps(kept, 10, NATIVE, mats=MATS, readings=2, seed=4, workers=2, progress=said.append)
    assert again.digest() == maps.digest()
    assert said == [8, 10]
    assert simulated_joint_maps(kept, 10, NATIVE, mats=MATS, readings=2, seed=4).digest() == maps.digest()
    with pytest.raises(DatasetError, match="other maps"):
        simulated_joint_maps(kept, 10, NATIVE, mats=MATS, readings=2, seed=5)


def test_joints_in_contact_lie_over_load(maps):
    stretch = torch.tensor([16.0, 32.0])
    cells = ((maps.xy_norm + 1) * stretch).long()
    hit = total = 0
    for index in range(len(maps)):
        load = maps.pressure[index, 0].float()
        for joint in torch.nonzero(maps.contact[index]).flatten().tolist():
            x, y = cells[index, joint].tolist()
            if 2 <= x < 30 and 2 <= y < 62:  # what lies beside the mat presses on nothing
                total += 1
                hit += bool(load[y - 2 : y + 3, x - 2 : x + 3].max() > 0.1)
    assert total > 90
    assert hit / total > 0.97


def test_maps_of_one_body_differ_but_are_of_one_posture(maps):
    first, second = maps.pressure[0].float(), maps.pressure[1].float()
    assert maps.body[0] == maps.body[1]
    assert maps.posture[0] == maps.posture[1]
    assert not torch.equal(first, second)
    head_m = maps.head_norm * NATIVE.height_m / 2
    assert ((head_m > 0.20) & (head_m < 0.34)).all()


def test_a_moved_map_says_where_it_came_from():
    dot = torch.zeros(6, 1, 64, 32)
    dot[:, :, 30, 14] = 5.0
    seen, warp = moved(dot, torch.Generator().manual_seed(3), aspect=ASPECT)
    where = soft_argmax(seen)
    origin = torch.tensor([(14 + 0.5) / 16 - 1, (30 + 0.5) / 32 - 1])
    there = seen.amax((1, 2, 3)) > 0  # a dropped line may have taken the dot
    assert there.sum() >= 4
    assert (warp.source(where)[there] - origin).abs().max() < 0.03


class Oracle(torch.nn.Module):
    """Answers the truth, moved as the map was; with an error where asked."""

    def __init__(self, joints: Joints) -> None:
        super().__init__()
        self.joints = joints

    def see_joints(self, pressure: torch.Tensor) -> Joints:
        return self.joints


def answer(xy_norm: torch.Tensor, **changes: torch.Tensor) -> Joints:
    count, joints, _ = xy_norm.shape
    plain = {
        "logits": torch.zeros(count, joints, 32, 16), "xy_norm": xy_norm,
        "log_scale": torch.full((count, joints), -3.0),
        "trust": torch.zeros(count, joints), "contact": torch.zeros(count, joints), "posture": torch.zeros(count, 4),
    }  # fmt: skip
    return Joints(**{**plain, **changes})


def test_the_truth_costs_less_than_anything_near_it(maps, monkeypatch):
    monkeypatch.setattr("matpose.training.joint_step.TURN_DEG", 0.0)
    for name in ("SCALE", "SHIFT", "BEND", "OBLONG", "LOST"):
        monkeypatch.setattr(f"matpose.training.joint_step.{name}", 0.0)
    some = maps.select(torch.arange(8))

    def cost(offset: float) -> dict[str, float]:
        net = Oracle(answer(some.xy_norm + offset))
        parts = labelled_losses(net, some, torch.Generator().manual_seed(0), aspect=ASPECT)  # pyright: ignore[reportArgumentType]
        return {name: float(value) for name, value in parts.items()}

    at, near, far = cost(0.0), cost(0.02), cost(0.3)
    assert at["place"] < near["place"] < far["place"]
    assert at["place"] == pytest.approx(2 * -3.0)
    assert at["heat"] == pytest.approx(far["heat"])  # heatmaps are what they were
    assert cost(0.0)["posture"] == pytest.approx(np.log(4))


def test_heatmaps_are_learned_where_the_joints_are_in_the_moved_map(maps, monkeypatch):
    some = maps.select(torch.arange(8))
    warp = random_warp(8, ASPECT, torch.Generator().manual_seed(2), turn_deg=25, scale=0.1, shift=0.15, bend=0.0)
    monkeypatch.setattr("matpose.training.joint_step.moved", lambda pressure, *others, **more: (pressure, warp))

    def cost(at: torch.Tensor) -> float:
        x, y = cell_grid(32, 16, at)
        across = ((at[..., :1] - x) * ASPECT)[:, :, None].square()
        logits = -(across + (at[..., 1:] - y)[..., None].square()) / (2 * (0.5 / 16) ** 2)
        net = Oracle(answer(some.xy_norm, logits=logits))
        return float(labelled_losses(net, some, torch.Generator(), aspect=ASPECT)["heat"])  # pyright: ignore[reportArgumentType]

    inside = (warp.arrives(some.xy_norm).abs() < 0.95).all(-1)
    some = replace(some, xy_norm=torch.where(inside[..., None], some.xy_norm, torch.zeros(2)))
    assert cost(warp.arrives(some.xy_norm)) < 2.0  # about the entropy of so narrow a Gaussian
    assert cost(some.xy_norm) > 10


def test_in_the_zoo_our_system_learns_by_the_same_weights():
    zoo = matpose_system((64, 32)).head.weights
    assert zoo == {name: WEIGHTS[name] for name in ("place", "heat", "contact")}


def test_views_that_agree_cost_nothing_and_a_doubtful_teacher_little():
    torch.manual_seed(0)
    pressure = torch.rand(3, 1, 64, 32)
    generator = torch.Generator().manual_seed(0)
    (_, warp), (_, other) = (moved(pressure, generator, aspect=ASPECT) for _ in range(2))
    places = torch.rand(3, 14, 2) - 0.5

    # views of the same places: where each warp brings them; found by Newton's steps on the warp
    def brought(one):
        u = places.clone()
        for _ in range(30):
            u = u - (one.source(u) - places)
        return u

    first, second = answer(brought(warp)), answer(brought(other))
    assert agreement(first, second, warp, other, aspect=ASPECT) < 1e-3
    apart = answer(brought(warp) + 0.1)
    sure, unsure = (second._replace(trust=torch.full((3, 14), value)) for value in (4.0, -4.0))
    assert agreement(apart, sure, warp, other, aspect=ASPECT) > 20 * agreement(
        apart, unsure, warp, other, aspect=ASPECT
    )


def unlabelled(maps: JointMaps) -> Maps:
    coverage = torch.ones(len(MATS), 1, NATIVE.rows, NATIVE.cols)
    names = np.array([f"b{body}" for body in maps.body.tolist()])
    postures = np.array(POSTURES)[maps.posture.numpy()]
    return Maps(
        maps.pressure.float(), torch.full((len(maps),), 0.13), maps.mat, coverage, names, names, postures, NATIVE
    )


def test_a_training_learns_resumes_to_the_same_bits_and_is_calibrated(maps, tmp_path):
    recipe = load_recipe("native", ("points=8",))
    val = maps.select(maps.body >= 8)
    labelled = maps.select(maps.body < 8)

    def run(folder, epochs=2, **more):
        torch.manual_seed(1)
        return fit_joints(
            build_efd(recipe), recipe, labelled, unlabelled(labelled), val, folder,
            epochs=epochs, batches_per_epoch=3, progress=False, **more,
        )  # fmt: skip

    whole = run(tmp_path / "whole")
    (tmp_path / "stopped").mkdir()
    (tmp_path / "whole" / "checkpoints").rename(tmp_path / "stopped" / "checkpoints")
    (tmp_path / "whole" / "metrics.csv").rename(tmp_path / "stopped" / "metrics.csv")
    resumed = run(tmp_path / "stopped", resume=True)
    for (name, one), other in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    fresh = build_pose_net(build_efd(recipe), recipe)
    assert not torch.equal(fresh.head.heat.weight, whole.head.heat.weight)
    before = (float(whole.trust_scale), float(whole.trust_bias))
    calibrate(whole, val, recipe)
    assert before == (float(whole.trust_scale), float(whole.trust_bias))
