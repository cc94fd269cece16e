from dataclasses import fields, replace
from functools import lru_cache

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.mat import Mat, preset
from matpose.monitor.moment import EVENTS, OCCUPANCY, Moment
from matpose.monitor.monitor import Monitor
from matpose.monitor.settings import Settings
from matpose.pose import Keypoint, Pose
from matpose.recording import JOINT_NAMES, POSTURES, Flag
from matpose.simulate.scene import draw_sample

MAT = preset("pmatdata-i")
NONE, START = Flag(0), 1_700_000_000.0
Frame = tuple[np.ndarray, Flag, Pose]


@lru_cache(maxsize=8)
def lying(posture: str) -> Frame:
    """A simulated person, and the pose that a perfect detector tells."""
    sample = draw_sample(0, seed=5, mat=MAT, posture=posture, sensor=False, raised_deg=0)
    joints = {
        name: Keypoint((float(x), float(y)), 0.95, float(contact))
        for name, (x, y, _), contact in zip(JOINT_NAMES, sample.joints_m, sample.joint_contact, strict=True)
    }
    return sample.pressure_kpa, NONE, Pose(0, 0.0, keypoints=joints, posture=posture, probabilities={posture: 1.0})


NOBODY: Frame = np.zeros((MAT.rows, MAT.cols), np.float32), Flag.EMPTY_BED, Pose(0, 0.0, posture="empty")
GARBLED: Frame = np.full((MAT.rows, MAT.cols), np.nan, np.float32), Flag.WRONG_SIZE, Pose(0, 0.0)


class Bed:
    """A monitor, and a clock that shows it frames."""

    def __init__(self, settings: Settings = Settings(), unit: str = "kPa", every_s: float = 1.0) -> None:
        self.monitor = Monitor(MAT, unit, settings)
        self.epoch_s, self.every_s, self.moments = START, every_s, []

    def show(self, what: Frame, lasts_s: float, flags: Flag = NONE) -> list[Moment]:
        """The same for so many seconds: a pose at its first frame, then a shut gate."""
        moments = []
        for number in range(round(lasts_s / self.every_s)):
            frame, own, pose = what
            extra = flags if number == 0 else NONE
            moments.append(self.monitor.update(frame, own | extra, pose, number == 0, self.epoch_s))
            self.epoch_s += self.every_s
        self.moments += moments
        return moments

    def events(self, *kinds: str) -> list[tuple[float, str, dict]]:
        return [
            (event.epoch_s - START, event.kind, dict(event.detail))
            for moment in self.moments for event in moment.events if not kinds or event.kind in kinds
        ]  # fmt: skip


def test_an_evening():
    bed = Bed(Settings(turn_interval_h=0.1))
    bed.show(NOBODY, 30)
    bed.show(lying("supine"), 300)
    bed.show(lying("left"), 500)
    last = bed.show(NOBODY, 60)[-1]
    assert bed.events() == [
        (0, "posture", {"posture": "empty"}),
        (30, "bed_entry", {}),
        (30, "posture", {"posture": "supine"}),
        (330, "posture", {"posture": "left"}),
        (330, "turn", {"posture": "left", "from": "supine", "why": "posture"}),
        (690, "turn_due", {}),
        (830, "bed_exit", {}),
        (830, "posture", {"posture": "empty"}),
    ]
    assert last.posture_s == {**dict.fromkeys(POSTURES, 0.0), "empty": 89.0, "supine": 300.0, "left": 500.0}
    assert (last.occupancy, last.turned_at_s, last.turn_due_s, last.movement) == ("out", None, None, 0)
    assert last.heels_off == {"left": None, "right": None}
    assert not last.part_map.any()


def test_a_moment_in_bed():
    bed = Bed()
    moment = bed.show(lying("supine"), 120)[-1]
    assert (moment.occupancy, moment.posture, moment.posture_since_s) == ("in_bed", "supine", START)
    assert (moment.turned_at_s, moment.turn_due_s) == (START, START + 7200)
    assert moment.movement == 0
    assert moment.parts is not None
    assert moment.dose_mmhg_h is not None
    sacrum = 6
    assert moment.parts.peak_mmhg[sacrum] > 10
    assert moment.dose_mmhg_h[sacrum] == pytest.approx(moment.parts.peak_mmhg[sacrum] * 119 / 3600)
    assert moment.loaded_s[sacrum] == 119
    assert len(moment.part_rows()) == 21


def test_between_poses_the_map_of_parts_stays_and_the_readings_follow_the_frame():
    bed = Bed()
    one = bed.show(lying("supine"), 60)[-1]
    frame, flags, pose = lying("supine")
    two = bed.monitor.update(frame * 2, flags, pose, False, bed.epoch_s)
    assert two.part_map is one.part_map
    assert one.parts is not None
    assert two.parts is not None
    np.testing.assert_allclose(two.parts.mean_mmhg[6], 2 * one.parts.mean_mmhg[6], rtol=0.05)


