"""Rigid residuals against scipy's Kabsch, and the simple rival's points against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from matpose.evaluation.rigid import centre_and_axes_m, rigid_pairs, rigid_residual_m, spread_m

RNG = np.random.default_rng(0)


def _turned(points: np.ndarray, angle: float) -> np.ndarray:
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize("seed", range(6))
def test_residual_is_that_of_scipy(seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(9, 2))
    b = _turned(a, rng.uniform(-3, 3)) + rng.normal(size=2) + 0.3 * rng.normal(size=a.shape)
    flat = [np.column_stack([p - p.mean(0), np.zeros(len(p))]) for p in (a, b)]
    rssd = Rotation.align_vectors(flat[0], flat[1])[1]
    # in the plane a turn about z is the best one, unless half a turn about another axis (a mirror) is better
    if np.linalg.det((a - a.mean(0)).T @ (b - b.mean(0))) > 0:
        assert rigid_residual_m(a, b) == pytest.approx(rssd / 3, rel=1e-6)
    angles = np.linspace(-np.pi, np.pi, 20_001)
    brute = min(np.sqrt(((a - a.mean(0) - _turned(b - b.mean(0), angle)) ** 2).sum(1).mean()) for angle in angles[::20])
    assert rigid_residual_m(a, b) == pytest.approx(brute, abs=1e-3)
    assert rigid_residual_m(a, b) <= brute + 1e-12


@pytest.mark.parametrize("angle", [-2.0, -0.3, 0.0, 0.3, 3.1])
def test_a_displaced_body_leaves_nothing(angle):
    points = RNG.normal(size=(7, 2))
    assert rigid_residual_m(points, _turned(points, angle) + np.array([3, -2])) == pytest.approx(0, abs=1e-9)


def test_a_mirrored_or_larger_body_is_not_the_same():
    points = RNG.normal(size=(7, 2))
    assert rigid_residual_m(points, points * [-1, 1]) > 0.3
    assert rigid_residual_m(points, 2 * points) == pytest.approx(spread_m(points))


def test_residual_is_symmetric():
    a, b = RNG.normal(size=(2, 6, 2))
    assert rigid_residual_m(a, b) == pytest.approx(rigid_residual_m(b, a))


def test_spread():
    assert spread_m(np.array([[0.0, 0], [2, 0], [0, 2], [2, 2]])) == pytest.approx(np.sqrt(2))


def _ellipse(angle: float = 0.0, centre: tuple[float, float] = (0.5, 1.0), cell_m: float = 0.01) -> np.ndarray:
    y, x = (np.mgrid[:200, :100] + 0.5) * cell_m
    dx, dy = x - centre[0], y - centre[1]
    along = -np.sin(angle) * dx + np.cos(angle) * dy  # positive angle: the foot end turns towards -x
    across = np.cos(angle) * dx + np.sin(angle) * dy
    return np.exp(-(along**2) / (2 * 0.2**2) - across**2 / (2 * 0.05**2))


def test_centre_and_axes_of_a_gaussian():
    found = centre_and_axes_m(_ellipse(), 0.01)
    np.testing.assert_allclose(found, [[0.5, 1], [0.5, 1.2], [0.5, 0.8], [0.55, 1], [0.45, 1]], atol=1e-3)


def test_axes_turn_with_the_body():
    still, turned = (centre_and_axes_m(_ellipse(angle, (0.5, 1.0 - angle)), 0.01) for angle in (0.0, 0.3))
    assert rigid_residual_m(still, turned) < 2e-3


def test_an_empty_map_has_finite_axes():
    assert np.isfinite(centre_and_axes_m(np.zeros((8, 4)), 0.03)).all()


def test_pairs_measure_points_and_rival_alike():
    maps = np.stack([_ellipse(0.0), _ellipse(0.2, (0.45, 0.9)), _ellipse(0.0)])
    points = RNG.normal(size=(6, 2))
    points_m = np.stack([points, _turned(points, 0.4) + 1, points])
    measured = rigid_pairs(points_m, maps, 0.01, np.array(["a", "a", "b"]), np.array(["B2", "B1", "B1"]))
    assert measured["rigid_residual_cm"] == pytest.approx(0, abs=1e-6)
    assert measured["rigid_residual_axes_cm"] < 0.2
    shaken = points_m + 0.1 * RNG.normal(size=points_m.shape)
    worse = rigid_pairs(shaken, maps, 0.01, np.array(["a", "a", "b"]), np.array(["B2", "B1", "B1"]))
    assert worse["rigid_residual_cm"] == pytest.approx(100 * rigid_residual_m(shaken[0], shaken[1]))
    assert worse["rigid_residual_over_spread"] == pytest.approx(worse["rigid_residual_cm"] / 100 / spread_m(shaken[0]))


def test_no_pairs_no_figures():
    assert rigid_pairs(np.zeros((1, 3, 2)), np.ones((1, 8, 4)), 0.03, np.array(["a"]), np.array(["B1"])) == {}
