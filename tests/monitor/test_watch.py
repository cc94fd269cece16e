import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from matpose.errors import MatposeError
from matpose.mat import preset
from matpose.monitor.moment import Moment
from matpose.monitor.settings import Settings
from matpose.monitor.watch import Watch, watch
from matpose.pose import Keypoint, Pose
from matpose.recording import JOINT_NAMES, Flag, Recording
from matpose.runtime.detector import Detector
from matpose.simulate.scene import draw_sample

MAT = preset("pmatdata-i")


class Counting(Detector):
    """The shipped detector, which counts the poses it computes."""

    seen = 0

    def see(self, *given, **named) -> Pose:
        self.seen += 1
        return super().see(*given, **named)


class Scripted(Detector):
    """Tells whatever posture the frame's first cell names; no model behind it."""

    def __init__(self) -> None:
        self.seen = []

    def see(self, frame, mat, *, flags, time_s, frame_index=0, origin_m=None) -> Pose:
        self.seen.append((frame_index, time_s, flags))
        joints: dict[str, Keypoint | None] = dict.fromkeys(JOINT_NAMES, Keypoint((0.4, 0.9), 0.9, 0.9))
        return Pose(frame_index, time_s, keypoints=joints, posture="supine", flags=flags)


@pytest.fixture(scope="module")
def short() -> Recording:
    """Some minutes: nobody, on the back, on the left, nobody; with a sensor's noise."""
    rng = np.random.default_rng(1)
    samples = [draw_sample(0, seed=5, mat=MAT, posture=posture, sensor=False, raised_deg=0).pressure_kpa
               for posture in ("supine", "left")]  # fmt: skip
    nobody = np.zeros_like(samples[0])
    lasts_s = (30, 400, 250, 30)
    frames = np.repeat(np.stack([nobody, *samples, nobody]), lasts_s, 0)
    frames = np.maximum(frames + rng.normal(0, 0.02, frames.shape), 0).astype(np.float32)
    return Recording(
        frames=frames, mat=MAT, unit="kPa", time_s=np.arange(len(frames), dtype=np.float64),
        flags=np.zeros(len(frames), np.uint16), start_time="2025-01-31T22:00:00+00:00",
    )  # fmt: skip


@pytest.fixture(scope="module")
def watched(short) -> tuple[list[Moment], int]:
    """Its moments by the shipped detector, and how many poses that took."""
    detector = Counting()
    return list(watch(short, detector)), detector.seen


def test_a_recording_is_told_as_the_bedside_saw_it(watched):
    moments, _ = watched
    start_s = 1738360800.0
    told = [(event.epoch_s - start_s, event.kind) for moment in moments for event in moment.events]
    for kind, at_s in (("bed_entry", 30), ("turn", 430), ("bed_exit", 680)):
        assert [when_s for when_s, what in told if what == kind] == [pytest.approx(at_s, abs=3)]
    assert {kind for _, kind in told} <= {"posture", "bed_entry", "turn", "bed_exit"}
    assert moments[0].epoch_s == start_s
    assert moments[-1].posture == "empty"
    assert moments[-1].posture_s["supine"] == pytest.approx(400, abs=3)
    assert moments[-1].posture_s["left"] == pytest.approx(250, abs=3)
    sacrum = moments[429].dose_mmhg_h
    assert sacrum is not None
    assert sacrum[6] > 2


def test_poses_come_only_when_something_changes_or_beats(watched):
    moments, poses = watched
    assert poses == sum(moment.fresh for moment in moments)
    assert poses < 2 * 650 / 20 + 20
    opened_s = [moment.epoch_s for moment in moments if moment.fresh and moment.occupancy == "in_bed"]
    assert max(after - before for before, after in pairwise(opened_s)) == 20
    assert all(moment.pose.time_s == moment.epoch_s - moments[0].epoch_s for moment in moments if moment.fresh)


def test_nothing_depends_on_the_future(short, watched):
    cut = short.select(slice(0, 445))  # amid a turn
    for early, whole in zip(watch(cut, Detector()), watched[0], strict=False):
        assert early.part_rows() == whole.part_rows()
        for name in (
            "epoch_s",
            "flags",
            "posture",
            "posture_s",
            "occupancy",
            "turned_at_s",
            "movement",
            "events",
            "pose",
        ):
            assert getattr(early, name) == getattr(whole, name)


def test_an_open_gate_tells_the_same(short, watched):
    some = short.select(slice(400, 470))
    shut, opened = (
        [(event.epoch_s, event.kind) for moment in watch(some, Detector(), settings) for event in moment.events]
        for settings in (Settings(), Settings(gate=0))
    )
    assert shut == opened


def test_flags_of_the_source_are_kept_and_those_of_a_whole_recording_are_not(short):
    frames = short.frames[100:110].copy()
    frames[5, 40, 3] = 13
    flags = np.zeros(10, np.uint16)
    flags[:] = Flag.STUCK  # found by looking ahead
    flags[7] |= Flag.GAP
    some = replace(short, frames=frames, flags=flags, time_s=np.arange(10.0))
    moments = list(watch(some, Scripted()))
    assert Flag.STUCK not in moments[0].flags
    assert Flag.GAP in moments[7].flags
    assert [event.kind for event in moments[7].events] == ["gap"]


def test_while_a_posture_is_in_doubt_there_is_a_pose_a_second(short):
    detector = Scripted()
    bed = Watch(detector, MAT, "kPa", Settings(heartbeat_s=3600))
    for number in range(400):
        bed.take(short.frames[100], 1000.0 + number / 10)
    assert 9 <= len(detector.seen) <= 13  # the ten seconds in which the first posture settles
    assert detector.seen[0] == (0, 0.0, Flag(0))


def test_a_frame_of_the_wrong_size_does_not_stop_the_watch(short):
    bed = Watch(Scripted(), MAT, "kPa")
    bed.take(short.frames[100], 0.0)
    moment = bed.take(np.zeros((3, 3), np.float32), 1.0)
    assert Flag.WRONG_SIZE in moment.flags
    assert moment.parts is None
    assert bed.take(short.frames[101], 2.0).parts is not None


@pytest.mark.parametrize(
    ("start_time", "epoch_s"), [(None, 0.0), ("1970-01-02", 86400.0), ("1970-01-01T01:00+01:00", 0.0)]
)
def test_start_times(short, start_time, epoch_s):
    some = replace(short.select(slice(0, 2)), start_time=start_time)
    assert [moment.epoch_s for moment in watch(some, Scripted())] == [epoch_s, epoch_s + 1]


def test_a_start_time_that_is_none_is_refused(short):
    with pytest.raises(MatposeError, match="midnight"):
        next(watch(replace(short, start_time="midnight"), Scripted()))


def test_a_mat_without_pitch_is_refused():
    with pytest.raises(MatposeError, match="pitch"):
        Watch(Scripted(), MAT.with_changes(pitch_y_m=None, pitch_x_m=None), "kPa")


@pytest.mark.slow
def test_a_frame_of_a_shut_gate_takes_half_a_millisecond(short):
    bed = Watch(Detector(), MAT, "kPa", Settings(heartbeat_s=3600))
    for second in range(50):
        bed.take(short.frames[50 + second], float(second))
    spent_ms = []
    for second in range(50, 350):
        start = time.thread_time()
        moment = bed.take(short.frames[50 + second], float(second))
        spent_ms.append(1e3 * (time.thread_time() - start))
        assert not moment.fresh
    assert np.median(spent_ms) < 0.5
