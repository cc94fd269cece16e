"""Training within a budget: the rate that suits a system, and what was done is not done again."""

from __future__ import annotations

import pytest
import torch

from matpose.canvas import Canvas
from matpose.compare import fit as module
from matpose.compare.fit import LOOKS, TRIAL, Budget, fit_system
from matpose.errors import Diverged, ModelError
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
    budget = Budget(samples=320, batch=16, learning_rates=rates, masking="none")
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


@pytest.mark.slow
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
            raise Diverged("it diverged", mend="lower it")
        return [{"val_loss": value} for value in (9.0, error, 6.0, 0.0)]  # the fourth is of a run that went on

    assert module._suited((0.1, 0.01, 0.001), trial) == 0.001
    assert module._suited((0.1, 0.01), trial) == 0.01
    with pytest.raises(Diverged, match=r"every rate of 0.1, 0.1"):
        module._suited((0.1, 0.1), trial)


def test_a_rate_whose_looks_are_no_numbers_is_not_the_best(tmp_path):
    def trial(rate: float, looks: int) -> list[dict[str, float | str]]:
        return [{"val_loss": float("nan") if rate > 1 else 9.0}] * looks

    assert module._suited((1e30, 0.001), trial) == 0.001
    with pytest.raises(Diverged):
        module._suited((1e30, 1e31), trial)


def test_a_damaged_checkpoint_is_told_and_chooses_no_other_rate(tmp_path):
    fitted(tmp_path, (1e-7, 3e-3))
    for place in (tmp_path / "rate-0.003").glob("metrics.csv"):
        place.write_text("".join(place.read_text().splitlines(keepends=True)[:2]))  # its trial is not over
    (tmp_path / "rate-0.003" / "checkpoints" / "joints-last.safetensors").write_bytes(b"half")
    with pytest.raises(ModelError) as told:
        fitted(tmp_path, (1e-7, 3e-3))
    assert not isinstance(told.value, Diverged)


def test_killed_in_a_trial_and_after_it_ends_with_the_same_bits(tmp_path, monkeypatch):
    whole, rows = fitted(tmp_path / "whole", (1e-7, 3e-3))
    step, left = module.SystemModule.training_step, [3, 9]  # steps until it is killed: in a trial, in the rest

    def killed(self, index, batch_index):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return step(self, index, batch_index)

    monkeypatch.setattr(module.SystemModule, "training_step", killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fitted(tmp_path / "parts", (1e-7, 3e-3))
        left.pop(0)
        left.append(10**9)
    parts, same = fitted(tmp_path / "parts", (1e-7, 3e-3))
    assert [row["val_loss"] for row in same] == [row["val_loss"] for row in rows]
    state = parts.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.state_dict().items())


def test_the_rate_falls_whatever_the_budget():
    for samples, batch in ((320, 17), (6400, 32), (20_000, 32)):
        steps = Budget(samples, batch).steps
        assert steps % LOOKS == 0, "as many steps between looks"
        assert samples - LOOKS * batch < steps * batch <= samples or steps == LOOKS
