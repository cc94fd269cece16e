"""Realism measures: closed forms on made maps, known figures of real ones, and no way to tell like from like."""

from __future__ import annotations

import json

import numpy as np
import pytest

from matpose.datasets import load
from matpose.errors import MatposeError
from matpose.evaluation import classifier_fit
from matpose.evaluation.realism import MMHG, THRESHOLDS_MMHG, area_curve_m2, map_measures, power_spectrum
from matpose.evaluation.realism_classifier import real_or_simulated
from matpose.evaluation.realism_comparison import compare_maps
from matpose.evaluation.realism_figures import curves, nearest_real, neighbours, sheets
from matpose.mat import Mat
from matpose.quality import clean
from matpose.simulate.blobs import blob_people

Source = tuple[np.ndarray, np.ndarray, np.ndarray]  # maps, postures, people
MAT = Mat(100, 60, 0.02, 0.03)
Y_M, X_M = np.meshgrid((np.arange(100) + 0.5) * 0.02, (np.arange(60) + 0.5) * 0.03, indexing="ij")


def disc(radius_m: float, mmhg: float) -> np.ndarray:
    return np.where(np.hypot(Y_M - 0.9, X_M - 1.0) <= radius_m, mmhg * MMHG, 0.0)


def test_a_disc_of_known_pressure():
    radius_m, mmhg = 0.4, 20.0
    frames = np.stack([disc(radius_m, mmhg), np.where(Y_M > 1.9, 3 * MMHG, disc(radius_m, mmhg))])
    measures = {name: values.round(6) for name, values in map_measures(frames, MAT).items()}
    area_m2 = np.pi * radius_m**2
    assert measures["area_5mmhg_m2"] == pytest.approx([area_m2] * 2, rel=0.01)
    assert measures["area_1mmhg_m2"] == pytest.approx([area_m2, area_m2 + 0.18], rel=0.01)  # five rows of 1.8 m
    assert measures["mean_5mmhg_mmhg"] == pytest.approx([mmhg] * 2)
    assert measures["mean_1mmhg_mmhg"][1] == pytest.approx((mmhg * area_m2 + 3 * 0.18) / (area_m2 + 0.18), rel=0.01)
    assert measures["force_n"][0] == pytest.approx(133.322 * mmhg * area_m2, rel=0.01)
    # 99 % of a disc's area lies within .959 of its radius; what presses less than 5 mmHg is no part of the body
    for name in ("length_m", "width_m"):
        assert measures[name] == pytest.approx([2 * 0.959 * radius_m] * 2, rel=0.015)
    assert measures["centre_x_m"][0] == pytest.approx(0.1, abs=0.002)
    assert measures["centre_along"][0] == pytest.approx(0.5, abs=0.005)
    assert measures["symmetry"][0] == pytest.approx(1, abs=0.02)  # the mirror interpolates


def test_nothing_on_the_mat_gives_zeros_not_errors():
    for empty in (np.zeros((1, 100, 60)), np.full((1, 100, 60), np.nan)):
        assert all(value == 0 for name, value in map_measures(empty, MAT).items() if name != "centre_x_m")
        assert np.isfinite(power_spectrum(empty, MAT)[1]).all()


def test_a_map_and_its_mirror_image_are_as_symmetric_and_lie_on_opposite_sides():
    rng = np.random.default_rng(0)
    frames = rng.gamma(0.3, 4.0, (4, 100, 60)) * (X_M < 1.1)
    seen, flipped = map_measures(frames, MAT), map_measures(frames[..., ::-1], MAT)
    np.testing.assert_allclose(flipped["symmetry"], seen["symmetry"], rtol=1e-9)
    np.testing.assert_allclose(flipped["centre_x_m"], -seen["centre_x_m"], atol=1e-9)
    assert (seen["symmetry"] < 0.95).all()


def test_two_unequal_loads_have_no_mirror_image():
    frames = np.zeros((2, 100, 60))
    frames[:, 50, 10] = 3.0
    frames[0, 50, 14] = 1.0  # the centre is a quarter of the way: each load is mirrored onto nothing
    frames[1, 50, 14] = 3.0
    np.testing.assert_allclose(map_measures(frames, MAT)["symmetry"], [0, 1], atol=1e-12)


def test_peaks_are_found_in_their_regions_wherever_the_person_lies():
    frames = np.zeros((2, 100, 60))
    for frame, top in zip(frames, (5, 12), strict=True):
        frame[top : top + 80, 20:40] = 10 * MMHG
        for share, mmhg in ((0.05, 41), (0.3, 33), (0.41, 99), (0.5, 56), (0.75, 88), (0.95, 35)):  # .41, .75: no band
            frame[top + int(80 * share), 30] = mmhg * MMHG
    measures = map_measures(frames, MAT)
    for name, mmhg in (("head", 41), ("upper_trunk", 33), ("pelvis", 56), ("heels", 35)):
        assert measures[f"{name}_mmhg"] == pytest.approx([mmhg] * 2)
    assert measures["length_m"] == pytest.approx([1.6 * 0.99] * 2, rel=0.01)


