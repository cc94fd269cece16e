"""The two stages: learning, weight transfer, determinism, resuming, whole checkpoints."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import tiny_recipe

from matpose.errors import MatposeError, ModelError
from matpose.simulate.blobs import blob_people
from matpose.training import crwt
from matpose.training.checkpoint import SafetensorsIO
from matpose.training.crwt import fit_efd
from matpose.training.data import Maps, collect_maps
from matpose.training.history import read_history
from matpose.training.module import StageModule
from matpose.training.recipe import Recipe


@pytest.fixture(scope="module")
def maps() -> tuple[Maps, Maps]:
    found = collect_maps(blob_people(3, 2), tiny_recipe().canvas, frames_per_recording=3)
    return found.of_subjects(["blobs/1", "blobs/2"]), found.of_subjects(["blobs/3"])


@pytest.fixture(autouse=True)
def one_thread():
    threads, ctrl_c = torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, ctrl_c)  # Lightning ignores it once it was interrupted


def _fit(maps: tuple[Maps, Maps], folder: Path, recipe: Recipe, *, resume: bool = False):
    return fit_efd(maps[0], maps[1], recipe, folder, resume=resume, progress=False)


def _state(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return SafetensorsIO().load_checkpoint(folder / "checkpoints" / f"{name}.safetensors")["state_dict"]


def _same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


class Stopped(Exception):
    """The power failed."""


def _stop_at(monkeypatch, stage: str, epoch: int, batch: int, failure: type[BaseException] = Stopped) -> None:
    step = StageModule.training_step

    def failing(self: StageModule, index: torch.Tensor, batch_index: int) -> torch.Tensor:
        if (self.stage, self.current_epoch, batch_index) == (stage, epoch, batch):
            raise failure
        return step(self, index, batch_index)

    monkeypatch.setattr(StageModule, "training_step", failing)


def _losses(monkeypatch, *val_losses: float) -> None:
    """Let the presence stage have these validation losses, and learn nothing."""
    coming = iter(val_losses)
    monkeypatch.setattr(
        "matpose.training.module.presence_loss",
        lambda out, *_: 0 * out.sum() + (0 if torch.is_grad_enabled() else next(coming)),
    )


@pytest.fixture(scope="module")
def whole(maps, tmp_path_factory):
    """An uninterrupted run of three epochs a stage."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole")
    recipe = tiny_recipe("presence_epochs=3", "epochs=3")
    efd, rows = _fit(maps, folder, recipe)
    return folder, recipe, efd, rows


def test_both_stages_learn(maps, tmp_path):
    recipe = tiny_recipe("presence_epochs=4", "epochs=4", "batches_per_epoch=8")
    _, rows = _fit(maps, tmp_path, recipe)
    for stage in ("presence", "reconstruction"):
        losses = [float(row["train_loss"]) for row in rows if row["stage"] == stage]
        assert len(losses) == 4
        assert losses[-1] < 0.8 * losses[0]


def test_metrics_csv_is_complete(whole):
    folder, recipe, _, rows = whole
    written = read_history(folder / "metrics.csv")
    assert [(row["stage"], row["epoch"]) for row in written] == [
        *(("presence", epoch) for epoch in range(recipe.presence_epochs)),
        *(("reconstruction", epoch) for epoch in range(recipe.epochs)),
    ]
    assert written == rows
    always = {"stage", "epoch", "learning_rate", "train_loss", "val_loss"}
    label_free = {
        "equivariance_median_pct", "equivariance_p95_pct", "swap_ratio", "feature_shuffle_ratio", "distance_min_cm",
        "point_sd_cm", "on_contact", "entropy", "ssim", "ssim_global", "within_recording_sd_cm",
    }  # fmt: skip
    for row in written:
        more = {"val_presence_f"} if row["stage"] == "presence" else {f"val_{name}" for name in label_free}
        assert always | more <= row.keys()
        assert all(np.isfinite(value) for value in row.values() if not isinstance(value, str))
    rates = [row["learning_rate"] for row in written if row["stage"] == "presence"]
    assert rates == sorted(rates, reverse=True)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(whole, maps, tmp_path):
    folder, recipe, efd, _ = whole
    again, _ = _fit(maps, tmp_path / "again", recipe)
    assert _same(again.state_dict(), efd.state_dict())
    other, _ = _fit(maps, tmp_path / "other", tiny_recipe("seed=1", "crwt=false", "epochs=1"))
    assert not _same(other.state_dict(), efd.state_dict())
    assert _same(_state(tmp_path / "again", "reconstruction-last"), _state(folder, "reconstruction-last"))


def test_stage_2_starts_from_the_best_weights_of_stage_1(maps, tmp_path, monkeypatch):
    seen = {}
    original = crwt._fit_stage

    def spy(model, recipe, stage, *rest):
        seen[stage] = {key: value.clone() for key, value in model.state_dict().items()}
        original(model, recipe, stage, *rest)

    monkeypatch.setattr(crwt, "_fit_stage", spy)
    _fit(maps, tmp_path, tiny_recipe())
    best = {key.removeprefix("model."): value for key, value in _state(tmp_path, "presence-best").items()}
    head = "decoder.rebuild.head."
    backbone = [key for key in best if not key.startswith(head)]
    assert backbone
    assert all(torch.equal(seen["reconstruction"][key], best[key]) for key in backbone)
    assert any(not torch.equal(seen["presence"][key], best[key]) for key in backbone)  # stage 1 did learn
    last_layer = next(key for key in best if key.startswith(head) and best[key].shape[:1] == (2,))
    assert seen["reconstruction"][last_layer].shape[0] == 1


