"""Heads: closed forms, independent formulas, the shape of their answers in ONNX, and that each of them learns."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from torch import nn
from torch.nn import functional as F

from matpose.errors import ModelError
from matpose.losses.laplace import laplace_nll
from matpose.nn.heatmap import cell_grid, soft_argmax
from matpose.recording import JOINT_NAMES
from matpose.zoo.coding.gaussian import gaussian_maps
from matpose.zoo.heads.compositional import CompositionalHead, path_ends, path_matrix
from matpose.zoo.heads.cross_entropy import CrossEntropyHead
from matpose.zoo.heads.deeppose import DeepPoseHead
from matpose.zoo.heads.heatmap import HeatmapHead
from matpose.zoo.heads.integral import IntegralHead
from matpose.zoo.heads.multi_scale import MultiScaleHead
from matpose.zoo.heads.residual_likelihood import LaplaceFlow, Place, ResidualLikelihoodHead
from matpose.zoo.heads.simcc import Bins, SimccHead, bin_centres, smoothed_label
from matpose.zoo.skeleton_tree import PARENTS, ROOT, neighbourhoods, paths_from_origin
from matpose.zoo.system import JOINTS, Backbone, Head, Seen, System, Truth

SIZE = (64, 32)
CHANNELS = 8


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Tiny(Backbone):
    """Three convolutions at stride 2 that know where on the map they are, and heatmaps at two scales."""

    channels = CHANNELS
    stride = 2

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, CHANNELS, 5, 2, 2)
        self.features = nn.Conv2d(CHANNELS, CHANNELS, 5, padding=2)
        self.coarse = nn.Conv2d(CHANNELS, JOINTS, 3, 2, 1)
        self.fine = nn.Conv2d(CHANNELS, JOINTS, 1)

    def forward(self, x: torch.Tensor) -> Seen:
        across, down = cell_grid(x.shape[2], x.shape[3], x)
        where = torch.stack(torch.meshgrid(across, down, indexing="xy")).expand(x.shape[0], 2, *x.shape[2:])
        features = F.relu(self.features(F.relu(self.stem(torch.cat((x, where), 1)))))
        return Seen(features, (self.coarse(features), self.fine(features)))


def _poses(count: int, seed: int = 0) -> torch.Tensor:
    """(count, J, 2): someone on the back, with arms and legs this way and that, anywhere on the map."""
    across = [-0.3, -0.3, -0.2, 0.2, 0.3, 0.3, -0.7, -0.6, -0.4, 0.4, 0.6, 0.7, 0.0, 0.0]
    down = [0.8, 0.4, 0.0, 0.0, 0.4, 0.8, 0.1, -0.2, -0.5, -0.5, -0.2, 0.1, -0.6, -0.85]
    draw = torch.Generator().manual_seed(seed)
    still = torch.tensor([across, down]).T
    moved = still + 0.5 * (torch.rand(count, 1, 2, generator=draw) - 0.5)
    return (moved + 0.04 * torch.randn(count, JOINTS, 2, generator=draw)).clamp(-0.98, 0.98)


def _truth(xy_norm: torch.Tensor, weight: torch.Tensor | None = None) -> Truth:
    ones = torch.ones(xy_norm.shape[:2])
    return Truth(xy_norm, ones.bool(), ones if weight is None else weight)


def _maps(xy_norm: torch.Tensor) -> torch.Tensor:
    """(B, 1, H, W): a blob on every joint."""
    return gaussian_maps(xy_norm, SIZE, 1.5).amax(1, keepdim=True)


HEADS: dict[str, Callable[[], Head]] = {
    "heatmap": lambda: HeatmapHead(CHANNELS),
    "dark": lambda: HeatmapHead(CHANNELS, 2, own=False, coding="dark"),
    "focal": lambda: HeatmapHead(CHANNELS, loss="focal"),
    "structure": lambda: HeatmapHead(CHANNELS, loss="structure"),
    "integral": lambda: IntegralHead(CHANNELS, 2, own=False),
    "dsnt": lambda: IntegralHead(CHANNELS, dsnt=True),
    "simcc": lambda: SimccHead(CHANNELS, 2, SIZE),
    "deeppose": lambda: DeepPoseHead(CHANNELS),
    "deeppose l2": lambda: DeepPoseHead(CHANNELS, grid=(8, 4), norm="l2"),
    "compositional": lambda: CompositionalHead(CHANNELS, _poses(100), grid=(8, 4)),
    "likelihood": lambda: ResidualLikelihoodHead(CHANNELS, grid=(8, 4)),
    "multi-scale": lambda: MultiScaleHead(2, HeatmapHead(CHANNELS, coding="dark"), width=16),
}


def _system(name: str) -> System:
    torch.manual_seed(0)
    return System(Tiny(), HEADS[name]())


def _median_error(system: System, xy_norm: torch.Tensor) -> float:
    with torch.inference_mode():
        return (system.eval()(_maps(xy_norm)).xy_norm - xy_norm).norm(dim=-1).median().item()


@pytest.fixture(scope="module")
def lessons() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Sixty batches of places and their maps."""
    poses = [_poses(8, seed=step) for step in range(60)]
    return [(xy_norm, _maps(xy_norm)) for xy_norm in poses]


