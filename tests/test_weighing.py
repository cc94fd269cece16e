"""Who is weighed: whole people in sound frames; and what makes the sum doubtful is said."""

import numpy as np
import pytest

from matpose.mat import Mat
from matpose.quality import assess
from matpose.recording import Flag, Recording
from matpose.weighing import weigh

MAT = Mat(50, 20, 0.04, 0.04)
BODY = 30 * 10 * 500


def lying(*shares: float) -> np.ndarray:
    """A block of a person in each frame, pressing with so much of their weight."""
    frames = np.zeros((len(shares), 50, 20), np.float32)
    frames[:, 10:40, 5:15] = 500 * np.array(shares, np.float32)[:, None, None]
    return frames


def load_of(frames: np.ndarray, full_scale: np.ndarray | float = np.inf, flags: tuple[int, ...] = ()):
    count = len(frames)
    said = np.array(flags or [0] * count, np.uint16)
    load = weigh(assess(Recording(frames, MAT, "raw", np.arange(float(count)), said)), full_scale)
    assert load is not None
    return load


def test_frames_of_whole_people_are_weighed():
    load = load_of(lying(1, 1, 0, 0.5, 0.65, 1, 1, 2, 1, 40, 0))
    assert load.frames == 5
    assert load.quartiles == (BODY, BODY, BODY)


def test_frames_said_to_be_corrupted_are_not_weighed():
    assert load_of(lying(1, 0.9, 1, 0.9), flags=(0, Flag.CORRUPTED, 0, Flag.CORRUPTED)).quartiles == (BODY,) * 3


def test_a_long_night_is_sampled_evenly():
    counts = np.full((9000, 6, 5), 10, np.float32)
    counts[:, 2:4, 1:4] = 500 + np.arange(9000)[:, None, None] / 100
    night = Recording(counts, Mat(6, 5, 0.3, 0.2), "raw", np.arange(9000.0), np.zeros(9000, int))
    load = weigh(night, np.inf)
    assert load is not None
    assert load.frames == 3000
    assert load.quartiles[1] == pytest.approx(np.median(counts.sum((1, 2))), rel=1e-4)


def test_a_supine_and_a_lateral_person_are_both_weighed():
    load = load_of(lying(0.84, 0.84, 0.84, 1.05, 1.05))
    assert load.frames == 5
    assert load.quartiles == pytest.approx((0.84 * BODY, 0.84 * BODY, 1.05 * BODY), rel=1e-6)
    assert load.spread == pytest.approx(0.25, rel=1e-5)


def test_nobody():
    assert weigh(Recording(lying(0, 0), MAT, "raw", np.arange(2.0), np.full(2, 128)), np.inf) is None
    cancelled = lying(1, 1) - np.roll(lying(1, 1), 5, axis=2)
    assert weigh(Recording(cancelled, MAT, "raw", np.arange(2.0), np.zeros(2, int)), np.inf) is None
    assert weigh(Recording(-lying(1, 1), MAT, "raw", np.arange(2.0), np.zeros(2, int)), np.inf) is None


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_missing_cells_carry_nothing(missing):
    frames = lying(1, 1, 1)
    frames[:, 10:12, 5:15] = missing
    assert load_of(frames).quartiles[1] == BODY * 28 / 30


def test_sound_people_raise_no_doubt():
    assert load_of(lying(1, 0.98, 0.95, 1.02)).doubts() == ()


def test_doubts_are_measured_and_said():
    spread = load_of(lying(0.8, 0.8, 1.1, 1.1))
    assert spread.spread == pytest.approx(0.3 / 0.95, rel=1e-5)
    assert "varies by 32%" in spread.doubts()[0]

    pressed = lying(1, 1)
    pressed[:, 20:26, 5:15] = 1000
    saturated = load_of(pressed, full_scale=1000.0)
    assert saturated.saturated == pytest.approx(60 * 1000 / (60 * 1000 + 240 * 500))
    assert "saturated cells carry 33%" in saturated.doubts()[0]
    by_cell = np.full((50, 20), 1000.0)
    by_cell[20:26, 5:10] = 1001  # a lower zero leaves these half of them room
    assert load_of(pressed, full_scale=by_cell).saturated == pytest.approx(saturated.saturated / 2)

    border = load_of(np.roll(lying(1, 1), 5, axis=2))
    assert border.border == pytest.approx(0.1)
    assert "10% of the force is at the mat's border" in border.doubts()[0]

    floor = load_of(lying(1, 1) + 44)
    assert floor.floor_count == 44
    assert floor.floor == pytest.approx(44 * 1000 / (BODY + 44 * 1000))
    assert "read 44 counts above zero, over the whole mat 23%" in floor.doubts()[-1]

    sunk = lying(1, 1)
    sunk[:, :10] = -100  # 200 cells
    below = load_of(sunk)
    assert below.below_zero == pytest.approx(20_000 / (BODY - 20_000))
    assert "below zero take away 15%" in below.doubts()[0]
