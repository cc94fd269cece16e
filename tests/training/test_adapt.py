"""Adaptation to one mat: better is taken, worse is refused, and the same seed gives the same bits."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from adapting import OTHERS, OWN_MAT, RECIPE, estranged, learned, own_recordings, people, small_settings

from matpose.errors import DatasetError, MatposeError, ModelError
from matpose.mat import Mat
from matpose.nn.warp import published_warps
from matpose.training import adapt as module
from matpose.training.adapt import adapt
from matpose.training.adapt_figures import ALLOWED, on_own, on_simulated, worse
from matpose.training.adapt_fit import posture_agreement, restate_norms
from matpose.training.data import collect_maps
from matpose.training.mat_maps import mat_maps


@pytest.fixture(autouse=True)
def small(monkeypatch):
    small_settings(monkeypatch)


def _bits(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def _alike(one: nn.Module, other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.state_dict().items())


def test_what_is_better_is_taken_and_the_given_model_stays_as_it_is():
    base = estranged(learned())
    assert base.joints is not None
    given = _bits(base.joints)
    said: list[tuple[str, int, int]] = []
    outcome = adapt(base, own_recordings(), progress=lambda *words: said.append(words))
    assert outcome.accepted
    assert outcome.worse == ()
    assert outcome.after["joints_mean_cm"] < 0.8 * outcome.before["joints_mean_cm"]
    assert _alike(base.joints, given)
    adapted = outcome.model
    assert adapted.joints is not None
    assert adapted.efd is adapted.joints.efd
    assert not _alike(adapted.joints, given)
    assert not any(part.training for part in adapted.joints.modules())
    assert said[-1] == ("learning the mat", 12, 12)

    facts = adapted.facts
    (on,) = facts["adapted_on"]
    assert facts["trained_on"] == "others"
    assert facts["train_subjects"] == sorted(["anna", *(f"p{index}" for index in range(16))])
    assert (on["mat"]["rows"], on["mat"]["cols"], on["maps"], on["recordings"], on["subjects"]) == (50, 22, 16, 16, 16)
    assert (on["before"], on["after"]) == (outcome.before, outcome.after)
    assert base.facts == {"trained_on": "others", "train_subjects": ["anna"]}


def test_a_fit_that_harms_is_refused(monkeypatch):
    base = learned()

    def harmful(net, *others, **more):
        with torch.no_grad():
            net.head.heat.weight.mul_(-1)

    monkeypatch.setattr(module, "fit_mat", harmful)
    outcome = adapt(base, own_recordings())
    assert not outcome.accepted
    assert "joints_mean_cm" in outcome.worse
    assert outcome.after["joints_mean_cm"] > outcome.before["joints_mean_cm"]
    assert outcome.model is base


@pytest.mark.parametrize("name", ALLOWED)
def test_each_figure_alone_can_refuse(monkeypatch, name):
    """Nothing is learned, but one figure is told to be worse afterwards."""
    monkeypatch.setattr(module, "fit_mat", lambda *parts, **more: None)
    which = "on_own" if name.startswith("points") else "on_simulated"
    honest, told = getattr(module, which), []

    def figures(*parts):
        found = honest(*parts)
        told.append(found)
        return found if len(told) == 1 else {**found, name: 2 * found[name] + 2}

    monkeypatch.setattr(module, which, figures)
    assert adapt(learned(), own_recordings()).worse == (name,)


def test_what_is_not_a_number_is_worse():
    before = dict.fromkeys(ALLOWED, 1.0)
    assert worse(before, before) == ()
    assert worse(before, {**before, "joints_mean_cm": float("nan")}) == ("joints_mean_cm",)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    base = estranged(learned())
    one, other, third = (adapt(base, own_recordings(), seed=seed).model.joints for seed in (1, 1, 2))
    assert one is not None
    assert other is not None
    assert third is not None
    assert _alike(one, other.state_dict())
    assert not _alike(one, third.state_dict())


def test_statistics_are_taken_anew_from_both_kinds_of_maps():
    model = estranged(learned())
    assert model.joints is not None
    own = collect_maps(own_recordings(), RECIPE.canvas, frames_per_recording=None).pressure
    simulated = people(OWN_MAT, OTHERS, 5).pressure
    net = deepcopy(model.joints)
    before = net.efd.encoder.stem_norm
    momentum, weight = before.momentum, before.weight.clone()
    restate_norms(net, own, simulated, seed=0)
    norm = net.efd.encoder.stem_norm
    with torch.no_grad():
        seen = [net.efd.encoder.stem(net.efd.see(maps.float())).mean((0, 2, 3)) for maps in (own, simulated)]
    assert norm.running_mean is not None
    expected = sum(seen) / 2
    assert model.joints.efd.encoder.stem_norm.running_mean is not None
    assert (model.joints.efd.encoder.stem_norm.running_mean - expected).abs().max() > 0.01
    assert (norm.running_mean - expected).abs().max() < 0.01
    assert norm.momentum == momentum
    assert torch.equal(norm.weight, weight)
    assert not net.training


def test_only_recordings_of_one_known_mat_and_enough_of_them():
    base, own = learned(), own_recordings()
    other = Mat(50, 22, 0.036, 0.036)
    stranger = replace(own[0], mat=other, source="b.csv")
    with pytest.raises(MatposeError, match=r"b\.csv.*36 x 36 mm.*36 x 40 mm"):
        adapt(base, [*own, stranger])
    with pytest.raises(MatposeError, match="pitch"):
        adapt(base, [replace(own[0], mat=Mat(50, 22, None, None))])
    with pytest.raises(DatasetError, match="15 usable frames"):
        adapt(base, own[:15])
    with pytest.raises(ModelError, match="no joints"):
        adapt(replace(base, joints=None), own)
    turned = [replace(one, mat=replace(OWN_MAT, rotate=180)) for one in own[8:]]  # the same mat, stored otherwise
    assert adapt(estranged(base), [*own[:8], *turned]).maps == 16


def test_figures_of_an_oracle_are_nought_and_grow_with_its_error():
    maps = people(OWN_MAT, OTHERS, 5)
    shift = torch.zeros(())

    class Oracle:
        def __call__(self, pressure):
            from types import SimpleNamespace

            chosen = slice(0, len(pressure))
            return SimpleNamespace(
                joints_xy_norm=maps.xy_norm[chosen] + shift,
                joints_confidence=torch.ones(maps.contact.shape)[chosen],
                joints_contact=maps.contact.float()[chosen],
                posture=torch.eye(4)[maps.posture[chosen]],
            )

    oracle: nn.Module = Oracle()  # pyright: ignore[reportAssignmentType]
    right = on_simulated(oracle, maps, RECIPE.canvas)  # pyright: ignore[reportArgumentType]
    assert max(right.values()) < 1e-4
    shift += 0.1
    off = on_simulated(oracle, maps, RECIPE.canvas)  # pyright: ignore[reportArgumentType]
    width_m, height_m = RECIPE.canvas.width_m, RECIPE.canvas.height_m
    assert off["joints_mean_cm"] == pytest.approx(5 * np.hypot(width_m, height_m), rel=1e-4)
    assert off["confidence_off"] == pytest.approx(1.0)  # sure, and never right


def test_a_model_that_looks_nowhere_does_not_move_along():
    net = learned().joints
    assert net is not None
    pressure = people(OWN_MAT, OTHERS, 5).pressure[:3].float()
    found = on_own(net, pressure, RECIPE.canvas)
    blind = deepcopy(net)
    with torch.no_grad():
        blind.efd.encoder.logits_norm.weight.zero_()  # even heatmaps: every point stays at the middle
    still = on_own(blind, pressure, RECIPE.canvas)
    assert still["joints_agreement_cm"] == pytest.approx(found["joints_agreement_cm"])
    moved = published_warps(0.5).source(torch.zeros(1, 1, 2)) * torch.tensor([0.5, 1.0])
    assert still["points_equivariance_pct"] == pytest.approx(50 * float(moved.norm(dim=-1).median()), rel=1e-3)


def test_an_unsure_view_teaches_no_posture():
    sure, unsure = torch.tensor([[8.0, 0, 0, 0]]), torch.tensor([[0.5, 0, 0, 0]], requires_grad=True)
    assert posture_agreement(sure, unsure) == 0
    taught = posture_agreement(unsure, sure)
    taught.backward()
    assert unsure.grad is not None
    assert unsure.grad[0, 0] < 0 < unsure.grad[0, 1]


@pytest.mark.slow  # a worker takes seconds to start
def test_a_worker_makes_the_same_maps():
    here = people(OWN_MAT, OTHERS, 5)
    assert mat_maps(OWN_MAT, 2, RECIPE.canvas, readings=2, seed=5).digest() == here.select(here.body < 2).digest()


def test_contact_lies_over_load_on_a_mat_that_no_preset_knows():
    here = people(OWN_MAT, OTHERS, 5)
    cells = ((here.xy_norm + 1) * torch.tensor([8.0, 16.0])).long()
    hits = [
        bool(here.pressure[index, 0, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].max() > 0.1)
        for index, joint in here.contact.nonzero().tolist()
        for x, y in [cells[index, joint].tolist()]
        if 1 <= x < 15 and 1 <= y < 27
    ]
    assert len(hits) > 150
    assert np.mean(hits) > 0.95
