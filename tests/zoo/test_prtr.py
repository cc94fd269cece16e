"""PRTR: the matching is the cheapest there is and minds no order; each joint is read from its best query."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import torch
from blob_joints import blob_people, errors_of_training, exported_difference, system_of
from blob_joints import seeded as _seeded  # noqa: F401

from matpose.errors import ModelError
from matpose.zoo.heads.prtr import PRTRHead, Queries, match
from matpose.zoo.system import Truth


def small(**changes: Any) -> PRTRHead:
    torch.manual_seed(0)
    return PRTRHead(16, **({"queries": 20, "width": 32, "heads": 2, "hidden": 32, "encoders": 1} | changes))


@pytest.mark.parametrize("queries", [4, 6])
def test_the_matching_costs_as_little_as_any(queries):
    cost = torch.randn(30, queries, 4, generator=torch.Generator().manual_seed(queries))
    found = match(cost)
    joints = torch.arange(4)
    for one, chosen in zip(cost, found, strict=True):
        assert len(set(chosen.tolist())) == 4
        least = min(float(one[list(order), joints].sum()) for order in permutations(range(queries), 4))
        assert float(one[chosen, joints].sum()) == pytest.approx(least, abs=1e-5)


def outputs(seed: int = 0) -> tuple[Queries, Truth]:
    generator = torch.Generator().manual_seed(seed)
    _, truth = blob_people()
    said = Queries(torch.randn(2, 4, 20, 15, generator=generator), torch.randn(2, 4, 20, 2, generator=generator))
    return said, truth


def test_the_order_of_queries_does_not_matter():
    said, truth = outputs()
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    cost = torch.randn(4, 20, 14, generator=torch.Generator().manual_seed(2))
    assert torch.equal(order[match(cost[:, order])], match(cost))
    shuffled = Queries(said.logits[:, :, order], said.xy_norm[:, :, order])
    expected, found = small().losses(said, truth), small().losses(shuffled, truth)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)
    for a, b in zip(small().answer(said), small().answer(shuffled), strict=True):
        assert torch.equal(a, b)


def test_what_is_right_in_any_order_costs_nothing():
    _, truth = outputs()
    order = torch.randperm(20, generator=torch.Generator().manual_seed(4))
    xy_norm = torch.cat((truth.xy_norm, torch.rand(4, 6, 2)), 1)[:, order]
    is_class = torch.cat((torch.arange(14), torch.full((6,), 14)))[order]
    logits = 100 * torch.nn.functional.one_hot(is_class, 15).float().expand(4, -1, -1)
    right = Queries(logits[None], xy_norm[None])
    assert all(value == 0 for value in small().losses(right, truth).values())
    answer = small().answer(right)
    assert torch.equal(answer.xy_norm, truth.xy_norm)
    assert (answer.score == 1).all()
    wrong = Queries(logits[None].roll(1, 2), xy_norm[None])
    assert all(value > 0.01 for value in small().losses(wrong, truth).values())


def test_a_joint_that_is_not_known_teaches_nothing():
    said, truth = outputs()
    weight = truth.weight.clone()
    weight[:, 3] = 0
    elsewhere = truth.xy_norm.clone()
    elsewhere[:, 3] += 7
    one, other = (small().losses(said, truth._replace(weight=weight, xy_norm=xy)) for xy in (truth.xy_norm, elsewhere))
    assert one == other
    logits = said.logits.clone().requires_grad_()
    xy_norm = said.xy_norm.clone().requires_grad_()
    parts = small().losses(Queries(logits, xy_norm), truth._replace(weight=torch.zeros_like(weight)))
    assert parts["place"] == 0
    parts["class"].backward()
    assert logits.grad is not None
    silent = (logits.grad[0] == 0).all(-1).sum(1)  # the query of each joint that is not known
    assert (silent == 14).all()


def test_every_layer_is_matched_for_itself_and_eval_mode_asks_the_last_alone():
    said, truth = outputs()
    each = [small().losses(Queries(said.logits[n : n + 1], said.xy_norm[n : n + 1]), truth) for n in (0, 1)]
    for name, value in small().losses(said, truth).items():
        torch.testing.assert_close(value, (each[0][name] + each[1][name]) / 2)
    x, _ = blob_people()
    system = system_of(small())
    asked = system.head(system.backbone(x))
    assert asked.logits.shape == (2, 4, 20, 15)
    system.eval()
    torch.testing.assert_close(system.head(system.backbone(x)).logits[0], asked.logits[1])


def test_it_learns():
    before, after = errors_of_training(small(encoders=0))
    assert after < 0.4 * before


@pytest.mark.slow
def test_it_exports(tmp_path):
    x, _ = blob_people(5)
    assert exported_difference(system_of(small()), tmp_path / "it.onnx", x) < 1e-4


def test_what_is_refused():
    with pytest.raises(ModelError, match="13 queries"):
        PRTRHead(8, queries=13)
    with pytest.raises(ModelError, match="0 layers"):
        PRTRHead(8, decoders=0)
    with pytest.raises(ModelError, match="multiple of 4"):
        PRTRHead(8, width=18, heads=2)