def test_counts_without_a_unit_have_postures_and_no_dose():
    bed = Bed(unit="raw")
    frame, flags, pose = lying("supine")
    counts: Frame = frame * 100 + 40, flags, pose
    bed.show(counts, 100)
    left, flags, pose = lying("left")
    last = bed.show((left * 100 + 40, flags, pose), 100)[-1]
    assert [kind for _, kind, _ in bed.events()] == ["posture", "posture", "turn"]
    assert (last.parts, last.dose_mmhg_h, last.occupancy) == (None, None, "in_bed")
    assert last.loaded_s.max() >= 99
    assert last.part_rows()[0]["dose_mmhg_h"] is None


def test_frames_that_say_nothing_press_nowhere_and_are_unknown_after_a_while():
    bed = Bed()
    before = bed.show(lying("supine"), 60)[-1]
    moments = bed.show(GARBLED, 8)
    assert {moment.posture for moment in moments} == {"supine"}
    assert all(moment.parts is None and not moment.part_map.any() for moment in moments)
    last = bed.show(GARBLED, 300)[-1]
    assert (last.posture, last.occupancy, last.posture_since_s) == ("unknown", "unknown", START + 60)
    assert before.dose_mmhg_h is not None
    assert last.dose_mmhg_h is not None
    np.testing.assert_array_equal(last.dose_mmhg_h, before.dose_mmhg_h)
    assert last.turned_at_s == START  # the clock goes on
    bed.show(lying("supine"), 60)
    assert bed.events("turn", "bed_entry", "bed_exit") == []


@pytest.mark.parametrize("flags", [Flag.CORRUPTED, Flag.CORRUPTED | Flag.EMPTY_BED])
def test_a_garbled_transfer_is_no_exit(flags):
    bed = Bed()
    bed.show(lying("supine"), 60)
    bed.show((NOBODY[0], flags, Pose(0, 0.0)), 120)
    bed.show(lying("supine"), 60)
    assert bed.events("turn", "bed_exit", "bed_entry") == []


def test_many_cells_without_a_reading_say_nothing_and_a_few_do_no_harm():
    frame, flags, pose = lying("supine")
    holes = frame.copy()
    holes[30, 3:6] = np.nan
    bed = Bed()
    moment = bed.show((holes, flags | Flag.NAN, pose), 60)[-1]
    assert moment.posture == "supine"
    assert moment.dose_mmhg_h is not None
    assert np.isfinite(moment.dose_mmhg_h).all()
    assert np.isfinite(moment.movement)
    holes[:10] = np.nan
    assert bed.show((holes, flags | Flag.NAN, pose), 60)[-1].posture == "unknown"


def test_a_gap_counts_nowhere():
    bed = Bed()
    before = bed.show(lying("supine"), 61)[-1]
    bed.epoch_s += 1800
    after = bed.show(lying("supine"), 1)[-1]
    assert after.posture_s == before.posture_s
    assert (after.posture, after.occupancy) == ("unknown", "unknown")
    last = bed.show(lying("supine"), 60)[-1]
    assert last.posture_s["supine"] == 120
    assert last.dose_mmhg_h is not None
    assert before.dose_mmhg_h is not None
    assert last.dose_mmhg_h[6] == pytest.approx(2 * before.dose_mmhg_h[6], rel=0.02)
    assert bed.events("gap") == [(1861, "gap", {"seconds": 1801.0})]
    assert bed.events("turn", "bed_entry", "bed_exit") == []
    assert last.turned_at_s == START
    assert bed.events("posture")[1:] == [
        (60, "posture", {"posture": "unknown"}),
        (1861, "posture", {"posture": "supine"}),
    ]


def test_a_turn_within_a_gap_is_dated_to_its_begin():
    bed = Bed()
    bed.show(lying("supine"), 61)
    bed.epoch_s += 1800
    last = bed.show(lying("left"), 60)[-1]
    assert bed.events("turn") == [(60, "turn", {"posture": "left", "from": "supine", "why": "posture"})]
    assert last.turned_at_s == START + 60
    assert last.posture_since_s == START + 1861


def test_a_gap_that_the_source_saw_counts_nowhere_either():
    bed = Bed(every_s=0.5)
    bed.show(lying("supine"), 60)
    last = bed.show(lying("supine"), 60, flags=Flag.GAP)[-1]
    assert last.posture_s["supine"] == 119
    assert bed.events("gap") == [(60, "gap", {"seconds": 0.5})]


