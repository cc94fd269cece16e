"""The grid of systems: trained alike, resumed, and honest about what failed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")

from matpose.compare import grid as grid_module
from matpose.compare import row as module
from matpose.compare import shipped
from matpose.compare.export import export_system, trained_system
from matpose.compare.fit import fit_system
from matpose.compare.grid import compare
from matpose.compare.look import Look, answered
from matpose.compare.material import TRAIN_SEED
from matpose.compare.pictures import accuracy_against_cost
from matpose.compare.recipe import load_compare_recipe
from matpose.compare.row import fresh
from matpose.compare.tables import table
from matpose.datasets import load
from matpose.errors import DatasetError, Diverged, MatposeError, ModelError, RecipeError
from matpose.evaluation.system_cost import system_cost
from matpose.mat import preset
from matpose.readers.hdf5_write import write_recording
from matpose.recording import Recording
from matpose.simulate.generate import recording_of
from matpose.simulate.scene import draw_sample
from matpose.training.checkpoint import SafetensorsIO, read_tensors
from matpose.training.joint_maps import simulated_joint_maps
from matpose.zoo.padding import padded, to_padded
from matpose.zoo.system import Answer, Backbone, Head, Seen, System
from matpose.zoo.systems import build_system

SMALL = ("bodies=8", "readings=1", "validation_bodies=8", "test_bodies=8", "samples=320", "batch=16")


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    recipe = load_compare_recipe("quick", (*SMALL, "systems=[matpose,native+deeppose]"))
    with pytest.MonkeyPatch.context() as short:  # posture nets take their time even on few maps
        short.setattr("matpose.evaluation.classifier_fit.EPOCHS", 1)
        short.setattr("matpose.evaluation.classifier_fit.LEAST_STEPS", 1)
        return recipe, folder, compare(recipe, folder, progress=False)


@pytest.mark.slow
def test_every_system_has_a_whole_row(grid):
    recipe, folder, found = grid
    assert [row["system"] for row in found["rows"]] == list(recipe.systems)
    for row in found["rows"]:
        assert len(row["curve"]) == 10
        assert 0 <= row["seen"]["pckh20"] <= 1
        assert set(row["posture"]) == {"familiar", "frozen"}
        assert set(row["posture"]["frozen"]) == {"gcn", "gat", "sage"}
    lines = table(found)
    assert {line["system"] for line in lines} == {shipped.NAME, *recipe.systems}
    assert lines[1]["pckh20_unseen"] >= lines[2]["pckh20_unseen"]
    assert lines[1]["pckh20_unseen_sd"] is None
    assert found["shipped"]["unseen"]["pckh20"] > 0.7, "it has learned long"
    accuracy_against_cost(lines, "matpose").savefig(folder / "cost.png")


@pytest.mark.slow
def test_what_is_done_is_not_done_again_and_another_recipe_is_refused(grid, monkeypatch):
    recipe, folder, found = grid
    monkeypatch.setattr(module, "fit_system", lambda *given, **more: pytest.fail("trained again"))
    assert compare(recipe, folder, progress=False)["rows"] == found["rows"]
    other = recipe.model_copy(update={"samples": 640})
    with pytest.raises(MatposeError, match="with another samples"):
        compare(other, folder, progress=False)
    monkeypatch.setattr(grid_module, "real_maps", lambda dataset, canvas: Real())
    with pytest.raises(MatposeError, match="another dataset"):  # rows of simulated postures stand there
        compare(recipe, folder, dataset="pmatdata:here", progress=False)
    monkeypatch.setattr(grid_module, "__version__", "0.0.0")
    with pytest.raises(MatposeError, match="another version"):
        compare(recipe, folder, progress=False)


class Real:
    def digest(self):
        return "other people"


@pytest.mark.slow
def test_a_system_that_fails_says_so_in_its_row_and_the_others_go_on(grid, monkeypatch):
    recipe, folder, _ = grid

    def diverge(*given, **more):
        raise Diverged("the joints stage diverged", mend="lower learning_rate")

    monkeypatch.setattr(module, "fit_system", diverge)
    more = recipe.model_copy(update={"systems": ("native+rle", "matpose")})
    found = compare(more, folder, progress=False)
    rows = {row["system"]: row for row in found["rows"]}
    assert list(rows) == ["matpose", "native+deeppose", "native+rle"], "all that the folder has"
    failed, sound = rows["native+rle"], rows["matpose"]
    assert "diverged" in failed["failed"]
    assert "seen" in sound
    lines = table(found)
    assert lines[0]["system"] == shipped.NAME
    assert lines[-1]["system"] == "native+rle"
    assert lines[-1]["failed"] == [0]
    assert json.loads((folder / "native+rle-seed0" / "row.json").read_text())["failed"] == failed["failed"]


@pytest.fixture
def quick_postures(monkeypatch):
    monkeypatch.setattr("matpose.evaluation.classifier_fit.EPOCHS", 1)
    monkeypatch.setattr("matpose.evaluation.classifier_fit.LEAST_STEPS", 1)


def own_people(path, count=12):
    """A file of people with joints and without contact, as anybody may have one."""
    mat = preset("pmatdata-i")
    frames = [recording_of(draw_sample(number, seed=3, mat=mat), mat) for number in range(count)]
    known: dict = {
        name: np.concatenate([getattr(one, name) for one in frames]) for name in ("frames", "joints_m", "posture")
    }
    flags, person = np.zeros(count, np.uint16), np.arange(count, dtype=np.uint32)
    write_recording(
        path, Recording(mat=mat, unit="kPa", time_s=np.arange(float(count)), flags=flags, person=person, **known)
    )


@pytest.mark.slow
def test_joints_of_a_dataset_several_scales_and_couples(tmp_path, quick_postures):
    own_people(tmp_path / "people.h5")
    changes = (
        *SMALL, f"joints={tmp_path / 'people.h5'}", "systems=[native+grouping,native+transpose]", "couples=2",
        "test_scales=[0.95,1.0]",
    )  # fmt: skip
    recipe = load_compare_recipe("quick", changes)
    folder = tmp_path / "grid"
    found = compare(recipe, folder, progress=False)
    grouping, transpose = found["rows"]
    kept, _ = read_tensors(folder / "training.safetensors")
    assert kept["body"].unique().numel() == 10, "ten of twelve people"
    assert set(grouping["couples"]) == {"top_down", "bottom_up"}
    assert set(transpose["couples"]) == {"top_down"}
    assert all(0 <= figures["two_found"] <= 1 for figures in grouping["couples"].values())
    assert grouping["curve"][-1]["samples"] == 320
    plain, cost = system_cost("native+grouping", 64, 32), found["cost"]["native+grouping"]
    assert cost["macs"] == 2 * plain["macs"], "two scales are two passes"
    assert cost["parameters"] == plain["parameters"]
    drawn = {file.name for file in folder.glob("attention-*")}
    assert drawn == {"attention-native+transpose.png"}
    with Image.open(folder / "attention-native+transpose.png") as picture:
        assert picture.width > 14 * 150, "a column for every joint"
    for other in ({"joints": "simulated"}, {"crop": "full"}, {"test_scales": (1.0,)}, {"couples": 0}):
        with pytest.raises(MatposeError, match="another recipe"):
            compare(recipe.model_copy(update=other), folder, progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("crop", ["full", "upper"])
def test_systems_are_trained_and_tested_on_crops(crop, tmp_path, quick_postures, monkeypatch):
    seen = []
    monkeypatch.setattr(
        module,
        "fit_system",
        lambda system, *given, look, **more: seen.append(look) or fit(system, *given, look=look, **more),
    )
    fit = fit_system
    recipe = load_compare_recipe("quick", (*SMALL, "systems=[native+deeppose]", f"crop={crop}", "couples=1"))
    (row,) = compare(recipe, tmp_path, progress=False)["rows"]
    assert seen == [Look(crop)]
    assert ("couples" in row) == (crop == "full")
    assert 0 <= row["seen"]["pckh20"] <= 1


@pytest.mark.slow
def test_a_damaged_row_is_told(grid):
    recipe, folder, _ = grid
    path = folder / "matpose-seed0" / "row.json"
    whole = path.read_text()
    path.write_text(whole[:50])
    with pytest.raises(MatposeError, match="damaged"):
        compare(recipe, folder, progress=False)
    path.write_text(whole)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["matpose", "native+deeppose"])
def test_a_trained_system_becomes_a_file_that_answers_as_it_does(grid, name, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    recipe, folder, _ = grid
    place = folder / f"{name}-seed0"
    exported = export_system(place, tmp_path / "net.onnx")
    assert max(exported.parity.values()) < 1e-3
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    assert said["system"] == name
    kept, _ = read_tensors(folder / "seen.safetensors")
    pressure = kept["pressure"][:1].float()
    system = trained_system(place, json.loads((place / "row.json").read_text()), recipe)
    with torch.inference_mode():
        expected = answered(system, 7 * pressure)
    xy_norm, score = session.run(["xy_norm", "score"], {"pressure": 7 * pressure.numpy()})
    np.testing.assert_allclose(xy_norm, expected.xy_norm, atol=1e-4)
    np.testing.assert_allclose(score, expected.score, atol=1e-4)


@pytest.mark.slow
def test_a_system_that_failed_has_no_file(grid, tmp_path):
    _, folder, _ = grid
    place = tmp_path / "native+rle-seed0"
    place.mkdir()
    (tmp_path / "recipe.json").write_text((folder / "recipe.json").read_text())
    (place / "row.json").write_text(json.dumps({"system": "native+rle", "seed": 0, "failed": "it diverged"}))
    with pytest.raises(ModelError, match="did not train"):
        export_system(place, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_a_system_without_its_grid_is_told(tmp_path):
    place = tmp_path / "native+rle-seed0"
    place.mkdir()
    (place / "row.json").write_text(json.dumps({"system": "native+rle", "seed": 0, "learning_rate": 0.003}))
    with pytest.raises(MatposeError, match="missing"):
        export_system(place, tmp_path / "net.onnx")


def test_weights_of_another_form_of_the_system_and_lost_ones_are_told(tmp_path):
    recipe = load_compare_recipe("quick")
    row = {"system": "native+deeppose", "learning_rate": 3e-3}
    kept = tmp_path / "rate-0.003" / "checkpoints" / "joints-best.safetensors"
    with pytest.raises(ModelError, match="not a whole model file"):
        trained_system(tmp_path, row, recipe)
    kept.parent.mkdir(parents=True)
    other = build_system("native+rle", recipe.rows, recipe.cols, torch.rand(8, 14, 2))
    state = {f"model.{name}": value for name, value in other.state_dict().items()}
    SafetensorsIO().save_checkpoint({"state_dict": state}, str(kept))
    with pytest.raises(ModelError, match="another version of the system"):
        trained_system(tmp_path, row, recipe)


def test_no_such_device_is_told_at_once(tmp_path):
    with pytest.raises(MatposeError, match="gpu7"):
        compare(load_compare_recipe("quick", SMALL), tmp_path / "grid", device="gpu7")
    assert not (tmp_path / "grid").exists()


def test_a_dataset_without_joints_is_told_and_binds_nobody(tmp_path):
    one = next(load("simulated:1"))
    write_recording(tmp_path / "plain.h5", replace(one, joints_m=None))
    recipe = load_compare_recipe("quick", (*SMALL, f"joints={tmp_path / 'plain.h5'}"))
    with pytest.raises(DatasetError, match="no joints"):
        compare(recipe, tmp_path / "grid", progress=False)
    assert not (tmp_path / "grid" / "recipe.json").exists()


def test_choices_that_there_are_none_of_are_told():
    for change in ("crop=lower", "test_scales=[]", "test_scales=[0]", "couples=-1", "joints="):
        with pytest.raises(RecipeError):
            load_compare_recipe("quick", (change,))


def test_unknown_systems_are_told_at_once(tmp_path):
    for name, mend in (("nobody", "matpose"), ("native", "add a technique"), ("native+nothing", "dark")):
        recipe = load_compare_recipe("quick", (*SMALL, f"systems=[{name}]"))
        with pytest.raises(ModelError) as told:
            compare(recipe, tmp_path, progress=False)
        assert mend in str(told.value)
    assert not (tmp_path / "training.safetensors").exists()


@pytest.mark.slow
def test_a_seed_gives_the_same_weights_and_another_one_others(grid):
    recipe, folder, _ = grid
    maps = simulated_joint_maps(
        folder / "training.safetensors", recipe.bodies, recipe.canvas,
        mats=recipe.mats, readings=recipe.readings, seed=TRAIN_SEED,
    )  # fmt: skip
    one, same, other = (fresh("native+compositional", seed, recipe, maps).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["head.regression.2.weight"], other["head.regression.2.weight"])


class Wide(Backbone):
    channels, stride, sides, heatmaps = 1, 1, 64, 0

    def forward(self, x):
        assert x.shape[2:] == (128, 64)
        return Seen(x, ())


class Peak(Head):
    def forward(self, seen):
        return seen.features

    def answer(self, output):
        flat = output.flatten(1).argmax(1)
        row, col = flat // output.shape[3], flat % output.shape[3]
        xy = torch.stack(((col + 0.5) / output.shape[3], (row + 0.5) / output.shape[2]), -1) * 2 - 1
        return Answer(xy[:, None], torch.ones(len(output), 1))

    def losses(self, output, truth):
        return {}


def test_places_on_padded_maps_are_places_on_the_map():
    dot = torch.zeros(1, 1, 72, 32)
    dot[0, 0, 70, 3] = 1.0
    system = System(Wide(), Peak())
    assert padded(dot, system.backbone).shape[2:] == (128, 64)
    expected = torch.tensor([[[(3.5 / 32) * 2 - 1, (70.5 / 72) * 2 - 1]]])
    torch.testing.assert_close(answered(system, dot).xy_norm, expected)
    there = torch.rand(5, 2)
    back = to_padded(to_padded(there, (72, 32), (128, 64)), (128, 64), (72, 32))
    torch.testing.assert_close(back, there)
