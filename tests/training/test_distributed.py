"""Several processes train as one would: shared batches, shared statistics, one writer, decisions alike."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from forks import together
from tiny import SMALL, tiny_recipe
from torch import nn

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.simulate.blobs import blob_people
from matpose.training.build import build_efd
from matpose.training.checkpoint import read_tensors, write_tensors
from matpose.training.crwt import fit_efd
from matpose.training.data import Maps, collect_maps
from matpose.training.history import read_history
from matpose.training.module import Stage, StageModule
from matpose.training.objective import TERMS
from matpose.training.shared_norm import SharedBatchNorm2d, share_statistics
from matpose.training.world import World, this_world


@pytest.fixture(scope="module")
def maps() -> tuple[Maps, Maps]:
    """Of two mats, so that not every map has as many cells on its mat."""
    recipe = tiny_recipe()
    people = [*blob_people(2, 2), *blob_people([3, 4], 2, mat=Mat(48, 20, 0.03, 0.03))]
    found = collect_maps(people, recipe.canvas, frames_per_recording=3)
    return found.of_subjects(["blobs/1", "blobs/2", "blobs/3"]), found.of_subjects(["blobs/4"])


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _join(rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", f"file://{folder / 'store'}", timedelta(minutes=5), world_size=2, rank=rank)


EVERY_TERM = (
    "cross_view=true", "start=both",
    *(f"{term}_weight=1" for term in TERMS),
)  # fmt: skip


def _step(maps: Maps, stage: Stage, changes: tuple[str, ...], world: World) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients of the first training step, in double precision: differences are then no rounding."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    recipe = tiny_recipe("batch=7", "drop_lines=1", *changes)
    model = build_efd(recipe, outputs=2 if stage == "presence" else 1).double()
    if world.size > 1:
        share_statistics(model)
    module = StageModule(model, recipe, stage, maps, maps, world)
    module.log = lambda *_, **__: None
    whole, seen = maps.pressure, {}
    index = next(iter(module.train_dataloader()))
    share = world.share(len(index))
    model.encoder.register_forward_pre_hook(lambda _, given: seen.update(maps=given[0][: share.stop - share.start]))
    object.__setattr__(maps, "pressure", whole.double())
    loss = module.training_step(index, 0)
    object.__setattr__(maps, "pressure", whole)
    loss.backward()
    torch.set_default_dtype(torch.float32)
    tensors = {f"grad.{name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    tensors |= {f"buffer.{name}": b for name, b in model.named_buffers()}
    return loss.item(), tensors | {"seen": seen["maps"]}


@pytest.mark.parametrize("changes", [(), EVERY_TERM], ids=["plain", "every term"])
@pytest.mark.parametrize("stage", ["presence", "reconstruction"])
def test_two_halves_of_a_step_are_the_whole_step(maps, tmp_path, stage, changes):
    """Loss, every gradient and every BatchNorm statistic, on seven maps of two mats: three here, four there."""
    loss, whole = _step(maps[0], stage, changes, World())

    def work(rank: int) -> None:
        _join(rank, tmp_path)
        own_loss, tensors = _step(maps[0], stage, changes, World(rank, 2))
        write_tensors(tmp_path / f"{rank}.safetensors", tensors | {"loss": torch.tensor(own_loss)}, {})

    together(work, tmp_path)
    halves = [read_tensors(tmp_path / f"{rank}.safetensors")[0] for rank in range(2)]
    assert [len(half["seen"]) for half in halves] == [3, 4]
    torch.testing.assert_close(torch.cat([half["seen"] for half in halves]), whole["seen"], rtol=0, atol=0)
    assert np.mean([half["loss"].item() for half in halves]) == pytest.approx(loss, rel=1e-6)
    for name, expected in whole.items():
        if name.startswith("grad."):
            found = (halves[0][name] + halves[1][name]) / 2
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9, msg=lambda m, name=name: f"{name}: {m}")
        elif name.startswith("buffer."):
            torch.testing.assert_close(halves[0][name], expected, rtol=1e-6, atol=1e-9)
            torch.testing.assert_close(halves[1][name], halves[0][name], rtol=0, atol=0)


def test_a_whole_training_of_two_is_that_of_one(maps, tmp_path):
    """At a rate so low that Adam does not magnify rounding, losses agree to a thousandth; both hold one model."""
    recipe = tiny_recipe("batch=7", "learning_rate=1e-5", "presence_epochs=1")
    _, expected = fit_efd(maps[0], maps[1], recipe, tmp_path / "one", progress=False)

    def work(rank: int) -> None:
        efd, rows = fit_efd(maps[0], maps[1], recipe, tmp_path / "two", progress=False)
        state = {name: value.contiguous() for name, value in efd.state_dict().items()}
        write_tensors(tmp_path / f"{rank}.safetensors", state, {"rows": json.dumps(rows)})

    together(work, tmp_path)
    (first, first_rows), (second, second_rows) = (read_tensors(tmp_path / f"{rank}.safetensors") for rank in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    rows = read_history(tmp_path / "two" / "metrics.csv")
    assert json.loads(first_rows["rows"]) == json.loads(second_rows["rows"]) == rows
    assert [(row["stage"], row["epoch"]) for row in rows] == [(row["stage"], row["epoch"]) for row in expected]
    for row, same in zip(rows, expected, strict=True):
        for name in ("train_loss", "val_loss"):
            assert row[name] == pytest.approx(same[name], rel=1e-3), (row["stage"], row["epoch"], name)
    for stage in ("presence", "reconstruction"):
        assert len(list((tmp_path / "two" / "tensorboard" / stage).glob("events*"))) == 1  # one writer


def test_all_stop_at_the_same_epoch_though_they_see_other_losses(maps, tmp_path, monkeypatch):
    """The mean decides: 1, 1.25, ... grows, though the second process's own loss falls."""
    recipe = tiny_recipe("presence_epochs=6", "epochs=1", "patience=2", "batches_per_epoch=1")
    seen = {0: (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), 1: (1.0, 0.5, 0.4, 0.3, 0.2, 0.1)}

    def work(rank: int) -> None:
        coming = iter(seen[rank])
        monkeypatch.setattr(
            "matpose.training.module.presence_loss",
            lambda out, *_: 0 * out.sum() + (0 if torch.is_grad_enabled() else next(coming)),
        )
        _, rows = fit_efd(maps[0], maps[1].select(np.arange(4)), recipe, tmp_path / "run", progress=False)
        (tmp_path / f"{rank}.txt").write_text(str([row["val_loss"] for row in rows if row["stage"] == "presence"]))

    together(work, tmp_path)
    assert (tmp_path / "0.txt").read_text() == (tmp_path / "1.txt").read_text()
    assert [float(x) for x in (tmp_path / "0.txt").read_text().strip("[]").split(",")] == pytest.approx(
        [1.0, 1.25, 1.7]
    )


