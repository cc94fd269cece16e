"""Stand-ins for what lies around the server: a watch that takes no time, and sources told what to give."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import numpy as np

from matpose.live.access import Access
from matpose.live.arrival import Arrival
from matpose.live.limits import Buckets
from matpose.live.reconnect import Line
from matpose.live.running import bound, serve_until_stopped
from matpose.live.server import make_app
from matpose.live.service import Service
from matpose.mat import Mat
from matpose.monitor.moment import Event, Moment, PartReadings
from matpose.pose import Keypoint, Pose
from matpose.recording import JOINT_NAMES, PART_NAMES, Flag

MAT = Mat(64, 32, 0.0278, 0.0278)
TOKEN = "a-token-of-the-tests-only"
NO_FLAGS = Flag(0)


def moment(
    epoch_s: float = 1000.0, *, level: float = 1.0, events: tuple[Event, ...] = (), fresh: bool = True
) -> Moment:
    """Somebody who lies supine under an even pressure, one joint of whom is not to be trusted."""
    keypoints = {name: Keypoint((0.4, 1.0), 0.9, 0.8) for name in JOINT_NAMES}
    bears = np.full(len(PART_NAMES), level)
    return Moment(
        epoch_s=epoch_s, frame=np.full((MAT.rows, MAT.cols), level, np.float32), flags=NO_FLAGS,
        pose=Pose(0, 0.0, keypoints={**keypoints, "left_wrist": None}, posture="supine"), fresh=fresh,
        occupancy="in_bed", posture="supine", posture_since_s=epoch_s - 60.0, turned_at_s=epoch_s - 60.0,
        turn_due_s=epoch_s + 7140.0, movement=0.01, part_map=np.zeros((MAT.rows, MAT.cols), np.uint8),
        parts=PartReadings(bears, bears, bears, np.zeros(len(PART_NAMES), bool)), dose_mmhg_h=bears, loaded_s=bears,
        posture_s={"supine": 60.0}, heels_off={"left": True, "right": None}, events=events,
    )  # fmt: skip


class FakeWatch:
    """Says of each frame that somebody lies supine; a frame whose first cell is -1 is an error of ours."""

    def take(self, frame: np.ndarray, epoch_s: float, flags: Flag = NO_FLAGS) -> Moment:
        if frame[0, 0] == -1:
            raise ZeroDivisionError
        events = (Event(epoch_s, "turn", {"posture": "left"}),) if frame[0, 0] == 7 else ()
        return moment(epoch_s, level=float(frame[0, 0]), events=events)


def watch_for(bed: str, mat: Mat, unit: str) -> tuple[FakeWatch, float]:
    return FakeWatch(), 2.0


def arrival(bed: str = "a", level: float = 1.0, epoch_s: float | None = None) -> Arrival:
    frame = np.full((MAT.rows, MAT.cols), level, np.float32)
    return Arrival(bed, time.time() if epoch_s is None else epoch_s, frame, NO_FLAGS)


class FakeSource:
    """Gives what a function yields."""

    mat, unit = MAT, "kPa"

    def __init__(self, beds: tuple[str, ...], give: Callable[[], AsyncIterator[Arrival]]) -> None:
        self.beds = beds
        self.line: Line | None = None
        self._give = give

    def arrivals(self) -> AsyncIterator[Arrival]:
        return self._give()


def given(*arrivals: Arrival, beds: tuple[str, ...] = ("a",), then: float = 0.0) -> FakeSource:
    """A source that gives these, waits and ends."""

    async def give() -> AsyncIterator[Arrival]:
        for each in arrivals:
            yield each
        await asyncio.sleep(then)

    return FakeSource(beds, give)


def steady(*beds: str, rate_hz: float = 10.0, level: float = 1.0) -> FakeSource:
    """A source without end."""

    async def give() -> AsyncIterator[Arrival]:
        while True:
            for bed in beds:
                yield arrival(bed, level)
            await asyncio.sleep(1 / rate_hz)

    return FakeSource(beds, give)


class Running:
    """A real server on a free port, in a thread of its own."""

    def __init__(self, service: Service, allowed: tuple[str, ...] = ()) -> None:
        self.service = service
        self.listening: socket.socket = bound("127.0.0.1", 0)
        self.port: int = self.listening.getsockname()[1]
        self.access = Access(TOKEN, "127.0.0.1", self.port, allowed)
        self.url = f"http://127.0.0.1:{self.port}"
        self.live = f"ws://127.0.0.1:{self.port}/v1/live"
        self.header = {"Authorization": f"Bearer {TOKEN}"}
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.error: BaseException | None = None
        self._task: asyncio.Task | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        app = make_app(self.service, self.access, buckets=Buckets(1e6, 1e6))
        self._task = self.loop.create_task(serve_until_stopped(self.service, app, self.listening, ready=self.ready.set))
        try:
            self.loop.run_until_complete(self._task)
        except BaseException as error:
            self.error = error
            self.ready.set()
        finally:
            self.loop.close()

    def start(self) -> None:
        self._thread.start()
        assert self.ready.wait(10)

    def stop(self) -> None:
        if self._thread.is_alive() and self._task is not None:
            self.loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the server did not end"


@contextlib.contextmanager
def running(service_of: Callable[[], Service], **options) -> Iterator[Running]:
    server = Running(service_of(), **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
