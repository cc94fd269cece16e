"""The watch of one bed: check a frame, look whether it calls for a pose, tell the monitor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.monitor.moment import Moment
from matpose.monitor.monitor import Monitor
from matpose.monitor.settings import Settings
from matpose.pose import Pose
from matpose.recording import Flag, Recording
from matpose.runtime.change_gate import ChangeGate
from matpose.runtime.detector import Detector
from matpose.runtime.frame_check import FrameCheck

OF_SOURCE = Flag.WRONG_SIZE | Flag.GAP | Flag.CLOCK
"""What only the source of a frame can know; all else is found here."""

AGAIN_S = 1.0
"""While a posture is in doubt the pose is computed so often, whether or not the gate opens."""


class Watch:
    """One bed, frame by frame: the same for a file and for a live mat.

    Args:
        detector: computes poses; many beds may share it.
        mat: that makes the frames.
        unit: "kPa" or "raw".
        settings: of the ward.

    Raises:
        MatposeError: the mat's pitch is not known.
    """

    def __init__(self, detector: Detector, mat: Mat, unit: str, settings: Settings = Settings()) -> None:
        self._detector, self._mat = detector, mat
        self._check = FrameCheck(mat, unit)
        self._gate = ChangeGate(settings.gate, settings.heartbeat_s)
        self._monitor = Monitor(mat, unit, settings)
        self._first_s: float | None = None
        self._pose: Pose | None = None
        self._posed_s = 0.0
        self._frames = 0

    def take(self, frame: np.ndarray, epoch_s: float, flags: Flag = Flag(0)) -> Moment:
        """The next frame.

        Args:
            frame: (rows, cols) canonical, in the watch's unit.
            epoch_s: when, seconds since 1970.
            flags: what the source knows of it.

        Raises:
            MatposeError: no time.
        """
        frame, found = self._check.check(frame, epoch_s)
        flags |= found
        if self._first_s is None:
            self._first_s = epoch_s
        opens = self._gate.opens(frame, epoch_s, flags)
        again = self._monitor.undecided and abs(epoch_s - self._posed_s) >= AGAIN_S
        pose, fresh = self._pose, opens or again or self._pose is None
        if pose is None or fresh:
            pose = self._detector.see(
                frame, self._mat, flags=flags, time_s=epoch_s - self._first_s, frame_index=self._frames
            )
            self._pose, self._posed_s = pose, epoch_s
        self._frames += 1
        return self._monitor.update(frame, flags, pose, fresh, epoch_s)


def watch(recording: Recording, detector: Detector, settings: Settings = Settings()) -> Iterator[Moment]:
    """A recording as the bedside would have seen it: causal, one moment a frame.

    Args:
        recording: any; without a start time its clock starts at 0.
        detector: computes poses.
        settings: of the ward.

    Raises:
        MatposeError: the mat's pitch is not known, or the start time is no time.
    """
    start_s = _epoch_s(recording)
    bed = Watch(detector, recording.mat, recording.unit, settings)
    for frame, time_s, bits in zip(recording.frames, recording.time_s, recording.flags, strict=True):
        yield bed.take(frame, start_s + float(time_s), Flag(int(bits)) & OF_SOURCE)


def _epoch_s(recording: Recording) -> float:
    """When the recording began, seconds since 1970; a time without a zone is UTC."""
    if not recording.start_time:
        return 0.0
    try:
        start = datetime.fromisoformat(recording.start_time)
    except ValueError:
        raise MatposeError(
            f"the recording says it began at {recording.start_time!r}",
            mend="give an ISO 8601 time, such as 2025-01-31T22:00:00+00:00",
            path=recording.source,
        ) from None
    return (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()
