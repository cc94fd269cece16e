"""The ablation: every variant and seed on the same people, used again, gone on with, in processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fake_runs import blob_maps, fake_run
from tiny import tiny_recipe

from matpose.datasets.splits import hold_out
from matpose.errors import MatposeError
from matpose.training import ablation
from matpose.training.ablation import run_ablation
from matpose.training.data import Maps
from matpose.training.model_file import load_model
from matpose.training.recipe import load_recipe


@pytest.fixture(scope="module")
def maps() -> Maps:
    return blob_maps()


@pytest.fixture
def trained(monkeypatch) -> list[tuple[Path, list[str], list[str]]]:
    """Runs are made up; here is which, on whom."""
    calls = []

    def instead(fit: Maps, val: Maps, recipe, folder: Path, *, resume: bool, progress: bool) -> None:
        assert resume
        calls.append((folder, fit.subjects, val.subjects))
        fake_run(folder, recipe, val)

    monkeypatch.setattr(ablation, "train_on", instead)
    monkeypatch.setattr(ablation, "compare", lambda variants: {name: len(runs) for name, runs in variants.items()})
    return calls


def test_every_variant_lacks_one_part_and_every_seed_has_the_same_people(maps, trained, tmp_path):
    said: list[str] = []
    table = run_ablation(
        maps, tiny_recipe("crwt=false", "presence_epochs=2", "epochs=4"), tmp_path, seeds=(3, 4), say=said.append
    )
    assert table == {"full": 2, "- CRWT": 2, "- CRWT, epochs=6": 2, "- dilation": 2, "- exchange": 2}
    parts = {}
    for folder, *_ in trained:
        recipe = load_recipe(str(folder / "recipe.yaml"))
        parts[folder.name] = (recipe.crwt, recipe.dilation, recipe.exchange, recipe.epochs, recipe.seed)
    assert parts == {
        f"{name}-seed{seed}": (*has, seed)
        for seed in (3, 4)
        for name, has in {
            "full": (True, True, True, 4),
            "no-crwt": (False, True, True, 4),
            "no-crwt-as-long": (False, True, True, 6),
            "no-dilation": (True, False, True, 4),
            "no-exchange": (True, True, False, 4),
        }.items()
    }
    assert len({(*fit, "|", *val) for _, fit, val in trained}) == 1
    of_first, of_last = (hold_out(maps.subjects, tiny_recipe().validation_fraction, seed) for seed in (3, 4))
    assert trained[0][1:] == of_first != of_last
    assert len(said) == 11
    assert said[-1].startswith("10 of 10")
    assert said[-1].endswith("0 min left")


def test_finished_runs_are_used_again(maps, trained, tmp_path):
    run_ablation(maps, tiny_recipe(), tmp_path, seeds=(0,))
    (tmp_path / "no-dilation-seed0" / "model.safetensors").unlink()
    del trained[:]
    with pytest.raises(FileExistsError):  # the made-up training cannot go on; a real one can
        run_ablation(maps, tiny_recipe(), tmp_path, seeds=(0,))
    assert [folder.name for folder, *_ in trained] == ["no-dilation-seed0"]


def test_another_recipe_or_other_people_are_refused(maps, trained, tmp_path):
    run_ablation(maps, tiny_recipe(), tmp_path, seeds=(0,))
    with pytest.raises(MatposeError, match="another recipe"):
        run_ablation(maps, tiny_recipe("epochs=5"), tmp_path, seeds=(0,))
    with pytest.raises(MatposeError, match="other recordings"):
        run_ablation(blob_maps(4), tiny_recipe(), tmp_path, seeds=(0,))


@pytest.mark.parametrize("given", [{"seeds": ()}, {"seeds": (0,), "jobs": 0}])
def test_nothing_to_do_is_a_user_error(maps, tmp_path, given):
    with pytest.raises(MatposeError, match="at least one"):
        run_ablation(maps, tiny_recipe(), tmp_path, **given)


@pytest.mark.slow
def test_two_processes_train_what_one_does_and_an_interrupted_ablation_goes_on(maps, monkeypatch, tmp_path):
    recipe, threads = tiny_recipe("presence_epochs=1", "epochs=2"), torch.get_num_threads()
    torch.set_num_threads(1)
    train_on = ablation.train_on

    def fail(*given, **named):
        if given[3].name == "no-dilation-seed0":
            raise KeyboardInterrupt
        return train_on(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(ablation, "train_on", fail)
        with pytest.raises(KeyboardInterrupt):
            run_ablation(maps, recipe, tmp_path / "one", seeds=(0,))
    one = run_ablation(maps, recipe, tmp_path / "one", seeds=(0,))
    two = run_ablation(maps, recipe, tmp_path / "two", seeds=(0,), jobs=2)
    torch.set_num_threads(threads)
    assert one == two
    for place in ("full-seed0", "no-exchange-seed0"):
        a, b = (load_model(tmp_path / jobs / place).efd.state_dict() for jobs in ("one", "two"))
        assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.slow
def test_a_training_that_fails_in_a_process_is_told_as_ever(maps, tmp_path):
    broken = Maps(**{**vars(maps), "pressure": maps.pressure * torch.nan})
    with pytest.raises(MatposeError, match="diverged"):
        run_ablation(broken, tiny_recipe("epochs=1", "presence_epochs=1"), tmp_path, seeds=(0,), jobs=2)
