"""Codings: exact where they claim it, as wrong as theory says where they do not, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from matpose.canvas import NATIVE
from matpose.nn.heatmap import cell_grid
from matpose.zoo.coding.dark import blurred, decode_dark
from matpose.zoo.coding.gaussian import (
    decode_quarter_shift,
    gaussian_maps,
    in_frame,
    nearest_cell,
    peaks,
    to_cells,
    to_norm,
)
from matpose.zoo.heads.heatmap import HeatmapHead
from matpose.zoo.systems import build_system

SIZE = (64, 48)


def _places(count: int, *, border_cells: float, seed: int = 0) -> torch.Tensor:
    """(1, count, 2) float64 in [-1, 1], that far from the outermost cells' centres."""
    draw = torch.Generator().manual_seed(seed)
    least = torch.tensor([border_cells, border_cells], dtype=torch.float64)
    most = torch.tensor([SIZE[1] - 1 - border_cells, SIZE[0] - 1 - border_cells], dtype=torch.float64)
    cells = least + (most - least) * torch.rand(1, count, 2, generator=draw, dtype=torch.float64)
    return to_norm(cells, SIZE)


def _error_cells(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return (to_cells(found, SIZE) - to_cells(truth, SIZE)).norm(dim=-1)


def _highest_cell(maps: torch.Tensor) -> torch.Tensor:
    """(B, J, 2): where the maps are highest."""
    peak = peaks(maps)
    return torch.stack((peak.x, peak.y), -1).to(maps)


def test_cells_are_those_of_the_grid():
    x, y = cell_grid(*SIZE, torch.zeros(1))
    torch.testing.assert_close(to_norm(torch.stack((torch.arange(48.0), torch.zeros(48)), -1), SIZE)[:, 0], x)
    torch.testing.assert_close(to_norm(torch.stack((torch.zeros(64), torch.arange(64.0)), -1), SIZE)[:, 1], y)
    places = _places(50, border_cells=0)
    torch.testing.assert_close(to_norm(to_cells(places, SIZE), SIZE), places)


def test_rounded_targets_have_a_cell_of_one_wherever_in_the_frame():
    edge = 1 - 2.0**-24  # as near to 1 as float32 comes
    xy_norm = torch.cat(
        (
            2.2 * torch.rand(1, 500, 2, generator=torch.Generator().manual_seed(1)) - 1.1,
            torch.tensor([[[edge, 0], [0, edge], [-1, -1], [1, 0], [0, 1]]]),
        ),
        1,
    )
    inside = in_frame(xy_norm, SIZE)
    maps = gaussian_maps(xy_norm, SIZE, rounded=True)
    assert ((maps == 1).sum((2, 3)) == inside.long()).all()
    assert 0 < inside.sum() < inside.numel()
    torch.testing.assert_close(_highest_cell(maps)[inside], nearest_cell(xy_norm, SIZE)[inside])


def test_the_mean_errors_are_those_of_the_literature():
    truth = _places(20000, border_cells=10)
    truth = truth.view(20, 1000, 2)
    maps = gaussian_maps(truth, SIZE)
    side = 0.3826  # mean distance of a square's points from its middle, in sides
    assert (_highest_cell(maps) - to_cells(truth, SIZE)).norm(dim=-1).mean().item() == pytest.approx(side, abs=0.004)
    assert _error_cells(decode_quarter_shift(maps).xy_norm, truth).mean().item() == pytest.approx(side / 2, abs=0.002)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.5])
def test_dark_is_exact_on_any_sampled_gaussian(sigma):
    truth = _places(500, border_cells=2.6)
    maps = 7.0 * gaussian_maps(truth, SIZE, sigma)
    assert _error_cells(decode_dark(maps, kernel=1).xy_norm, truth).max() < 1e-9


def test_dark_reads_back_what_was_encoded():
    truth = _places(500, border_cells=8).float()
    error = _error_cells(decode_dark(gaussian_maps(truth, SIZE)).xy_norm, truth)
    assert error.max() < 1e-3


def test_the_score_is_the_height_of_the_peak():
    maps = 0.3 * gaussian_maps(_places(20, border_cells=5), SIZE, rounded=True)
    for decode in (decode_quarter_shift, decode_dark):
        torch.testing.assert_close(decode(maps).score, torch.full((1, 20), 0.3, dtype=torch.float64))