def test_without_crwt_there_is_one_stage(maps, tmp_path):
    _, rows = _fit(maps, tmp_path, tiny_recipe("crwt=false", "epochs=1"))
    assert [row["stage"] for row in rows] == ["reconstruction"]
    assert not (tmp_path / "checkpoints" / "presence-best.safetensors").exists()


@pytest.mark.parametrize(
    ("stage", "epoch", "batch"),
    [
        ("presence", 2, 1),
        ("reconstruction", 2, 2),
        pytest.param("presence", 1, 0, marks=pytest.mark.slow),
        pytest.param("reconstruction", 0, 0, marks=pytest.mark.slow),
    ],
)
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
    whole, maps, tmp_path, monkeypatch, stage, epoch, batch
):
    folder, recipe, efd, rows = whole
    with monkeypatch.context() as patch:
        _stop_at(patch, stage, epoch, batch)
        with pytest.raises(Stopped):
            _fit(maps, tmp_path, recipe)
    again, resumed_rows = _fit(maps, tmp_path, recipe, resume=True)
    assert _same(again.state_dict(), efd.state_dict())
    assert _same(_state(tmp_path, "reconstruction-last"), _state(folder, "reconstruction-last"))
    assert resumed_rows == rows


def test_the_last_checkpoint_is_of_the_last_epoch_even_if_that_was_worse(maps, tmp_path, monkeypatch):
    _losses(monkeypatch, 1.0, 2.0, 3.0)
    _stop_at(monkeypatch, "presence", 3, 0)
    with pytest.raises(Stopped):
        _fit(maps, tmp_path, tiny_recipe("presence_epochs=5"))
    for name, epoch in (("best", 0), ("last", 2)):
        path = tmp_path / "checkpoints" / f"presence-{name}.safetensors"
        assert SafetensorsIO().load_checkpoint(path)["epoch"] == epoch


def test_resuming_a_finished_run_changes_nothing_even_when_it_was_moved(maps, tmp_path):
    recipe = tiny_recipe()
    efd, _ = _fit(maps, tmp_path / "here", recipe)
    (tmp_path / "here").rename(tmp_path / "there")
    before = (tmp_path / "there" / "metrics.csv").read_bytes()
    again, _ = _fit(maps, tmp_path / "there", recipe, resume=True)
    assert _same(again.state_dict(), efd.state_dict())
    assert (tmp_path / "there" / "metrics.csv").read_bytes() == before
    assert not (tmp_path / "here").exists()


def test_a_moved_run_still_knows_its_best_epoch(whole, maps, tmp_path, monkeypatch):
    """Resumed elsewhere, a worse later epoch must not take the place of the best one."""
    _, recipe, efd, _ = whole
    with monkeypatch.context() as patch:
        _stop_at(patch, "reconstruction", 2, 0)
        with pytest.raises(Stopped):
            _fit(maps, tmp_path / "here", recipe)
    (tmp_path / "here").rename(tmp_path / "there")
    again, _ = _fit(maps, tmp_path / "there", recipe, resume=True)
    assert _same(again.state_dict(), efd.state_dict())


def test_a_stage_that_stopped_early_stays_stopped_when_resumed(maps, tmp_path, monkeypatch):
    recipe = tiny_recipe("presence_epochs=8", "epochs=1", "patience=1")
    with monkeypatch.context() as patch:
        _losses(patch, 1.0, 2.0, 3.0)
        _stop_at(patch, "reconstruction", 0, 0)
        with pytest.raises(Stopped):
            _fit(maps, tmp_path, recipe)
    before = [row for row in read_history(tmp_path / "metrics.csv") if row["stage"] == "presence"]
    assert len(before) == 2  # the second epoch was worse
    _, rows = _fit(maps, tmp_path, recipe, resume=True)
    assert len([row for row in rows if row["stage"] == "presence"]) == 2


def test_a_failure_while_saving_leaves_the_old_checkpoint_whole(maps, tmp_path, monkeypatch):
    recipe = tiny_recipe("crwt=false", "epochs=3")
    last = tmp_path / "checkpoints" / "reconstruction-last.safetensors"
    replace, times = os.replace, iter(range(99))

    def failing(source, target):
        if Path(target) == last and next(times) == 1:
            raise OSError("the disk is full")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing)
        with pytest.raises(MatposeError, match="disk is full"):
            _fit(maps, tmp_path, recipe)
    assert SafetensorsIO().load_checkpoint(last)["epoch"] == 0
    assert [path.name for path in last.parent.iterdir() if path.name.startswith(".")] == []
    _, rows = _fit(maps, tmp_path, recipe, resume=True)
    assert [row["epoch"] for row in rows] == [0, 1, 2]


def test_ctrl_c_is_a_keyboard_interrupt_again(maps, tmp_path, monkeypatch):
    _stop_at(monkeypatch, "reconstruction", 1, 0, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        _fit(maps, tmp_path, tiny_recipe("crwt=false"))


def test_a_training_that_diverges_says_so(maps, tmp_path, monkeypatch):
    monkeypatch.setattr("matpose.training.module.reconstruction_loss", lambda out, *_, **__: out.sum() * torch.nan)
    with pytest.raises(ModelError, match=r"diverged.*learning_rate"):
        _fit(maps, tmp_path, tiny_recipe("crwt=false"))


@pytest.mark.parametrize("device", ["banana", "cuda"])
def test_a_device_that_is_not_there(maps, tmp_path, device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(MatposeError, match="device"):
        fit_efd(maps[0], maps[1], tiny_recipe(), tmp_path, progress=False, device=device)
    assert list(tmp_path.iterdir()) == []


def test_no_file_of_a_run_holds_a_pickle(whole):
    folder, *_ = whole
    for path in folder.rglob("*"):
        if path.is_file():
            head = path.read_bytes()[:4]
            assert not head.startswith((b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")), path
