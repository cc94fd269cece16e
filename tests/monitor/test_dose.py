import math

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.monitor.dose import LONGEST_S, OFF_MMHG, RELIEF_S, Dose
from matpose.monitor.moment import PartReadings
from matpose.recording import PART_NAMES

HEEL = PART_NAMES.index("left_heel_foot")
HEAD = PART_NAMES.index("head")


def pressing(mmhg, part=HEEL):
    peak = np.zeros(22)
    peak[part] = mmhg
    return PartReadings(peak, peak, peak, peak > 0)


def dose_of(pressures_mmhg, seconds, recovery_h=None):
    dose = Dose(recovery_h)
    for mmhg in pressures_mmhg:
        dose.add(pressing(mmhg), seconds)
    return dose


def test_a_steady_pressure_for_an_hour_is_its_own_number():
    dose = dose_of([60.0] * 3601, 1.0)
    assert dose.mmhg_h[HEEL] == pytest.approx(60.0, rel=1e-12)
    assert dose.loaded_s[HEEL] == pytest.approx(3600)
    assert dose.mmhg_h.sum() == dose.mmhg_h[HEEL]
    assert dose.uncounted_s == 0


def test_a_ramp_is_integrated_exactly_at_any_interval():
    for seconds in (1.0, 7.5, 60.0):
        times_h = np.arange(round(3600 / seconds) + 1) * seconds / 3600
        assert dose_of(20 + 30 * times_h, seconds).mmhg_h[HEEL] == pytest.approx(35.0, rel=1e-9)


def test_uneven_intervals_count_for_what_they_last():
    dose = Dose()
    for mmhg, seconds in ((10, 0.0), (30, 30.0), (50, 6.0), (50, 24.0)):
        dose.add(pressing(mmhg), seconds)
    assert dose.mmhg_h[HEEL] == pytest.approx((20 * 30 + 40 * 6 + 50 * 24) / 3600)


def test_before_the_first_reading_nothing_is_known():
    dose = Dose()
    dose.add(pressing(100), 30.0)
    assert not dose.mmhg_h.any()
    assert not dose.loaded_s.any()
    assert dose.uncounted_s == 0


def test_a_gap_counts_nothing_and_says_so_and_does_not_begin_the_time_anew():
    dose = dose_of([40.0] * 61, 10.0)
    before_mmhg_h, before_s = dose.mmhg_h[HEEL], dose.loaded_s[HEEL]
    dose.add(pressing(40), LONGEST_S + 1)
    assert dose.mmhg_h[HEEL] == before_mmhg_h
    assert dose.loaded_s[HEEL] == before_s
    assert dose.uncounted_s == LONGEST_S + 1
    dose.add(pressing(40), 10.0)
    assert dose.mmhg_h[HEEL] == pytest.approx(before_mmhg_h + 40 * 10 / 3600)
    assert dose.loaded_s[HEEL] == before_s + 10


@pytest.mark.parametrize("seconds", [0.0, -5.0, math.nan, math.inf, -math.inf])
def test_a_clock_that_jumps_leaves_the_dose_as_it_was(seconds):
    dose = dose_of([40.0] * 3, 10.0, recovery_h=1)
    before = dose.mmhg_h.copy()
    dose.add(pressing(40), seconds)
    assert (dose.mmhg_h == before).all()
    assert dose.uncounted_s == 0


def test_the_dose_halves_in_its_half_life_while_nothing_presses():
    dose = dose_of([60.0] * 361, 10.0, recovery_h=2.0)
    loaded = dose.mmhg_h[HEEL]
    assert loaded == pytest.approx(60.0)
    dose.add(pressing(0), 1e-9)  # off at once
    for _ in range(720):
        dose.add(pressing(0), 10.0)
    assert dose.mmhg_h[HEEL] == pytest.approx(30.0, rel=1e-6)


def test_what_still_presses_does_not_recover_and_others_do():
    dose = Dose(1.0)
    both = pressing(50).peak_mmhg + pressing(50, HEAD).peak_mmhg
    for _ in range(361):
        dose.add(PartReadings(both, both, both, both > 0), 10.0)
    for _ in range(361):
        dose.add(pressing(OFF_MMHG, HEAD), 10.0)
    assert dose.mmhg_h[HEAD] == pytest.approx(50 + OFF_MMHG, rel=0.01)
    assert dose.mmhg_h[HEEL] == pytest.approx(25, rel=0.01)
    assert dose_of([50.0] * 361 + [0.0] * 361, 10.0).mmhg_h[HEEL] == pytest.approx(50, rel=0.01)


def test_a_gap_heals_nothing():
    dose = dose_of([50.0] * 10 + [0.0], 10.0, recovery_h=1.0)
    before = dose.mmhg_h[HEEL]
    dose.add(pressing(0), 7200.0)
    assert dose.mmhg_h[HEEL] == before


def test_the_time_under_load_ends_with_a_minute_of_relief_not_with_a_moment():
    dose = dose_of([40.0] * 61, 10.0)
    for _ in range(int(RELIEF_S / 10) - 2):
        dose.add(pressing(0), 10.0)
    # the first of these still bore: the mean of 40 and 0
    assert dose.loaded_s[HEEL] == 610
    dose.add(pressing(40), 10.0)
    dose.add(pressing(40), 10.0)
    assert dose.loaded_s[HEEL] == 630
    for _ in range(int(RELIEF_S / 10) + 1):
        dose.add(pressing(0), 10.0)
    assert dose.loaded_s[HEEL] == 0


def test_what_was_given_out_does_not_change_later():
    dose = dose_of([40.0] * 3, 10.0)
    told, told_s = dose.mmhg_h, dose.loaded_s
    copies = told.copy(), told_s.copy()
    readings = pressing(40)
    dose.add(readings, 10.0)
    readings.peak_mmhg[:] = 1e6  # whoever gave it may use it again
    dose.add(pressing(40), 10.0)
    assert (told == copies[0]).all()
    assert (told_s == copies[1]).all()
    assert dose.mmhg_h[HEEL] == pytest.approx(40 * 40 / 3600)


@pytest.mark.parametrize("recovery_h", [0.0, -1.0, math.nan, math.inf])
def test_a_half_life_is_above_zero(recovery_h):
    with pytest.raises(MatposeError, match="half-life"):
        Dose(recovery_h)