def test_the_area_curve_counts_cells_above_each_threshold():
    steps = np.concatenate([np.full((1, 50, 60), 4 * MMHG), np.full((1, 50, 60), 40 * MMHG)], 1)
    np.testing.assert_allclose(
        area_curve_m2(steps, MAT)[0], np.where(THRESHOLDS_MMHG > 40, 0, np.where(THRESHOLDS_MMHG > 4, 1.8, 3.6))
    )


@pytest.mark.parametrize("axis", ["along", "across"])
def test_stripes_have_their_power_at_their_own_frequency(axis):
    cycles, length_m = (12, 2.0) if axis == "along" else (11, 1.8)
    wave = 2 + np.cos(2 * np.pi * cycles / length_m * (Y_M if axis == "along" else X_M))
    cycles_per_m, power = power_spectrum(np.stack([wave**2, 9 * wave**2]), MAT)
    width = cycles_per_m[1] - cycles_per_m[0]
    assert abs(cycles_per_m[power[0].argmax()] - cycles / length_m) <= width / 2 + 1e-9
    assert np.sort(power[0])[-2] < 1e-9 * power[0].max()
    np.testing.assert_allclose(power[1], power[0], atol=1e-9)  # weight does not matter
    assert cycles_per_m[-1] + width / 2 <= 0.5 / 0.03 + 1e-9


def test_harmonics_of_the_narrower_side_each_have_their_ring():
    mat = Mat(64, 32, 0.0278, 0.0278)
    for cycles in range(1, 16):
        wave = 2 + np.cos(2 * np.pi * cycles * np.arange(32) / 32)
        _, power = power_spectrum(np.tile(wave**2, (1, 64, 1)), mat)
        assert power[0].argmax() == cycles


def test_white_noise_has_as_much_power_everywhere():
    noise = np.random.default_rng(0).uniform(1, 2, (40, 100, 60)) ** 2
    np.testing.assert_allclose(power_spectrum(noise, MAT)[1].mean(0), 1, atol=0.15)


def test_distances_are_in_standard_deviations_of_real_people():
    rng = np.random.default_rng(0)
    real = rng.uniform(1, 3, 30)[:, None, None] * disc(0.4, 20)
    posture = np.full(30, "supine")
    same = compare_maps(real, posture, real[::-1], posture, MAT)["supine"]
    for found in (same["mean_distance"], same["area_m2"]["distance"], same["log10_power"]["distance"]):
        assert found == pytest.approx(0, abs=1e-9)
    doubled = compare_maps(real, posture, 2 * real, posture, MAT)["supine"]
    force_n = 1000 * 0.02 * 0.03 * real.sum((1, 2))
    found = doubled["measures"]["force_n"]
    assert found["distance"] == pytest.approx(force_n.mean() / force_n.std())
    assert found["real"]["median"] == pytest.approx(np.median(force_n))
    assert found["simulated"]["p90"] == pytest.approx(2 * np.percentile(force_n, 90))
    assert doubled["area_m2"]["distance"] > 0.1
    json.dumps(doubled, allow_nan=False)


def test_each_posture_is_held_against_its_own():
    light, heavy = disc(0.4, 10)[None].repeat(4, 0), disc(0.4, 30)[None].repeat(4, 0)
    maps, posture = np.concatenate((light, heavy)), np.repeat(["supine", "left"], 4)
    answer = compare_maps(maps, posture, maps, np.repeat(["prone", "left"], 4), MAT)
    assert list(answer) == ["left"]  # simulated maps lack the supine, real ones the prone
    assert answer["left"]["n_real"] == answer["left"]["n_simulated"] == 4
    mean_mmhg = answer["left"]["measures"]["mean_5mmhg_mmhg"]
    for kind in ("real", "simulated"):
        assert mean_mmhg[kind]["median"] == mean_mmhg[kind]["p10"] == pytest.approx(30)
    assert "heels_mmhg" not in answer["left"]["measures"]  # a band of a straight body only
    with pytest.raises(MatposeError, match="share no posture"):
        compare_maps(light, posture[:4], heavy, posture[4:], MAT)
    with pytest.raises(MatposeError, match="postures"):
        compare_maps(maps, posture[:4], maps, posture, MAT)
    with pytest.raises(MatposeError, match="on a mat of"):
        map_measures(maps[:, :50], MAT)


@pytest.fixture(scope="module")
def blobs() -> Source:
    """A frame each of sixteen blob people in three postures, and their postures and names."""
    recordings = list(blob_people(16, 3, seed=3))
    return (
        np.concatenate([rec.frames[:1] for rec in recordings]),
        np.array([rec.posture[0] for rec in recordings if rec.posture is not None]),
        np.array([rec.subject for rec in recordings]),
    )


@pytest.fixture
def brief_training(monkeypatch):
    monkeypatch.setattr(classifier_fit, "LEAST_STEPS", 40)


def _auc(one: Source, other: Source) -> dict:
    return real_or_simulated(*one, *other, _blob_mat(), folds=2)


def _blob_mat() -> Mat:
    return next(blob_people(1, 1)).mat


