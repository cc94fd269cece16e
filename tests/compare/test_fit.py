"""Training within a budget: the rate that suits a system, and what was done is not done again."""

from __future__ import annotations

import pytest
import torch

from matpose.canvas import Canvas
from matpose.compare import fit as module
from matpose.compare.fit import LOOKS, TRIAL, Budget, fit_system
from matpose.errors import ModelError
from matpose.training.joint_maps import JointMaps
from matpose.zoo.systems import build_system

CANVAS = Canvas(32, 16, 0.064)


def spots(count: int, seed: int) -> JointMaps:
    """Maps of one warm spot, where all joints are."""
    chance = torch.Generator().manual_seed(seed)
    at = torch.rand(count, 2, generator=chance) - 0.5
    y, x = torch.linspace(-1, 1, 32)[:, None], torch.linspace(-1, 1, 16)
    far = (x - at[:, 0, None, None]) ** 2 / 4 + (y - at[:, 1, None, None]) ** 2
    return JointMaps(
        (-far / 0.02).exp()[:, None].half(), at[:, None].expand(-1, 14, -1).contiguous(),
        torch.ones(count, 14, dtype=torch.bool), torch.zeros(count, dtype=torch.int64), torch.full((count,), 0.26),
        torch.arange(count), torch.zeros(count, dtype=torch.int64),
    )  # fmt: skip


def fitted(folder, rates, name="native+deeppose"):
    torch.manual_seed(0)
    system = build_system(name, 32, 16, torch.rand(8, 14, 2))
    budget = Budget(samples=320, batch=16, learning_rates=rates, masking=False)
    return system, fit_system(system, spots(32, 1), spots(16, 2), CANVAS, budget, folder, progress=False)


def test_each_rate_is_tried_and_the_best_goes_on(tmp_path):
    system, rows = fitted(tmp_path, (1e-7, 3e-3))
    assert len(rows) == LOOKS
    assert rows[0]["learning_rate"] == pytest.approx(3e-3)
    tried = module.read_history(tmp_path / "rate-1e-07" / "metrics.csv")
    assert len(tried) == TRIAL
    assert float(tried[-1]["val_loss"]) > float(rows[TRIAL - 1]["val_loss"])
    again, same = fitted(tmp_path, (1e-7, 3e-3))
    assert str(same) == str(rows), "what is there is not done again"
    state = again.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in system.state_dict().items())


def test_an_only_rate_needs_no_trial_and_gives_what_it_gives_after_one(tmp_path):
    one, rows = fitted(tmp_path / "one", (3e-3,))
    two, others = fitted(tmp_path / "two", (1e-7, 3e-3))
    assert [row["val_loss"] for row in rows] == [row["val_loss"] for row in others]
    state = two.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


def test_a_rate_that_diverges_is_passed_over_unless_all_do(tmp_path):
    errors = {0.1: None, 0.01: 5.0, 0.001: 4.0}

    def trial(rate: float, looks: int) -> list[dict[str, float | str]]:
        assert looks == TRIAL
        error = errors[rate]
        if error is None:
            raise ModelError("it diverged", mend="lower it")
        return [{"val_loss": value} for value in (9.0, error, 6.0, 0.0)]  # the fourth is of a run that went on

    assert module._suited((0.1, 0.01, 0.001), trial) == 0.001
    assert module._suited((0.1, 0.01), trial) == 0.01
    with pytest.raises(ModelError, match=r"every rate of 0.1, 0.1"):
        module._suited((0.1, 0.1), trial)