def test_the_blur_is_scipys_and_keeps_the_peaks_height():
    maps = torch.rand(2, 3, *SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = gaussian_filter(maps.numpy(), 2.0, axes=(2, 3), mode="constant", radius=5)
    expected *= (maps.numpy().max((2, 3)) / expected.max((2, 3)))[..., None, None]
    np.testing.assert_allclose(blurred(maps, 11), expected, rtol=1e-12)


def test_dark_is_the_papers_newton_step_on_maps_that_are_no_gaussians():
    draw = np.random.default_rng(0)
    rough = gaussian_filter(draw.random((1, 40, *SIZE)), 1.5, axes=(2, 3)) ** 8
    found = to_cells(decode_dark(torch.from_numpy(rough)).xy_norm, SIZE)[0].numpy()
    logs = np.log(gaussian_filter(rough, 2.0, axes=(2, 3), mode="constant", radius=5))[0]
    stepped = 0
    for joint in range(40):
        y, x = np.unravel_index(rough[0, joint].argmax(), SIZE)
        expected = np.array([x, y], float)
        if 2 <= x < SIZE[1] - 2 and 2 <= y < SIZE[0] - 2:
            f = logs[joint]
            gradient = np.array([f[y, x + 1] - f[y, x - 1], f[y + 1, x] - f[y - 1, x]]) / 2
            mixed = (f[y + 1, x + 1] - f[y - 1, x + 1] - f[y + 1, x - 1] + f[y - 1, x - 1]) / 4
            f_xx = (f[y, x + 2] - 2 * f[y, x] + f[y, x - 2]) / 4
            f_yy = (f[y + 2, x] - 2 * f[y, x] + f[y - 2, x]) / 4
            hessian = np.array([[f_xx, mixed], [mixed, f_yy]])
            if np.linalg.eigvalsh(hessian).max() < 0:
                expected -= np.linalg.solve(hessian, gradient).clip(-2, 2)
                stepped += 1
        np.testing.assert_allclose(found[joint], expected, atol=1e-6)
    assert 10 < stepped < 40


def test_peaks_near_the_border_are_not_moved_across_it():
    corner = to_norm(torch.tensor([[[0.3, 0.2], [46.7, 62.8], [1.3, 30.2]]]), SIZE)
    maps = gaussian_maps(corner, SIZE)
    torch.testing.assert_close(to_cells(decode_dark(maps).xy_norm, SIZE), _highest_cell(maps))
    shifted = to_cells(decode_quarter_shift(maps).xy_norm, SIZE)[0]
    torch.testing.assert_close(shifted, torch.tensor([[0.0, 0.0], [47.0, 63.0], [1.25, 30.25]]))


@pytest.mark.parametrize("decode", [decode_quarter_shift, decode_dark])
@pytest.mark.parametrize("fill", [0.0, -1.0, 5.0])
def test_a_map_without_a_peak_gives_some_place_on_it(decode, fill):
    answer = decode(torch.full((2, 3, 16, 8), fill))
    assert answer.xy_norm.isfinite().all()
    assert (answer.xy_norm.abs() < 1).all()


def test_dark_leaves_a_spike_in_a_hollow_alone():
    """The blurred map is a valley there, whose lowest place a Newton step would seek."""
    columns = torch.arange(SIZE[1]).double()
    hollow = 0.5 - 0.49 * gaussian_maps(to_norm(torch.tensor([[[24.0, 30.0]]]), SIZE).double(), SIZE, 4.0)
    hollow = hollow + 0.001 * columns
    hollow[0, 0, 31, 25] = 0.9
    found = to_cells(decode_dark(hollow).xy_norm, SIZE)[0, 0]
    torch.testing.assert_close(found, torch.tensor([25.0, 31.0], dtype=torch.float64))


def test_a_place_between_two_cells_is_of_the_further_one():
    between = to_norm(torch.tensor([22.5, 23.5], dtype=torch.float64), SIZE)
    assert nearest_cell(between, SIZE).tolist() == [23, 24]


def test_on_a_small_canvas_the_papers_coding_bars_half_of_the_joints_and_the_baselines_are_not_coded_so():
    chance = torch.Generator().manual_seed(0)
    truth = 0.9 * (2 * torch.rand(200, 14, 2, generator=chance) - 1)
    tolerance_m = 0.2 * 0.264
    size_m = torch.tensor((NATIVE.width_m, NATIVE.height_m)) / 2
    system = build_system("hrpose", NATIVE.rows, NATIVE.cols, truth[:8])
    rows, cols = NATIVE.rows // system.backbone.stride, NATIVE.cols // system.backbone.stride

    def placed(answer, maps) -> float:
        far_m = ((answer(maps).xy_norm - truth) * size_m).norm(dim=-1)
        return float((far_m < tolerance_m).float().mean())

    papers = HeatmapHead(8)
    assert isinstance(system.head, HeatmapHead)
    plain, own = (
        placed(
            lambda maps, head=head: head.answer((maps,)),
            gaussian_maps(truth, (rows, cols), head.sigma_cells, rounded=head.coding == "plain"),
        )
        for head in (papers, system.head)
    )
    assert plain < 0.6
    assert own > 0.8
    large = build_system("hrpose", 256, 256, truth[:8]).head
    assert isinstance(large, HeatmapHead)
    assert (large.coding, large.sigma_cells) == ("plain", 2.0), "on maps of the paper's size as in the paper"