def test_two_halves_of_one_source_are_not_told_apart(blobs, brief_training):
    half = np.isin(blobs[2], [f"blobs/{n}" for n in range(1, 9)])
    answer = _auc(*((blobs[0][side], blobs[1][side], blobs[2][side]) for side in (half, ~half)))
    assert answer["n_each"] == 24
    assert 0.25 < answer["auc_small_cnn"] < 0.75
    assert 0.25 < answer["auc_measures"] < 0.75


def test_noisy_copies_are_told_from_their_originals(blobs, brief_training):
    frames, posture, person = blobs
    noisy = frames + np.random.default_rng(0).gamma(0.5, 1.0, frames.shape)
    answer = _auc(blobs, (noisy, posture, person))
    assert answer["auc_small_cnn"] > 0.95
    assert answer["auc_measures"] > 0.95


def test_knowing_the_people_does_not_help(brief_training):
    """Every person has a pattern of their own; who learns it by heart gains nothing on others."""
    rng = np.random.default_rng(1)
    patterns = rng.gamma(1.0, 2.0, (24, 1, 64, 32)).repeat(4, 1) + rng.normal(0, 0.01, (24, 4, 64, 32))
    frames, person = patterns.reshape(-1, 64, 32).clip(0), np.repeat([f"p/{n}" for n in range(24)], 4)
    posture = np.full(96, "left")
    answer = _auc((frames[:48], posture[:48], person[:48]), (frames[48:], posture[48:], person[48:]))
    assert answer["auc_small_cnn"] < 0.85
    assert answer["auc_measures"] < 0.85


def test_postures_are_balanced_and_people_suffice(blobs, brief_training):
    frames, posture, person = blobs
    supine = posture == "supine"
    some = np.flatnonzero(supine | (np.arange(len(posture)) < 12))
    answer = _auc(blobs, (frames[some], posture[some], person[some]))
    assert answer["n_each"] == len(some)  # 16 supine, 4 left, 4 right of either kind
    with pytest.raises(MatposeError, match="share no posture"):
        _auc(blobs, (frames, np.full(len(frames), "prone"), person))
    with pytest.raises(MatposeError, match="groups"):
        _auc(blobs, (frames, posture, np.full(len(frames), "one")))


def test_the_nearest_map_is_the_same_person_elsewhere_on_the_canvas(blobs):
    frames = blobs[0][:12]
    canvas = np.pad(frames, ((0, 0), (6, 6), (6, 6)))
    moved = np.roll(canvas, (4, -3), (1, 2))
    order, distances = nearest_real(moved, canvas, 2)
    assert order[:, 0].tolist() == list(range(12))
    assert (distances[:, 0] < 1e-3).all()
    assert (distances[:, 1] > 10 * distances[:, 0]).all()
    with pytest.raises(MatposeError, match="neighbours"):
        nearest_real(moved, canvas[:1], 2)


def test_figures_hold_what_was_asked_for(blobs):
    frames, posture, _ = blobs
    figure = sheets(frames[:7], 0.5 * frames[:7], columns=3)
    simulated, real = (panel.images[0] for panel in figure.axes[:2])
    assert simulated.norm.vmax == real.norm.vmax
    tiles = np.ma.MaskedArray(real.get_array()).filled(np.nan)
    assert tiles.shape == (3 * 65, 3 * 33)
    np.testing.assert_allclose(tiles[65:129, 33:65], frames[4], rtol=1e-6)  # the second of the second line
    assert np.isnan(tiles[64]).all()
    figure.canvas.draw()
    page = neighbours(frames[:2], frames, [f"map {n}" for n in range(len(frames))])
    assert len(page.axes) == 8
    assert [axes.get_title().split("\n")[0] for axes in page.axes[:2]] == ["simulated", "map 0"]
    lines = curves(compare_maps(frames, posture, frames, posture, _blob_mat())).axes
    assert len(lines) == 6
    with pytest.raises(MatposeError, match="match"):
        sheets(frames[:2], frames[:3])


def test_real_supine_maps_have_the_figures_of_the_literature_of_this_mat(real_data):
    """Of people who lie flat on their back: posture 1."""
    recordings = [
        rec for rec in load(f"pmatdata:{real_data}/pmatdata", subjects="i:1-6") if rec.meta["posture17"] == "1"
    ]
    middle = [clean(rec.select(slice(len(rec) // 2, len(rec) // 2 + 1)))[0].frames for rec in recordings]
    median = {name: float(np.median(v)) for name, v in map_measures(np.concatenate(middle), recordings[0].mat).items()}
    assert median["mean_1mmhg_mmhg"] == pytest.approx(7.3, rel=0.15)
    assert median["area_1mmhg_m2"] == pytest.approx(0.65, rel=0.1)
    assert median["mean_5mmhg_mmhg"] == pytest.approx(12.2, rel=0.15)
    assert median["area_5mmhg_m2"] == pytest.approx(0.32, rel=0.15)
    assert median["pelvis_mmhg"] == pytest.approx(56, rel=0.2)
    assert 1.5 < median["length_m"] < 1.78
    assert median["symmetry"] > 0.8
