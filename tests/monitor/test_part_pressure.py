import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matpose.errors import MatposeError
from matpose.mat import KPA_PER_UNIT, Mat, preset
from matpose.monitor.part_pressure import read_parts
from matpose.recording import PART_NAMES

KPA_PER_MMHG = 0.133322
SACRUM, HEAD, LEFT_CALF = (PART_NAMES.index(name) for name in ("sacrum", "head", "left_calf"))


def by_loops(frame_kpa, parts, mat):
    """The definition, cell by cell: (peak, mean, area, single)."""
    down, across = (next(n for n in range(1, 99) if n * pitch >= 0.03 - 1e-9) for pitch in mat.pitch_m)
    mmhg = frame_kpa / KPA_PER_MMHG
    answer = np.zeros((4, 22))
    for code in range(1, 22):
        cells = (parts == code) & (frame_kpa >= KPA_PER_UNIT["mmHg"] - 2e-4)
        if not cells.any():
            continue
        squares = [
            mmhg[row : row + down, col : col + across].mean()
            for row in range(mat.rows - down + 1)
            for col in range(mat.cols - across + 1)
            if cells[row : row + down, col : col + across].all()
        ]
        answer[:, code] = (
            max(squares) if squares else mmhg[cells].max(),
            mmhg[cells].mean(),
            cells.sum() * mat.pitch_m[0] * mat.pitch_m[1] * 1e4,
            not squares,
        )
    return answer


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(0.0278, 0.0278), (0.01016, 0.01016), (0.0311, 0.0195), (0.03, 0.03), (0.127, 0.127)]),
    st.integers(1, 5),
)
def test_readings_are_the_definitions(seed, pitch_m, patches):
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(1, 12, 2)
    mat = Mat(int(rows), int(cols), *pitch_m)
    # blocks of parts, so that squares do fit
    parts = np.kron(rng.integers(0, 22, (4, 4)), np.ones((patches, patches)))[:rows, :cols].astype(np.uint8)
    parts = np.pad(parts, ((0, rows - parts.shape[0]), (0, cols - parts.shape[1])))
    frame = rng.uniform(0, 8, (rows, cols)).astype(np.float32) * (rng.random((rows, cols)) < 0.9)
    found = read_parts(frame, parts, mat)
    peak, mean, area, single = by_loops(frame, parts, mat)
    np.testing.assert_allclose(found.peak_mmhg, peak, rtol=1e-5)
    np.testing.assert_allclose(found.mean_mmhg, mean, rtol=1e-5)
    np.testing.assert_allclose(found.area_cm2, area, rtol=1e-9)
    assert (found.single_cell == (single > 0)).all()


@pytest.mark.parametrize(
    ("pitch_m", "cells"), [(0.0278, 2), (0.03, 1), (0.01016, 3), (0.01905, 2), (0.127, 1)]
)  # sides of 30 mm and the next more
def test_squares_have_nine_square_centimetres_or_the_least_above(pitch_m, cells):
    mat = Mat(12, 12, pitch_m, pitch_m)
    parts = np.full((12, 12), SACRUM, np.uint8)
    frame = np.full((12, 12), 1.0, np.float32)
    frame[5, 5] = 11.0
    found = read_parts(frame, parts, mat)
    assert found.peak_mmhg[SACRUM] == pytest.approx((10 / cells**2 + 1) / KPA_PER_MMHG, rel=1e-5)
    assert not found.single_cell.any()


def test_a_square_never_reaches_into_another_part():
    frame = np.zeros((6, 6), np.float32)
    parts = np.zeros((6, 6), np.uint8)
    parts[:, :3], parts[:, 3:] = HEAD, SACRUM
    frame[:, :3], frame[:, 3:] = 2.0, 9.0
    found = read_parts(frame, parts, Mat(6, 6, 0.0278, 0.0278))
    assert found.peak_mmhg[HEAD] == pytest.approx(2 / KPA_PER_MMHG, rel=1e-5)
    assert found.peak_mmhg[SACRUM] == pytest.approx(9 / KPA_PER_MMHG, rel=1e-5)


def test_a_part_one_cell_wide_says_that_one_cell_made_its_peak():
    parts = np.zeros((10, 10), np.uint8)
    parts[:, 4] = LEFT_CALF
    frame = np.full((10, 10), 3.0, np.float32)
    frame[7, 4] = 5.0
    found = read_parts(frame, parts, Mat(10, 10, 0.0278, 0.0278))
    assert found.single_cell[LEFT_CALF]
    assert found.single_cell.sum() == 1
    assert found.peak_mmhg[LEFT_CALF] == pytest.approx(5 / KPA_PER_MMHG, rel=1e-5)
    assert not read_parts(frame, parts, preset("hlppdat").with_changes(rows=10, cols=10)).single_cell.any()


def test_no_reading_is_no_pressure_and_no_area():
    parts = np.full((6, 6), SACRUM, np.uint8)
    frame = np.full((6, 6), 4.0, np.float32)
    frame[:3] = np.nan
    found = read_parts(frame, parts, Mat(6, 6, 0.02, 0.02))
    assert found.mean_mmhg[SACRUM] == pytest.approx(4 / KPA_PER_MMHG, rel=1e-5)
    assert found.area_cm2[SACRUM] == pytest.approx(18 * 4.0)
    everywhere = read_parts(np.full((6, 6), np.nan, np.float32), parts, Mat(6, 6, 0.02, 0.02))
    assert not everywhere.peak_mmhg.any()
    assert not everywhere.area_cm2.any()
    assert not everywhere.single_cell.any()


def test_cells_that_nothing_bears_on_are_no_contact():
    parts = np.full((6, 6), SACRUM, np.uint8)
    frame = np.zeros((6, 6), np.float32)
    frame[2:4, 2:4] = 4.0
    found = read_parts(frame, parts, Mat(6, 6, 0.02, 0.02))
    assert found.area_cm2[SACRUM] == pytest.approx(16.0)
    assert found.mean_mmhg[SACRUM] == pytest.approx(4 / KPA_PER_MMHG, rel=1e-5)


def test_frames_that_do_not_fit_are_refused():
    with pytest.raises(MatposeError, match="8 x 8"):
        read_parts(np.zeros((8, 7), np.float32), np.zeros((8, 7), np.uint8), Mat(8, 8, 0.02, 0.02))
    with pytest.raises(MatposeError, match="pitch"):
        read_parts(np.zeros((8, 8), np.float32), np.zeros((8, 8), np.uint8), Mat(8, 8, None, None))
