"""From a sender's frame to a bed's: turned and in the source's unit."""

from __future__ import annotations

import numpy as np
import pytest
from listening import SMALL

from matpose.errors import MatposeError
from matpose.intake import intake
from matpose.live.receiver import MAX_BEDS, Receiver, bed_name
from matpose.live.reconnect import Line
from matpose.live.wire import Frame
from matpose.mat import PRESETS, Mat
from matpose.recording import Flag

NOW = 1.7e9
TURNED = Mat(2, 3, 0.03, 0.03, rotate=90, mirror=True)


def frame_of(mat: Mat, **known) -> Frame:
    return Frame(np.random.default_rng(1).integers(50, 400, mat.stored_shape).astype(np.float32), **known)


@pytest.mark.parametrize("mat", [TURNED, PRESETS["pmatdata-i"], PRESETS["pmatdata-ii"]])
@pytest.mark.parametrize("unit", [None, "raw", "mmHg", "kPa", "counts"])
def test_it_is_turned_and_converted_as_a_file_is(mat, unit):
    if unit == "counts" and mat.counts is None:
        with pytest.raises(MatposeError, match="no known scale"):
            Receiver(mat, unit, scaled=False, line=Line())
        return
    frame = frame_of(mat)
    receiver = Receiver(mat, unit, scaled=False, line=Line())
    found = receiver.receive("7", frame, NOW)
    expected = intake(frame.values[None], mat, unit=unit)
    assert found is not None
    assert receiver.unit == expected.unit
    np.testing.assert_array_equal(found.frame, expected.frames[0])
    assert found.frame.dtype == np.float32
    assert found.frame.flags.c_contiguous
    assert (found.bed, found.epoch_s, found.flags) == ("7", NOW, Flag(0))


def test_a_stated_scale_goes_before_the_unit_unless_that_is_raw():
    for unit in (None, "mmHg", "counts"):
        mat = PRESETS["pmatdata-ii"] if unit == "counts" else TURNED
        frame = frame_of(mat, scale_kpa=0.5)
        receiver = Receiver(mat, unit, scaled=True, line=Line())
        found = receiver.receive("7", frame, NOW)
        assert found is not None
        assert receiver.unit == "kPa"
        np.testing.assert_allclose(found.frame, mat.canonical(frame.values) * 0.5)
    frame = frame_of(TURNED, scale_kpa=0.5)
    raw = Receiver(TURNED, "raw", scaled=True, line=Line())
    found = raw.receive("7", frame, NOW)
    assert found is not None
    assert raw.unit == "raw"
    np.testing.assert_array_equal(found.frame, TURNED.canonical(frame.values))


def test_counts_of_unknown_scale_are_refused_in_words_not_taken_for_kpa():
    line = Line()
    receiver = Receiver(TURNED, None, scaled=True, line=line)
    assert receiver.unit == "kPa"
    assert receiver.receive("7", frame_of(TURNED), NOW) is None
    assert "without a scale" in line.notes["7"]
    mat = PRESETS["pmatdata-i"]  # has a scale of its own
    assert Receiver(mat, None, scaled=True, line=Line()).receive("7", frame_of(mat), NOW) is not None


def test_the_wrong_size_is_all_nan_and_flagged():
    receiver = Receiver(TURNED, "kPa", scaled=False, line=Line())
    for shape in ((2, 3), (0, 0), (1, 6), (4, 3)):
        found = receiver.receive("7", Frame(np.ones(shape, np.float32)), NOW)
        assert found is not None
        assert Flag.WRONG_SIZE in found.flags
        assert found.frame.shape == (2, 3)
        assert np.isnan(found.frame).all()


def test_beds_have_their_own_order_and_are_bounded():
    line = Line()
    receiver = Receiver(SMALL, "kPa", scaled=False, line=line)
    for bed in range(MAX_BEDS):
        found = receiver.receive(str(bed), frame_of(SMALL, sequence=bed, epoch_s=NOW), NOW)
        assert found is not None
        assert found.flags == Flag(0)
    assert receiver.receive("one more", frame_of(SMALL), NOW) is None
    assert f"more than {MAX_BEDS} beds" in line.notes["-"]
    assert receiver.receive("3", frame_of(SMALL, sequence=3, epoch_s=NOW), NOW) is None  # it came already
    assert receiver.receive("3", frame_of(SMALL, sequence=9, epoch_s=NOW + 1), NOW + 1).flags == Flag.GAP  # type: ignore


def test_a_clock_ahead_is_told():
    line = Line()
    receiver = Receiver(SMALL, "kPa", scaled=False, line=line)
    found = receiver.receive("7", frame_of(SMALL, epoch_s=NOW + 7200, sequence=1), NOW)
    assert found is not None
    assert (found.epoch_s, found.flags) == (NOW, Flag.CLOCK)
    assert "7200 s ahead" in line.notes["7"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "+", "#", "ü", "a" * 65, "a\n"])
def test_names_that_no_bed_has(name):
    with pytest.raises(MatposeError, match="is no name"):
        bed_name(name)


def test_units_nobody_knows():
    with pytest.raises(MatposeError, match="unknown unit"):
        Receiver(SMALL, "stones", scaled=True, line=Line())