@pytest.mark.parametrize("name", HEADS)
def test_sixty_steps_teach_it(name, lessons):
    system = _system(name)
    held_out = _poses(32, seed=99)
    before = _median_error(system, held_out)
    adam = torch.optim.Adam(system.parameters(), 1e-2)
    system.train()
    for xy_norm, maps in lessons:
        loss = system.loss(maps, _truth(xy_norm))
        assert set(loss) == {*system.head.weights, "loss"}
        adam.zero_grad()
        loss["loss"].backward()
        adam.step()
    assert _median_error(system, held_out) < 0.5 * before


class SeveralHeads(nn.Module):
    """Heads on one backbone, so that one export tells of them all."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = Tiny()
        self.heads = nn.ModuleList(HEADS[name]() for name in names)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        seen = self.backbone(x)
        answers = [head.answer(head(seen)) for head in self.heads if isinstance(head, Head)]
        return tuple(torch.cat((answer.xy_norm, answer.score[..., None]), -1) for answer in answers)


def test_a_graph_for_two_maps_answers_three():
    model = SeveralHeads(("dark", "focal", "simcc", "compositional", "likelihood")).eval()
    maps = _maps(_poses(3))
    graph = torch.export.export(model, (maps[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    for one, other in zip(graph(maps), model(maps), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.slow
def test_onnx_answers_as_torch_does(caplog):
    import onnxruntime

    caplog.set_level(logging.ERROR, "torch.onnx")
    model = SeveralHeads(tuple(HEADS)).eval()
    maps = _maps(_poses(3))
    with torch.inference_mode():
        expected = model(maps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model, (maps[:2],), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},), verbose=False
        )
    assert program is not None
    graph = program.model_proto
    assert not [one.name for one in graph.graph.initializer if "flow" in one.name]  # of training only
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    told = session.run(None, {session.get_inputs()[0].name: maps.numpy()})
    for name, one, other in zip(HEADS, expected, told, strict=True):
        np.testing.assert_allclose(np.asarray(other), one.numpy(), atol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", HEADS)
def test_a_map_alone_is_answered_as_in_a_batch(name):
    system = _system(name).eval()
    maps = _maps(_poses(2))
    with torch.inference_mode():
        both, alone = system(maps), system(maps[1:])
    torch.testing.assert_close(alone.xy_norm[0], both.xy_norm[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(alone.score[0], both.score[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", HEADS)
def test_a_joint_without_weight_teaches_nothing(name):
    system = _system(name)
    xy_norm = _poses(2)
    weight = torch.ones(2, JOINTS)
    weight[:, 0] = 0
    elsewhere = xy_norm.clone()
    elsewhere[:, 0] = -0.5
    losses = [system.loss(_maps(xy_norm), _truth(places, weight))["loss"].item() for places in (xy_norm, elsewhere)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    none = system.loss(_maps(xy_norm), _truth(xy_norm, torch.zeros(2, JOINTS)))["loss"].item()
    assert none == pytest.approx(0.0, abs=1e-6)


class TestSkeletonTree:
    def test_thirteen_bones_reach_every_joint_from_the_thorax(self):
        assert JOINT_NAMES[ROOT] == "thorax"
        assert PARENTS[ROOT] == -1
        assert sum(parent >= 0 for parent in PARENTS) == 13
        assert (paths_from_origin()[:, ROOT] == 1).all()
        bones = {frozenset((JOINT_NAMES[joint], JOINT_NAMES[PARENTS[joint]])) for joint in range(14) if joint != ROOT}
        assert frozenset(("right_ankle", "right_knee")) in bones
        assert frozenset(("left_wrist", "left_elbow")) in bones
        assert frozenset(("left_hip", "thorax")) in bones

    def test_neighbours_are_mutual(self):
        groups = neighbourhoods()
        assert (groups == groups.T).all()
        assert groups.sum() == 14 + 2 * 13
        assert groups[ROOT].sum() == 6


class TestHeatmapHead:
    def test_own_heatmaps_add_no_parameter_and_are_not_touched(self):
        head = HeatmapHead(CHANNELS)
        maps = (torch.randn(1, JOINTS, 4, 4), torch.randn(1, JOINTS, 8, 8))
        assert list(head.parameters()) == []
        assert head(Seen(torch.zeros(1, CHANNELS, 8, 8), maps)) == maps

    def test_coarse_features_are_refined_to_a_stride_of_four(self):
        head = HeatmapHead(CHANNELS, 16, own=False)
        assert sum(isinstance(layer, nn.ConvTranspose2d) for layer in head.modules()) == 2
        (maps,) = head(Seen(torch.zeros(1, CHANNELS, 4, 2), ()))
        assert maps.shape == (1, JOINTS, 16, 8)

    @pytest.mark.parametrize("loss", ["mse", "focal", "structure"])
    def test_supervision_is_the_sum_over_scales(self, loss):
        head = HeatmapHead(CHANNELS, loss=loss)
        truth = _truth(_poses(2))
        coarse, fine = torch.randn(2, JOINTS, 8, 4), torch.randn(2, JOINTS, 16, 8)
        both = head.losses((coarse, fine), truth)["heatmap"]
        alone = [head.losses((maps,), truth)["heatmap"] for maps in (coarse, fine)]
        assert both.item() == pytest.approx(sum(one.item() for one in alone))

    def test_the_targets_themselves_cost_nothing_and_are_read_back(self):
        head = HeatmapHead(CHANNELS, coding="dark")
        truth = _truth(0.5 * _poses(2))
        maps = gaussian_maps(truth.xy_norm, SIZE)
        assert head.losses((maps,), truth)["heatmap"].item() == 0
        torch.testing.assert_close(head.answer((maps,)).xy_norm, truth.xy_norm, atol=1e-4, rtol=0)

    def test_a_joint_off_the_map_is_not_learned_from(self):
        head = HeatmapHead(CHANNELS)
        maps = torch.randn(1, JOINTS, *SIZE)
        off = _poses(1)
        off[:, 3] = torch.tensor([1.02, 0.0])
        gone = torch.ones(1, JOINTS)
        gone[:, 3] = 0
        assert head.losses((maps,), _truth(off)) == head.losses((maps,), _truth(_poses(1), gone))

    def test_focal_starts_at_one_cell_in_ten(self):
        head = HeatmapHead(CHANNELS, loss="focal")
        answer = head.answer(head(Seen(torch.zeros(1, CHANNELS, 4, 4), (torch.zeros(1, JOINTS, 4, 4),))))
        torch.testing.assert_close(answer.score, torch.full((1, JOINTS), 0.1), atol=1e-3, rtol=0)

    def test_refusals_say_the_mend(self):
        with pytest.raises(ModelError, match="plain"):
            HeatmapHead(CHANNELS, coding="dark", loss="focal")
        with pytest.raises(ModelError, match="own=False"):
            HeatmapHead(CHANNELS)(Seen(torch.zeros(1, CHANNELS, 4, 4), ()))


class TestIntegral:
    def test_two_deltas_meet_in_the_middle(self):
        head = IntegralHead(CHANNELS)
        logits = torch.full((1, JOINTS, 8, 4), -1e4)
        logits[..., 1, 0] = logits[..., 5, 2] = 0
        answer = head.answer(head(Seen(torch.zeros(1, CHANNELS, 8, 4), (logits,))))
        x, y = cell_grid(8, 4, logits)
        middle = torch.stack((x[1], y[3]))  # of columns 0 and 2, of rows 1 and 5
        torch.testing.assert_close(answer.xy_norm, middle.expand(1, JOINTS, 2))
        torch.testing.assert_close(answer.score, torch.full((1, JOINTS), 0.5))

    def test_beta_sharpens(self):
        seen = Seen(torch.zeros(1, CHANNELS, 8, 4), (torch.randn(1, JOINTS, 8, 4),))
        blunt, sharp = (IntegralHead(CHANNELS, beta=beta)(seen)[0] for beta in (1.0, 2.0))
        torch.testing.assert_close(sharp, blunt**2 / (blunt**2).sum((2, 3), keepdim=True))

    @pytest.mark.parametrize("beta", [1.0, 2.5])
    def test_places_are_kornias_whose_ends_are_the_outer_cells_centres(self, beta):
        subpix = pytest.importorskip("kornia.geometry.subpix", reason="kornia is of the extra `dev`")
        logits = torch.randn(2, JOINTS, 8, 4, dtype=torch.float64)
        head = IntegralHead(CHANNELS, beta=beta, dsnt=True)
        (maps,) = head(Seen(torch.zeros(2, CHANNELS, 8, 4), (logits,)))
        theirs = subpix.spatial_softmax2d(beta * logits)
        torch.testing.assert_close(maps, theirs)
        inwards = torch.tensor((3 / 4, 7 / 8), dtype=torch.float64)  # their -1 and 1 are half a cell within ours
        ours = head.answer((maps,)).xy_norm
        torch.testing.assert_close(ours, subpix.spatial_expectation2d(theirs) * inwards)
        torch.testing.assert_close(ours, subpix.spatial_soft_argmax2d(beta * logits) * inwards)

    def test_dsnt_is_the_distance_and_scipys_jensen_shannon(self):
        head = IntegralHead(CHANNELS, dsnt=True)
        truth = _truth(_poses(2))
        output = head(Seen(torch.zeros(2, CHANNELS, 16, 8), (torch.randn(2, JOINTS, 16, 8),)))
        parts = head.losses(output, truth)
        gaussians = gaussian_maps(truth.xy_norm, (16, 8), 1.0).flatten(2).flatten(0, 1)
        pairs = zip(output[0].flatten(2).flatten(0, 1).numpy(), gaussians.numpy(), strict=True)
        expected = np.mean([jensenshannon(*pair) ** 2 for pair in pairs])  # scipy's is the root
        assert parts["js"].item() == pytest.approx(expected, rel=1e-4)
        distance = (soft_argmax(output[0]) - truth.xy_norm).norm(dim=-1)
        assert parts["place"].item() == pytest.approx(distance.mean().item())

    def test_a_map_of_one_cell_has_a_finite_gradient(self):
        logits = torch.full((1, JOINTS, 16, 8), -1e4)
        logits[..., 8, 4] = 0
        logits.requires_grad_()
        head = IntegralHead(CHANNELS, dsnt=True)
        losses = head.losses(head(Seen(torch.zeros(1, CHANNELS, 16, 8), (logits,))), _truth(_poses(1)))
        (gradient,) = torch.autograd.grad(losses["place"] + losses["js"], logits)
        assert gradient.isfinite().all()


class TestCrossEntropy:
    def test_of_two_places_the_likelier_is_read_and_its_share_is_the_score(self):
        logits = torch.full((1, JOINTS, 32, 16), -40.0)
        logits[..., 3, 2], logits[..., 28, 12] = math.log(0.4), math.log(0.2)
        logits[..., 3, 6] = math.log(0.1)  # four cells away, beyond what is read
        logits[..., 28, 13] = math.log(0.3)  # beside the other: the place lies between them only if it is the peak
        answer = CrossEntropyHead(CHANNELS).answer((logits,))
        x, y = cell_grid(32, 16, logits)
        assert answer.xy_norm[0, 0].tolist() == pytest.approx([x[2].item(), y[3].item()], abs=1e-5)
        assert answer.score[0, 0].item() == pytest.approx(0.4, abs=1e-5)
        logits[..., 28, 12] = math.log(0.5)
        beside = CrossEntropyHead(CHANNELS).answer((logits,)).xy_norm[0, 0, 0].item()
        assert beside == pytest.approx((5 * x[12] + 3 * x[13]).item() / 8, abs=1e-5)


class TestSimcc:
    def test_one_hot_decodes_to_the_bins_centre(self):
        head = SimccHead(CHANNELS, 2, SIZE)
        x, y = torch.zeros(1, JOINTS, 64), torch.zeros(1, JOINTS, 128)
        x[..., 5] = y[..., 127] = 50
        answer = head.answer(Bins(x, y))
        expected = torch.tensor([(5 + 0.5) / 64 * 2 - 1, 127.5 / 128 * 2 - 1])
        torch.testing.assert_close(answer.xy_norm, expected.expand(1, JOINTS, 2))
        torch.testing.assert_close(answer.score, torch.ones(1, JOINTS))

    def test_labels_have_the_place_as_mean_and_rtmposes_width(self):
        places = torch.tensor([[-0.31, 0.0, 0.444]], dtype=torch.float64)
        label = smoothed_label(places, 128)
        centres = bin_centres(128, places)
        torch.testing.assert_close((label * centres).sum(-1), places, atol=1e-6, rtol=0)
        spread = ((label * (centres - places[..., None]) ** 2).sum(-1)).sqrt() * 64
        torch.testing.assert_close(spread, torch.full_like(spread, math.sqrt(128 / 16)), atol=1e-3, rtol=0)

    def test_a_joint_over_the_edge_is_of_the_last_bin(self):
        assert smoothed_label(torch.tensor([[1.3]]), 64).argmax().item() == 63

    def test_loss_is_the_divergence_of_both_axes(self):
        head = SimccHead(CHANNELS, 2, SIZE)
        truth = _truth(_poses(3))
        output = Bins(torch.randn(3, JOINTS, 64), torch.randn(3, JOINTS, 128))
        expected = sum(
            F.kl_div(logits.log_softmax(-1), smoothed_label(truth.xy_norm[..., axis], logits.shape[2]), reduction="sum")
            for axis, logits in enumerate(output)
        )
        assert head.losses(output, truth)["bins"].item() == pytest.approx(float(expected) / (3 * JOINTS), rel=1e-5)

    def test_another_size_is_refused(self):
        with pytest.raises(ModelError, match="size of the maps"):
            SimccHead(CHANNELS, 2, SIZE)(Seen(torch.zeros(1, CHANNELS, 16, 16), ()))


class TestCompositional:
    @pytest.mark.parametrize(("paths", "count"), [("joints", 14), ("bones", 14), ("both", 27), ("all", 105)])
    def test_sums_of_bones_are_differences_of_joints(self, paths, count):
        ends = path_ends(paths)
        assert len(set(ends)) == len(ends) == count
        joints = torch.rand(50, JOINTS, 2, dtype=torch.float64)
        bones = torch.stack([joints[:, j] - (joints[:, p] if p >= 0 else 0) for j, p in enumerate(PARENTS)], 1)
        expected = torch.stack([joints[:, u] - (joints[:, v] if v >= 0 else 0) for u, v in ends], 1)
        torch.testing.assert_close(path_matrix(ends).double() @ bones, expected)

    def test_zeros_say_the_mean_pose(self):
        poses = _poses(50)
        head = CompositionalHead(CHANNELS, poses)
        for weights in head.regression.parameters():
            nn.init.zeros_(weights)
        answer = head.answer(head(Seen(torch.zeros(1, CHANNELS, 4, 2), ())))
        torch.testing.assert_close(answer.xy_norm[0], poses.mean(0), atol=1e-5, rtol=0)

    def test_the_loss_by_hand(self):
        """A moved ankle is in its own path from the origin and its own bone, in the units of each."""
        poses = _poses(50)
        head = CompositionalHead(CHANNELS, poses, paths="both")
        truth = _truth(poses[:1])
        ankle = 0
        knee = PARENTS[ankle]
        bones = torch.linalg.inv(head.joints) @ poses[:1]
        assert head.losses(bones, truth)["paths"].item() == pytest.approx(0, abs=1e-5)
        bones[0, ankle] += torch.tensor([0.1, -0.2])
        from_origin, from_knee = poses[:, ankle].std(0), (poses[:, ankle] - poses[:, knee]).std(0)
        off = torch.tensor([0.1, 0.2])
        expected = ((off / from_origin).sum() + (off / from_knee).sum()) / 27
        assert head.losses(bones, truth)["paths"].item() == pytest.approx(expected.item(), rel=1e-4)

    def test_statistics_travel_with_the_weights(self):
        one, other = (CompositionalHead(CHANNELS, _poses(50, seed)) for seed in (0, 1))
        other.load_state_dict(one.state_dict())
        seen = Seen(torch.rand(1, CHANNELS, 4, 2), ())
        torch.testing.assert_close(other(seen), one(seen))


class TestResidualLikelihood:
    @staticmethod
    def _bent(width: int = 16) -> LaplaceFlow:
        torch.manual_seed(3)
        flow = LaplaceFlow(width=width).double()
        for weights in flow.parameters():
            nn.init.normal_(weights, std=0.25)
        return flow

    def test_the_density_integrates_to_one_whatever_the_flow_and_the_scale(self):
        step = 0.16
        along = torch.arange(-16, 16, step, dtype=torch.float64) + step / 2
        places = torch.stack(torch.meshgrid(along, along, indexing="xy"), -1)
        flow = self._bent()
        with torch.inference_mode():
            log_prob = flow.log_prob(places)
            mass = log_prob.exp().sum().item() * step**2
        assert (log_prob - LaplaceFlow().double().log_prob(places)).abs().max() > 0.5  # the flow does bend it
        assert mass == pytest.approx(1, abs=2e-3)

    def test_the_loss_is_a_density_of_places(self):
        """exp(-loss) over all places sums to 1: the scale comes in as often as there are coordinates."""
        head = ResidualLikelihoodHead(CHANNELS)
        head.flow = self._bent()
        step = 0.04
        along = torch.arange(-4, 4, step, dtype=torch.float64) + step / 2
        places = torch.stack(torch.meshgrid(along, along, indexing="xy"), -1).view(1, -1, 2)
        one = torch.ones(1, 1, dtype=torch.float64)
        with torch.inference_mode():
            residual = Place(torch.tensor([[[0.3, -0.1]]], dtype=torch.float64), math.log(0.25) * one)
            whole = (2 * residual.log_scale - head.flow.log_prob((places - residual.xy_norm) / 0.25)).neg().exp()
            at = places[:, 17000:17001]
            said = head.losses(residual, Truth(at, one.bool(), one))["likelihood"]
        assert said.item() == pytest.approx(-whole[0, 17000].log().item())
        assert whole.sum().item() * step**2 == pytest.approx(1, abs=2e-3)

    def test_without_a_flow_it_is_the_laplace_likelihood(self):
        head = ResidualLikelihoodHead(CHANNELS)
        truth = _truth(_poses(4))
        output = Place(_poses(4, seed=1), -3 * torch.rand(4, JOINTS))
        distance = (output.xy_norm - truth.xy_norm).norm(dim=-1)
        expected = laplace_nll(distance, output.log_scale) + math.log(2 * math.pi)
        assert head.losses(output, truth)["likelihood"].item() == pytest.approx(expected.item(), rel=1e-5)

    def test_the_flow_is_not_run_in_eval_mode(self, monkeypatch):
        system = _system("likelihood").eval()
        monkeypatch.setattr(LaplaceFlow, "log_prob", lambda *_: pytest.fail("the flow is of training only"))
        system(_maps(_poses(1)))
