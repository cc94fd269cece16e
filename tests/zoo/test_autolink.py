"""AutoLink: lines against closed form, one graph for all maps, nothing seen under the mask, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matpose.canvas import NATIVE
from matpose.errors import ModelError
from matpose.evaluation.label_free import label_free_metrics
from matpose.evaluation.probe import linear_probe
from matpose.evaluation.rigid import rigid_pairs
from matpose.nn.heatmap import cell_grid
from matpose.nn.scaling import scale_free
from matpose.simulate.blobs import blob_recording
from matpose.training.encode import encode
from matpose.zoo import autolink
from matpose.zoo.autolink import AutoLink, LineDecoder, random_visible
from matpose.zoo.autolink_fit import fit_autolink
from matpose.zoo.edge_graph import THICKNESS, EdgeGraph
from matpose.zoo.segment_distance import segment_distance2

POSTURES = ("supine", "left", "right", "prone")
CODES = ("B1", "B2", "B3", "B4")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def maps() -> torch.Tensor:
    people = [blob_recording(seed, posture=posture, frames=1) for seed, posture in enumerate(POSTURES)]
    canvases = np.concatenate([NATIVE.resample(one.frames, one.mat) for one in people])
    return torch.from_numpy(canvases.astype(np.float32))[:, None]


def _model(points: int = 8, seed: int = 0) -> AutoLink:
    torch.manual_seed(seed)
    return AutoLink(points)


def _graph_of(points: int, weights: dict[tuple[int, int], float]) -> EdgeGraph:
    """Those edges with those weights; all others far too weak to be seen."""
    graph = EdgeGraph(points)
    wanted = torch.full_like(graph.logits, 1e-6)
    for index, (start, end) in enumerate(zip(graph.starts.tolist(), graph.ends.tolist(), strict=True)):
        wanted[index] = weights.get((start, end), 1e-6)
    with torch.no_grad():
        graph.logits.copy_(wanted.expm1().log())  # the inverse of softplus
    return graph


def test_distance_from_a_segment_is_that_of_its_nearest_place():
    rng = np.random.default_rng(0)
    start, end, place = rng.uniform(-1, 1, (3, 200, 2))
    along = np.linspace(0, 1, 20001)[:, None]
    nearest = [np.hypot(*(a + along * (b - a) - u).T).min() for a, b, u in zip(start, end, place, strict=True)]
    x, y = torch.from_numpy(place).T
    found = segment_distance2(x, y, torch.from_numpy(start), torch.from_numpy(end)).sqrt()
    np.testing.assert_allclose(found, nearest, atol=1e-4)


def test_a_segment_without_length_is_a_point_with_a_finite_gradient():
    ends = torch.zeros(2, requires_grad=True)
    distance2 = segment_distance2(torch.tensor(3.0), torch.tensor(4.0), ends, ends + 0)
    distance2.backward()
    assert distance2.item() == 25
    assert ends.grad is not None
    assert ends.grad.isfinite().all()


def test_one_upright_line_has_the_closed_form():
    """From (0, -.5) to (0, .5) the squared distance is x^2 + max(|y| - .5, 0)^2, lengths in half-heights."""
    xy = torch.tensor([[[0.0, -0.5], [0.0, 0.5], [0.9, 0.9]]])
    drawn = _graph_of(3, {(0, 1): 0.7}).draw(xy, 64, 32)[0, 0]
    across, along = cell_grid(64, 32, xy)
    distance2 = (across / 2) ** 2 + (along.abs() - 0.5).clamp_min(0)[:, None] ** 2
    torch.testing.assert_close(drawn, 0.7 * torch.exp(-distance2 / THICKNESS**2), rtol=0, atol=3e-6)


def test_lines_are_the_maximum_over_the_edges_and_so_is_their_gradient():
    torch.manual_seed(3)
    graph = EdgeGraph(5)
    xy = (torch.rand(2, 5, 2) * 2 - 1).requires_grad_()
    across, along = cell_grid(16, 8, xy)
    x, y = 0.5 * across.expand(16, 8).reshape(-1), along[:, None].expand(16, 8).reshape(-1)
    ends = xy * torch.tensor([0.5, 1.0])
    distance2 = segment_distance2(x, y, ends[:, graph.starts, None], ends[:, graph.ends, None])  # (2, E, P)
    every = graph.weights()[:, None] * torch.exp(-distance2 / THICKNESS**2)
    naive, drawn = every.amax(1).view(2, 1, 16, 8), graph.draw(xy, 16, 8)
    torch.testing.assert_close(drawn, naive)
    factor = torch.rand_like(naive)
    of = (xy, graph.logits)
    for ours, theirs in zip(
        torch.autograd.grad((drawn * factor).sum(), of), torch.autograd.grad((naive * factor).sum(), of), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_graph_is_symmetric_and_the_same_in_all_maps():
    graph = EdgeGraph(6)
    adjacency = graph.adjacency()
    assert adjacency.shape == (6, 6)
    torch.testing.assert_close(adjacency, adjacency.T)
    assert (adjacency.diagonal() == 0).all()
    assert (adjacency[graph.starts, graph.ends] == graph.weights()).all()
    assert (graph.weights() > 0).all()
    xy = torch.rand(3, 6, 2)
    torch.testing.assert_close(graph.draw(xy, 32, 16)[1:2], graph.draw(xy[1:2], 32, 16))


def test_masks_hide_square_blocks_and_some_maps_wholly():
    visible = random_visible(4000, (64, 32), torch.Generator().manual_seed(0))
    blocks = visible.view(4000, 16, 4, 8, 4)
    assert set(visible.unique().tolist()) == {0.0, 1.0}
    assert (blocks.amax((2, 4)) == blocks.amin((2, 4))).all()
    blind = visible.amax((1, 2, 3)) == 0
    assert float(blind.float().mean()) == pytest.approx(autolink.BLIND, abs=0.02)
    assert float(visible[~blind].mean()) == pytest.approx(1 - autolink.HIDDEN, abs=0.01)


def test_the_decoder_sees_nothing_under_the_mask():
    torch.manual_seed(0)
    decoder = LineDecoder(4, (64, 32)).eval()
    seen = torch.rand(3, 1, 64, 32, requires_grad=True)
    visible = random_visible(3, (64, 32), torch.Generator().manual_seed(1))
    assert 0 < visible.mean() < 1
    decoder(torch.rand(3, 4, 2) - 0.5, seen, visible).square().sum().backward()
    assert seen.grad is not None
    assert (seen.grad[visible == 0] == 0).all()
    assert (seen.grad[visible == 1] != 0).any()


def test_pixels_reach_the_rebuilt_map_through_points_and_visible_cells_only(maps):
    """Everything else of the map is changed, the points are kept: the rebuilt map is the same to the bit."""
    model = _model().eval()
    visible = random_visible(4, (64, 32), torch.Generator().manual_seed(2))
    x = scale_free(maps)
    other = torch.where(visible == 1, x, x.roll(1, 0))
    assert (other != x).any()
    xy = model.points(maps).xy_norm
    assert torch.equal(model.decoder(xy, x, visible), model.decoder(xy, other, visible))
    assert torch.equal(model.inpaint(maps, visible), model.decoder(xy, x, visible))
    assert torch.equal(model(maps), model.decoder(xy))
    assert not torch.equal(model(maps), model.decoder(xy.roll(1, 0)))


def test_gradient_reaches_every_part_but_the_unused_feature(maps):
    model = _model().train()
    model.inpaint(maps, random_visible(4, (64, 32), torch.Generator().manual_seed(0))).square().sum().backward()
    without = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert without == {f"encoder.feature{part}" for part in (".weight", ".bias", "_norm.weight", "_norm.bias")}


@pytest.fixture(scope="module")
def learned(maps) -> tuple[AutoLink, list[float]]:
    """A model that has seen four people a few hundred times, and its losses."""
    return _trained(maps, seed=0, steps=120)


def _trained(maps: torch.Tensor, *, seed: int, steps: int) -> tuple[AutoLink, list[float]]:
    losses = []
    model = _model(seed=seed)
    torch.seed()  # all chance in the training is the generator's
    fit_autolink(
        model,
        maps,
        steps=steps,
        batch=4,
        learning_rate=6e-3,
        generator=torch.Generator().manual_seed(seed),
        progress=lambda step, loss: losses.append(loss),
    )
    return model, losses


def test_evaluation_takes_it_as_it_is(maps, learned):
    model, _ = learned
    points = model.points(maps)
    assert points.xy_norm.shape == (4, 8, 2)
    assert points.features.shape == (4, 8, 0)
    who = np.array(list("abcd"))
    measured = label_free_metrics(model, maps, subject=who, recording=who, posture=np.array(POSTURES), canvas=NATIVE)
    assert all(np.isfinite(value) for value in measured.values())
    assert measured["feature_shuffle_ratio"] == 1  # there are none
    assert measured["swap_ratio"] > 1.5
    xy, _ = encode(model, maps, NATIVE)
    joints = np.random.default_rng(0).random((4, 14, 2))
    assert linear_probe(xy.reshape(4, -1), joints, xy.reshape(4, -1), joints)["error_cm"] < 5
    assert np.isfinite(
        list(rigid_pairs(xy, maps[:, 0].numpy(), 0.032, who[:1].repeat(4), np.array(CODES)).values())
    ).all()


def test_it_learns_what_lines_alone_can_tell(maps, learned):
    model, losses = learned
    assert len(losses) == 120
    assert not model.training
    assert np.mean(losses[-10:]) < 0.3 * np.mean(losses[:10])
    x = scale_free(maps)
    with torch.no_grad():
        own, swapped = model(maps), model.decoder(model.points(maps).xy_norm.roll(1, 0))
    error = (own - x).square().mean()
    assert error < 0.6 * (x - x.mean(0)).square().mean()  # the mean map knows nothing of the pose
    assert (swapped - x).square().mean() > 2 * error


def test_a_seed_repeats(maps):
    losses = [_trained(maps, seed=seed, steps=2)[1] for seed in (1, 1, 2)]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_training_that_diverges_says_so(maps):
    with pytest.raises(ModelError, match="diverged"):
        _trained(maps * torch.nan, seed=0, steps=1)


def test_maps_and_canvases_that_do_not_fit_are_refused(maps):
    with pytest.raises(ModelError, match="60 x 32"):
        AutoLink(4, (60, 32))
    with pytest.raises(ModelError, match="64 x 36"):
        AutoLink(4, (64, 36))
    with pytest.raises(ModelError, match="63 x 32"):
        fit_autolink(_model(4), maps[:, :, 1:], steps=1, generator=torch.Generator())
