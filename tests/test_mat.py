"""Mats: every turn and mirror is undone by its inverse, presets keep the facts of the literature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matpose.errors import MatposeError
from matpose.mat import KPA_PER_UNIT, PRESETS, Mat, preset, presets_of_grid

# a letter F in the canonical view: no turn or mirror of it looks like another
F = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize(
    ("rotate", "mirror", "stored"),
    [
        (0, False, F),
        (0, True, F[:, ::-1]),
        (180, False, F[::-1, ::-1]),
        (180, True, F[::-1]),  # a turn and a mirror: only the rows are flipped
        (
            90,
            False,
            [[1, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]],
        ),  # lies on its left side; clockwise sets it upright
        (270, False, [[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]]),
    ],
)
def test_canonical_of_a_letter(rotate, mirror, stored):
    mat = Mat(4, 3, None, None, rotate, mirror)
    assert mat.stored_shape == np.shape(stored)
    np.testing.assert_array_equal(mat.canonical(np.array(stored)), F)


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([0, 90, 180, 270]), st.booleans())
def test_stored_undoes_canonical(rows, cols, rotate, mirror):
    mat = Mat(rows, cols, None, None, rotate, mirror)
    stored = np.arange(2 * rows * cols).reshape(2, *mat.stored_shape)
    canonical = mat.canonical(stored)
    assert canonical.shape == (2, rows, cols)
    np.testing.assert_array_equal(mat.stored(canonical), stored)


@pytest.mark.parametrize(
    "arguments",
    [
        (0, 3, None, None),
        (4, 5000, None, None),
        (4, 3, 0.0, 0.0),
        (4, 3, 27.8, 27.8),  # millimetres
        (4, 3, float("nan"), float("nan")),
        (4, 3, 0.03, None),
        (4, 3, None, None, 45),
    ],
)
def test_mats_that_cannot_be(arguments):
    with pytest.raises(MatposeError):
        Mat(*arguments)


def test_unknown_pitch_is_asked_for():
    mat = Mat(4, 3, None, None)
    for lengths in ("pitch_m", "height_m", "width_m"):
        with pytest.raises(MatposeError, match="--pitch-mm"):
            getattr(mat, lengths)


@pytest.mark.parametrize(
    ("name", "height_m", "width_m"),
    [
        ("bt3510", 1.83, 0.74),
        ("bpms", 1.95, 0.853),
        ("carpet", 6 * 0.3048, 6 * 0.3048),
        ("pmatdata-i", 1.78, 0.89),
    ],
)
def test_presets_have_their_makers_size(name, height_m, width_m):
    assert preset(name).height_m == pytest.approx(height_m, abs=0.005)
    assert preset(name).width_m == pytest.approx(width_m, abs=0.005)


def test_presets_by_name_and_grid():
    assert presets_of_grid(192, 84) == ("bpms", "slp")
    assert presets_of_grid(32, 64) == ()
    for name, mat in PRESETS.items():
        assert mat.name == name
        assert name in presets_of_grid(*mat.stored_shape)
    with pytest.raises(MatposeError, match="bpms"):
        preset("bmps")


def test_both_pmatdata_mats_read_100_mmhg():
    for name, counts in (("pmatdata-i", 1000), ("pmatdata-ii", 500 + 44)):
        scale = preset(name).counts
        assert scale is not None
        full = (counts - scale.zero_count) * scale.kpa_per_count
        assert full == pytest.approx(100 * KPA_PER_UNIT["mmHg"])
        assert full == pytest.approx(scale.full_scale_kpa)


def test_units_by_their_definitions():
    assert KPA_PER_UNIT["mmHg"] == pytest.approx(101.325 / 760, rel=1e-5)
    assert KPA_PER_UNIT["inH2O"] == pytest.approx(25.4 / 10 * KPA_PER_UNIT["cmH2O"], rel=1e-5)
    assert KPA_PER_UNIT["kgf/cm2"] == pytest.approx(9.80665 * KPA_PER_UNIT["N/cm2"])
    assert KPA_PER_UNIT["psi"] == pytest.approx(4.4482216 / 0.0254**2 / 1000, rel=1e-4)


def test_a_changed_preset_is_no_longer_it():
    changed = preset("bpms").with_changes(rotate=180)
    assert (changed.name, changed.rows, changed.rotate) == (None, 192, 180)