@pytest.mark.parametrize("jump_s", [-7200.0, -5.0])
def test_a_clock_set_back_makes_nothing_negative(jump_s):
    bed = Bed()
    bed.show(lying("supine"), 100)
    bed.epoch_s += jump_s
    first, *_, last = bed.show(lying("supine"), 100)
    assert [event.kind for event in first.events] == ["clock"]
    assert first.turned_at_s is not None
    assert first.epoch_s - first.turned_at_s == 99  # as at the frame before: nobody knows what this one took
    assert last.posture_s["supine"] == 198
    assert (last.posture, last.occupancy) == ("supine", "in_bed")
    assert last.posture_since_s == last.turned_at_s
    assert last.dose_mmhg_h is not None
    assert (last.dose_mmhg_h >= 0).all()
    assert bed.events("turn", "gap", "bed_exit") == []


def test_a_clock_set_forward_makes_no_turn_due():
    bed = Bed()
    bed.show(lying("supine"), 100)
    bed.epoch_s += 10 * 3600
    bed.show(lying("supine"), 100, flags=Flag.CLOCK)
    assert [kind for _, kind, _ in bed.events()] == ["posture", "clock"]


def test_who_leaves_for_a_moment_has_a_new_clock():
    bed = Bed()
    bed.show(lying("supine"), 600)
    bed.show(NOBODY, 6)  # too short for a posture
    last = bed.show(lying("left"), 100)[-1]
    assert bed.events("turn") == []
    assert last.turned_at_s == START + 606
    last = bed.show(lying("supine"), 100)[-1]
    assert [at_s for at_s, *_ in bed.events("turn")] == [706]


def test_sitting_up_is_a_posture_and_no_turn():
    frame, flags, pose = lying("supine")
    seat = np.where((np.arange(MAT.rows)[:, None] >= 26) & (np.arange(MAT.rows)[:, None] < 38), frame * 3, 0)
    bed = Bed()
    bed.show((frame, flags, pose), 100)
    bed.show((seat, flags, pose), 100)
    bed.show((frame, flags, pose), 100)
    assert [detail["posture"] for *_, detail in bed.events("posture")] == ["supine", "sitting", "supine"]
    assert bed.events("turn") == []


def test_weeks_need_no_more_memory_than_a_minute():
    bed = Bed(every_s=600.0)
    for number in range(300):
        bed.monitor.update(*lying("supine" if number % 2 else "left"), True, START + 600.0 * number)
    sizes = [len(value) for part in vars(bed.monitor).values() for value in getattr(part, "__dict__", {}).values()
             if hasattr(value, "__len__") and not isinstance(value, np.ndarray)]  # fmt: skip
    assert max(sizes) <= 61


def test_an_earlier_moment_never_changes():
    bed = Bed()
    early = bed.show(lying("supine"), 30)[-1]
    kept = {name.name: np.copy(value) for name in fields(early)
            if isinstance(value := getattr(early, name.name), np.ndarray)}  # fmt: skip
    said = dict(early.posture_s), dict(early.heels_off)
    bed.show(lying("left"), 100)
    for name, value in kept.items():
        np.testing.assert_array_equal(getattr(early, name), value)
    assert (dict(early.posture_s), dict(early.heels_off)) == said


def test_any_order_of_frames_and_flags_gives_a_whole_moment():
    rng = np.random.default_rng(0)
    bed = Bed()
    kinds = [NOBODY, GARBLED, lying("supine"), lying("left"), lying("prone")]
    for _ in range(600):
        frame, flags, pose = kinds[rng.integers(len(kinds))]
        if rng.random() < 0.2:
            flags |= [Flag.GAP, Flag.CLOCK, Flag.HOT, Flag.CORRUPTED][rng.integers(4)]
        bed.epoch_s += float(
            rng.choice([0.0, 0.1, 1.0, 30.0, 4000.0, -0.5, -600.0], p=[0.05, 0.3, 0.4, 0.1, 0.05, 0.05, 0.05])
        )
        bed.show((frame, flags, replace(pose)), 1)
        moment = bed.moments[-1]
        assert moment.occupancy in OCCUPANCY
        assert moment.posture in POSTURES
        assert all(event.kind in EVENTS for event in moment.events)
        assert all(seconds >= 0 for seconds in moment.posture_s.values())
        assert (moment.loaded_s >= 0).all()
        assert moment.posture_since_s <= moment.epoch_s + 0.5
        assert moment.turned_at_s is None or moment.turned_at_s <= moment.epoch_s + 0.5


def test_a_mat_without_pitch_is_refused():
    with pytest.raises(MatposeError, match="pitch"):
        Monitor(Mat(64, 32, None, None), "kPa")
