"""Label-free metrics of models whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from matpose.canvas import Canvas
from matpose.evaluation.label_free import _partners, equivariance_error, label_free_metrics
from matpose.nn.efd import EFD
from matpose.nn.encoder import Encoded, Encoder
from matpose.nn.fuser import Fuser
from matpose.nn.heatmap import cell_grid
from matpose.nn.scaling import scale_free
from matpose.nn.warp import published_warps

CANVAS = Canvas(64, 32, 0.032)
ASPECT = 0.5


class CentreEncoder(Encoder):
    """Its heatmaps are the map itself: every point is the exact centre of the pressure."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> Encoded:
        heatmaps = (x / x.sum((2, 3), keepdim=True).clamp_min(1e-12)).expand(-1, 2, -1, -1)
        across, along = cell_grid(x.shape[2], x.shape[3], x)
        grid = torch.stack(torch.meshgrid(along, across, indexing="ij"), 0).flip(0)
        positions = torch.cat((grid, torch.ones_like(grid[:1]))).expand(len(x), -1, -1, -1)
        return Encoded(heatmaps, x.clone(), positions)


class ConstantEncoder(CentreEncoder):
    """Its points stay at one cell whatever it sees."""

    def forward(self, x: torch.Tensor) -> Encoded:
        constant = torch.zeros_like(x)
        constant[:, :, 40, 20] = 1
        return super().forward(x)._replace(heatmaps=constant.expand(-1, 2, -1, -1))


