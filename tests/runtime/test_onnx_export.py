"""Export writes a file that answers as torch does, on anything, or writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from nets import POSTURES, TINY_CANVAS, TINY_CARD, Answer, TinyPose

import matpose
from matpose.canvas import NATIVE
from matpose.errors import ModelError
from matpose.mat import preset
from matpose.nn.pose_net import PoseOut
from matpose.recording import JOINT_NAMES
from matpose.runtime.card import card
from matpose.runtime.export import export_onnx
from matpose.runtime.found import Found
from matpose.runtime.onnx_backend import OnnxBackend
from matpose.runtime.parity import PARITY, check_parity, differences, parity_maps
from matpose.runtime.pose_module import pose_module
from matpose.runtime.torch_backend import TorchBackend
from matpose.simulate.blobs import blob_recording
from matpose.training.build import build_efd, build_pose_net
from matpose.training.model_file import FILE_NAME, TrainedModel, save_model
from matpose.training.recipe import load_recipe

TINY_MAPS = parity_maps(TINY_CANVAS)


def test_the_file_answers_as_torch_does_on_maps_that_export_never_saw(trained_run, exported):
    people = [NATIVE.resample(blob_recording(seed).frames, preset("pmatdata-i")) for seed in range(100, 110)]
    maps = np.concatenate(people).astype(np.float32)
    expected, found = TorchBackend(trained_run)(maps), OnnxBackend(exported.path)(maps)
    assert max(differences(expected, found).values()) <= PARITY
    assert found.points_xy_norm.std(0).max() > 0.01  # else the maps would prove nothing
    assert found.posture.shape == (80, 3)
    assert found.joints_xy_norm.shape == (80, 0, 2)


def test_export_tells_parity_and_size(exported):
    assert list(exported.parity) == list(Found._fields)
    assert 0 < exported.parity["points_xy_norm"] <= PARITY
    assert exported.size_bytes == exported.path.stat().st_size < 2_000_000


def test_convolutions_carry_their_batchnorms(exported):
    graph = onnx.load(exported.path).graph
    of_conv = {output for node in graph.node if node.op_type == "Conv" for output in node.output}
    normed = {node.input[0] for node in graph.node if node.op_type == "BatchNormalization"}
    assert of_conv
    assert not of_conv & normed


def test_the_card_says_what_the_model_is(exported):
    said = OnnxBackend(exported.path).card
    assert said["notice"] == "Research use. Not a medical device."
    assert said["version"] == matpose.__version__
    assert json.loads(said["recipe"])["sharpness"] == 8
    assert json.loads(said["postures"]) == list(POSTURES)
    assert json.loads(said["facts"]) == {"train_subjects": 2}  # people are counted, not named
    assert "anna" not in str(said)
    assert "Apache-2.0" in said["licence"]


def test_the_file_does_not_tell_where_it_was_made(exported):
    content = exported.path.read_bytes()
    assert str(Path(matpose.__file__).parent).encode() not in content
    assert b".py" not in content


def test_the_same_model_gives_the_same_bytes(tiny_onnx, tmp_path):
    again = export_onnx(TinyPose(), TINY_MAPS, tmp_path / "again.onnx", TINY_CARD)
    assert again.path.read_bytes() == tiny_onnx.read_bytes()


def test_one_map_and_many_give_the_same(tiny_onnx):
    backend = OnnxBackend(tiny_onnx)
    together = backend(TINY_MAPS)
    for index in (0, 7):
        alone = backend(TINY_MAPS[index : index + 1])
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_allclose(a[0], b[index], atol=1e-5)


class NotANumber(TinyPose):
    def forward(self, pressure: torch.Tensor) -> Answer:
        answer = super().forward(pressure)
        return answer._replace(
            joints_contact=answer.joints_contact / pressure.sum((1, 2, 3))[:, None]
        )  # of an empty bed


class ExportedOtherwise(TinyPose):
    def forward(self, pressure: torch.Tensor) -> Answer:
        answer = super().forward(pressure)
        return answer._replace(joints_xy_norm=answer.joints_xy_norm + 3e-4 * torch.compiler.is_exporting())


class OneBatchOnly(TinyPose):
    def forward(self, pressure: torch.Tensor) -> Answer:
        answer = super().forward(pressure)
        return answer._replace(posture=torch.ones(2).expand(len(pressure), 2))


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (NotANumber, "joints_contact are not finite"),
        (ExportedOtherwise, "differs from the trained one by 3.0e-04 in joints_xy_norm"),
        (OneBatchOnly, "one number of maps"),
    ],
)
def test_a_net_that_cannot_be_relied_on_is_not_written(tmp_path, net, said):
    path = tmp_path / "there" / "net.onnx"
    path.parent.mkdir()
    path.write_bytes(b"an older export")
    with pytest.raises(ModelError, match=said):
        export_onnx(net(), TINY_MAPS, path, TINY_CARD)
    assert [file.name for file in path.parent.iterdir()] == ["net.onnx"]
    assert path.read_bytes() == b"an older export"


def test_parity_maps_hold_what_beds_hold():
    maps = parity_maps(NATIVE)
    assert maps.dtype == np.float32
    loaded = (maps > 0).sum((1, 2))
    assert {0, 1, NATIVE.rows * NATIVE.cols} <= set(loaded.tolist())
    peaks = maps.max((1, 2))
    assert peaks[peaks > 0].min() < 1e-3
    assert peaks.max() > 1e5


class _Fixed:
    """A backend that answers with the rows of what it was given."""

    def __init__(self, answer: Found) -> None:
        self.answer, self.asked = answer, 0

    def __call__(self, maps: np.ndarray) -> Found:
        start, self.asked = self.asked % len(self.answer.posture), self.asked + len(maps)
        return Found(*(values[start : start + len(maps)] for values in self.answer))


@pytest.mark.parametrize("output", Found._fields)
def test_every_output_counts_for_parity(output):
    maps = np.zeros((3, 4, 4), np.float32)
    right = Found(*np.zeros((6, 3, 2)))
    assert set(check_parity(right, _Fixed(right), maps).values()) == {0.0}  # type: ignore[arg-type]
    for wrong in (2 * PARITY, np.nan):
        values = np.zeros((3, 2))
        values[2, 1] = wrong
        with pytest.raises(ModelError, match=output):
            check_parity(right, _Fixed(right._replace(**{output: values})), maps)  # type: ignore[arg-type]


def test_answers_of_another_shape_differ():
    right = Found(*np.zeros((6, 3, 2)))
    assert differences(right, right._replace(posture=np.zeros((3, 1))))["posture"] == float("inf")


@pytest.mark.slow
def test_the_papers_canvas_is_exported_too(tmp_path):
    recipe = load_recipe("paper")
    trained = TrainedModel(build_efd(recipe).eval(), recipe)
    module, names = pose_module(trained)
    done = export_onnx(module, parity_maps(recipe.canvas), tmp_path / "paper.onnx", card(trained, names))
    assert OnnxBackend(done.path).points == 128


def test_a_model_with_a_joint_head_is_exported_with_all_its_outputs(tmp_path):
    torch.manual_seed(0)
    recipe = load_recipe("native", ("rows=32", "cols=16", "cell_mm=64", "points=8", "sharpness=4"))
    efd = build_efd(recipe)
    net = build_pose_net(efd, recipe)
    maps = parity_maps(recipe.canvas)
    with torch.no_grad():  # a fresh head answers alike for everybody
        net.head.read.weight.normal_(0, 2)
        net.head.heat.weight.normal_(0, 3)
        for _ in range(20):
            net(torch.from_numpy(maps[:24, None]))
    postures = ("supine", "prone", "left", "right")
    trained = TrainedModel(efd.eval(), recipe, None, postures, joints=net.eval())
    save_model(tmp_path / FILE_NAME, trained)
    module, names = pose_module(trained)
    done = export_onnx(module, maps, tmp_path / "net.onnx", card(trained, names))
    backend, of_run = OnnxBackend(done.path), TorchBackend(tmp_path)
    assert backend.joint_names == of_run.joint_names == JOINT_NAMES
    assert backend.postures == of_run.postures == postures
    found = backend(maps[:24])
    assert max(differences(of_run(maps[:24]), found).values()) <= PARITY
    for name, values in found._asdict().items():
        assert values.std(0).max() > 1e-3, name
        assert 0 < done.parity[name] <= PARITY
    cost = json.loads(backend.card["cost"])
    assert cost["parameters"] == sum(cost[part]["parameters"] for part in ("encoder", "fuser", "decoder", "joints"))
    assert cost["joints"]["conv_macs"] > 0


def test_nets_answer_in_the_order_of_the_contract():
    """Outputs go to the file by their order, so the order is the contract."""
    assert PoseOut._fields == Found._fields == Answer._fields
