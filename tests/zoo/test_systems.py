"""Systems by name: what they are made of, and that each leaves torch as one graph."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
import torch

from matpose.compare.recipe import load_compare_recipe
from matpose.errors import ModelError
from matpose.evaluation.system_cost import latencies_ms, system_cost
from matpose.zoo.padding import size_for
from matpose.zoo.system import Truth
from matpose.zoo.systems import BACKBONES, OURS, build_system, check_system

ROWS, COLS = 64, 32
FULL = load_compare_recipe("full").systems
BIG = ("shglass", "pose_attention", "pyranet", "hrpose", "respose")


def test_the_baselines_cost_what_was_counted():
    counts = {
        "shglass": 12_638_878, "pose_attention": 12_686_164, "pyranet": 27_221_110,
        "hrpose": 28_534_862, "respose": 52_984_782,
    }  # fmt: skip
    for name, count in counts.items():
        with torch.device("meta"):
            assert sum(p.numel() for p in build_system(name, ROWS, COLS, torch.rand(8, 14, 2)).parameters()) == count


def test_cost_is_of_the_map_as_padded_and_of_the_papers():
    cost = system_cost("resnet18", ROWS, COLS)
    assert cost["macs_256"] == pytest.approx(32 * cost["macs"], rel=0.01), "32 times the cells"
    assert system_cost(OURS, ROWS, COLS)["parameters"] < 160_000


def test_multiplications_are_those_of_the_convolutions_and_of_attention():
    papers = {"hrpose": 10.174e9, "respose": 11.978e9}
    for name, count in papers.items():
        assert system_cost(name, ROWS, COLS)["macs_256"] == pytest.approx(count, rel=1e-3)
    cells, width, hidden, layers = 32 * 16, 96, 192, 3
    layer = 4 * cells * width**2 + 2 * cells * width * hidden + 2 * cells**2 * width
    dense, plain = system_cost("native+transpose", ROWS, COLS), system_cost("native+heatmap", ROWS, COLS)
    own = cells * (64 * width + width * 14 - 64 * 14)
    assert dense["macs"] - plain["macs"] == layers * layer + own


def test_latency_is_of_the_slower_one_and_threads_are_given_back():
    threads = torch.get_num_threads()
    slow = torch.nn.Conv2d(1, 256, 31)
    found = latencies_ms(
        {"fast": lambda x: x, "slow": slow}, dict.fromkeys(("fast", "slow"), torch.rand(1, 1, 64, 64)), 5
    )
    assert found["slow"]["p50"] > found["fast"]["p50"]
    assert torch.get_num_threads() == threads


def test_what_cannot_be_built_is_told():
    poses = torch.rand(8, 14, 2)
    for name in ("native", "nobody+dark"):
        with pytest.raises(ModelError):
            build_system(name, ROWS, COLS, poses)


def test_several_scales_are_joined_where_there_are_two():
    stacked = ("shglass", "pose_attention", "pyranet")
    for name in stacked:
        check_system(f"{name}+multi_scale")
    for name in set(BACKBONES) - set(stacked):
        with pytest.raises(ModelError, match="two heatmaps"):
            check_system(f"{name}+multi_scale")


def test_our_own_system_learns(tmp_path):
    torch.manual_seed(0)
    system = build_system(OURS, ROWS, COLS, torch.rand(8, 14, 2))
    x, places = torch.rand(4, 1, ROWS, COLS), torch.rand(4, 14, 2) - 0.5
    truth = Truth(places, torch.ones(4, 14, dtype=torch.bool), torch.ones(4, 14))
    optimiser = torch.optim.Adam(system.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        parts = system.loss(x, truth)
        optimiser.zero_grad()
        parts["loss"].backward()
        optimiser.step()
        losses.append(float(parts["heat"].detach()))
    assert np.mean(losses[-5:]) < 0.8 * losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FULL, "resnet18+dsnt"])
def test_every_system_of_the_grid_leaves_torch_as_one_graph(name, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    system = build_system(name, ROWS, COLS, torch.rand(32, 14, 2)).eval()
    rows, cols = size_for(system.backbone, ROWS, COLS)
    x = torch.rand(1, 1, rows, cols)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(system, (x,), dynamo=True, opset_version=20, input_names=["x"], verbose=False)
    assert program is not None
    program.save(tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = system(x)
    found = session.run(None, {"x": x.numpy()})
    np.testing.assert_allclose(found[0], expected.xy_norm, atol=1e-4)
    np.testing.assert_allclose(found[1], expected.score, rtol=1e-3, atol=1e-4)


def test_every_backbone_says_how_many_heatmaps_it_has():
    for name, build in BACKBONES.items():
        with torch.device("meta"):
            backbone = build().eval()
            rows, cols = size_for(backbone, ROWS, COLS)
            seen = backbone(torch.zeros(1, 1, rows, cols))
        assert len(seen.heatmaps) == backbone.heatmaps, name
        assert seen.features.shape == (1, backbone.channels, rows // backbone.stride, cols // backbone.stride), name