class Painter(nn.Module):
    """A decoder that uses only some of its input: (B, 2, 2f) to a flat map whose value it is."""

    def __init__(self, part: slice) -> None:
        super().__init__()
        self.part = part

    def forward(self, vector: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        return vector[:, :, self.part].mean((1, 2))[:, None, None, None].expand(-1, 1, 64, 32)


def _model(encoder: Encoder, part: slice = slice(0, 2)) -> EFD:
    fuser = Fuser(2, 1, "shared")
    nn.init.constant_(fuser.expand.weight, 0.3)
    return EFD(encoder, fuser, Painter(part)).eval()  # pyright: ignore[reportArgumentType]


def _blobs(*centres: tuple[float, float], sd: float = 2.0) -> torch.Tensor:
    """Pressure bells at (row, col); sd in cells."""
    rows, cols = torch.arange(64)[:, None], torch.arange(32)
    return torch.stack([torch.exp(-((rows - r) ** 2 + (cols - c) ** 2) / (2 * sd**2)) for r, c in centres])[:, None]


BODIES = _blobs((30, 15), (20, 12), (36, 18), (44, 14))
WHO = {
    "subject": np.array(["a", "a", "b", "b"]),
    "recording": np.array(["a1", "a2", "b1", "b2"]),
    "posture": np.array(["supine", "left", "supine", "left"]),
}


def _metrics(model: EFD, maps: torch.Tensor = BODIES) -> dict[str, float]:
    return label_free_metrics(model, maps, canvas=CANVAS, **WHO)


def test_points_that_follow_the_body_have_no_equivariance_error():
    small = _blobs((30, 15), (20, 12), (36, 18), (44, 14), sd=0.8)
    measured = _metrics(_model(CentreEncoder()), small)
    assert measured["equivariance_median_cm"] < 0.5  # a sixth of a cell
    assert measured["equivariance_p95_pct"] < 0.5


def test_points_that_stay_have_the_displacement_of_the_warps():
    model = _model(ConstantEncoder())
    xy = model.points(BODIES).xy_norm
    error = equivariance_error(model, BODIES, xy, ASPECT)
    warps = published_warps(ASPECT)
    moved = (warps.source(xy[:1, :1].expand(20, 1, 2)) - xy[0, 0]) * torch.tensor([ASPECT, 1.0])
    torch.testing.assert_close(error[0], moved.norm(dim=-1)[:, 0], rtol=0, atol=1e-5)
    measured = _metrics(model)
    assert measured["equivariance_median_pct"] == pytest.approx(50 * error.median().item())
    assert measured["equivariance_median_cm"] == pytest.approx(CANVAS.height_m * 50 * error.median().item())
    assert measured["equivariance_median_pct"] > 3
    assert measured["point_sd_cm"] == pytest.approx(0, abs=1e-4)


def test_an_input_that_the_decoder_ignores_has_ratio_one():
    only_features = _metrics(_model(CentreEncoder(), slice(1, 2)))
    assert only_features["swap_ratio"] == pytest.approx(1)
    maps = torch.cat([_blobs((10 + 10 * sd, 4 + 5 * sd), sd=sd) for sd in (1.0, 2.0, 3.0, 4.0)])
    only_coordinates = _metrics(_model(CentreEncoder(), slice(0, 1)), maps)
    assert only_coordinates["feature_shuffle_ratio"] == pytest.approx(1)
    assert abs(only_coordinates["swap_ratio"] - 1) > 1e-3


class BellAtThePoint(nn.Module):
    """A decoder that paints a bell where the first point is, and nothing by its features."""

    def forward(self, vector: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        x, y = cell_grid(64, 32, positions)
        off = ((x - positions[:, :1, :1]) * 16) ** 2 + ((y[:, None] - positions[:, :1, 1:2]) * 32) ** 2
        return scale_free(torch.exp(-off / 8)[:, None])


def test_the_swap_ratio_tells_a_decoder_that_heeds_the_coordinates_from_one_that_does_not():
    """With its own point the bell is rebuilt; with another person's it stands elsewhere."""
    model = _model(CentreEncoder())
    ignores = _metrics(model)["swap_ratio"]
    model.decoder = BellAtThePoint()  # pyright: ignore[reportAttributeAccessIssue]
    heeds = _metrics(model)
    print(f"swap ratio {ignores:.2f} of a flat map, {heeds['swap_ratio']:.0f} of a bell at the point")
    assert heeds["l2"] < 1e-4
    assert heeds["swap_ratio"] > 100
    assert heeds["feature_shuffle_ratio"] == pytest.approx(1)
    assert ignores < 1.2


def test_distances_and_spread_in_centimetres():
    measured = _metrics(_model(CentreEncoder()))
    assert measured["distance_mean_cm"] == pytest.approx(0, abs=1e-2)  # both points of a map coincide
    rows, cols = torch.tensor([30.0, 20, 36, 44]), torch.tensor([15.0, 12, 18, 14])
    expected = 3.2 * float(torch.hypot(rows.std(correction=0), cols.std(correction=0)))
    assert measured["point_sd_cm"] == pytest.approx(expected, rel=1e-3)
    assert measured["within_recording_sd_cm"] == pytest.approx(0, abs=1e-4)


def test_contact_and_entropy():
    sharp, wide = _metrics(_model(ConstantEncoder())), _metrics(_model(CentreEncoder()))
    assert sharp["entropy"] == pytest.approx(0, abs=1e-6)
    assert 0.2 < wide["entropy"] < 0.8
    assert wide["on_contact"] > 0.8
    assert sharp["on_contact"] < 0.3


def test_perfect_reconstruction():
    class Copy(nn.Module):
        def forward(self, vector: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
            return scale_free(BODIES[: len(vector)]) + 1e-4

    model = _model(CentreEncoder())
    model.decoder = Copy()  # pyright: ignore[reportAttributeAccessIssue]
    measured = _metrics(model)
    assert measured["l1"] == pytest.approx(1e-4, rel=0.01)
    assert measured["ssim"] > 0.99
    assert measured["swap_ratio"] == pytest.approx(1)


def test_partners_are_other_people_in_other_postures_where_there_are_any():
    partner = _partners(**WHO)
    for index, other in enumerate(partner):
        assert WHO["subject"][index] != WHO["subject"][other]
        assert WHO["posture"][index] != WHO["posture"][other]
    one = np.array(["a"])
    assert _partners(one, one, one).tolist() == [0]
    alike = np.array(["a"] * 3)
    assert _partners(alike, np.array(["1", "1", "2"]), alike)[0] == 2


def test_one_map_alone_is_measured():
    measured = label_free_metrics(
        _model(CentreEncoder()), BODIES[:1], canvas=CANVAS, **{key: value[:1] for key, value in WHO.items()}
    )
    assert all(np.isfinite(value) for value in measured.values())