def test_a_shared_norm_alone_is_a_batch_norm(tmp_path):
    """In eval mode, and over a group of one, nothing differs; the parameters stay the same objects."""
    torch.manual_seed(0)
    plain, x = nn.BatchNorm2d(3), 5 + torch.randn(4, 3, 6, 2).to(memory_format=torch.channels_last)
    shared = nn.BatchNorm2d(3)
    weight = shared.weight
    share_statistics(shared)
    assert isinstance(shared, SharedBatchNorm2d)
    assert shared.weight is weight

    def work(rank: int) -> None:
        dist.init_process_group("gloo", f"file://{tmp_path / 'store'}", world_size=1, rank=0)
        for _ in range(3):
            torch.testing.assert_close(shared(x), plain(x))
        torch.testing.assert_close(shared.state_dict(), plain.state_dict())
        torch.testing.assert_close(shared.eval()(x), plain.eval()(x), rtol=0, atol=1e-6)

    together(work, tmp_path, size=1)


@pytest.mark.parametrize(("size", "count"), [(1, 5), (2, 7), (3, 8), (8, 8)])
def test_the_shares_of_a_batch_are_the_batch(size, count):
    parts = [list(range(count))[World(rank, size).share(count)] for rank in range(size)]
    assert [thing for part in parts for thing in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_the_world_is_the_one_torchrun_describes(monkeypatch):
    monkeypatch.setenv("RANK", "1")  # somebody else's variable, as long as torchrun did not start us
    assert this_world() == World()
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert this_world() == World(3, 4, 2)
    assert not this_world().speaks


def test_more_processes_than_maps_in_a_batch(maps, tmp_path, monkeypatch):
    monkeypatch.setattr("matpose.training.crwt.this_world", lambda: World(0, 9))
    with pytest.raises(MatposeError, match="9 processes cannot share batches of 8 maps"):
        fit_efd(maps[0], maps[1], tiny_recipe(), tmp_path, progress=False)


def _torchrun(folder: Path, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "matpose"]
    command += ["train", "blobs:3", *SMALL, "-o", str(folder), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _ranks(launcher: int) -> list[int]:
    """Process numbers of the ranks that a torchrun started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[1]) == launcher:
                found.append(int(status.parent.name))
        except OSError:
            continue  # it has just ended
    return sorted(found)


@pytest.mark.slow
def test_torchrun_trains_one_model_and_speaks_with_one_voice(tmp_path, shell):
    process = _torchrun(tmp_path / "two", "--json")
    said, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert said.count('"run"') == 1
    assert errors.count("validating on") == 1
    assert (tmp_path / "two" / "report.html").exists()
    assert shell("train", "blobs:3", *SMALL, "-o", tmp_path / "one", "--json").code == 0
    rows = [read_history(tmp_path / name / "metrics.csv") for name in ("one", "two")]
    for one, two in zip(*rows, strict=True):
        # a first epoch to half a percent; then rounding grows as any change of the last bit does
        tolerance = 5e-3 if (one["stage"], one["epoch"]) == ("presence", 0) else 0.1
        for name in ("train_loss", "val_loss"):
            assert two[name] == pytest.approx(one[name], rel=tolerance)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the ranks in /proc")
@pytest.mark.parametrize("rank", [0, 1])
def test_when_one_process_dies_the_others_end_and_the_run_can_go_on(tmp_path, rank):
    folder = tmp_path / "run"
    process = _torchrun(folder)
    while not (folder / "checkpoints" / "presence-best.safetensors").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    ranks = _ranks(process.pid)
    assert len(ranks) == 2
    os.kill(ranks[rank], signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert not any(Path(f"/proc/{number}").exists() for number in ranks)
    again = _torchrun(folder, "--resume")
    _, errors = again.communicate(timeout=600)
    assert again.returncode == 0, errors
    assert len(read_history(folder / "metrics.csv")) == 4
