"""Many beds in one process: frames in, states and an SQLite file out; how old a frame is when its bed's state is new.

python benchmarks/many_beds.py --beds 1000 --seconds 120      1 Hz a bed, as in life
python benchmarks/many_beds.py --beds 100 --soak              an hour of every bed, as fast as it goes: memory
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from record import record

import matpose
from matpose.live.arrival import Arrival
from matpose.live.journal import Journal
from matpose.live.metrics import resident_bytes
from matpose.live.service import Service
from matpose.monitor.moment import Event
from matpose.monitor.settings import Settings
from matpose.monitor.store import Store
from matpose.monitor.watch import Watch
from matpose.recording import Flag
from matpose.runtime import Detector

NIGHT = Path(matpose.__file__).parent / "samples" / "night.h5"
HOLD_S = 120
"""Each of the night's frames stays until the next, as it was taken, with a sensor's noise upon it."""
NOISE_KPA = 0.03
HOUR_S = 3600
SILENCE = ("signal", "no_signal")
START_S = 30
"""All beds begin at once, as after a restart, when every posture is in doubt and every frame calls for a pose."""


@dataclass
class Ward:
    """A source of many beds at 1 Hz, each at another hour of the same night.

    Args:
        count: beds.
        seconds: of every bed's time.
        soak: whether its clock runs as fast as frames are taken.
    """

    count: int
    seconds: int
    soak: bool
    given: int = 0
    late_s: list[float] = field(default_factory=list)
    """How much later than due each second's first frame was given: the source's own delay."""

    def __post_init__(self) -> None:
        night = matpose.read(NIGHT)
        self.mat, self.unit = night.mat, night.unit
        self.beds = tuple(f"bed-{number}" for number in range(self.count))
        noise = np.random.default_rng(0).normal(0, NOISE_KPA, (8, *night.frames.shape[1:])).astype(np.float32)
        self._frames = night.frames.astype(np.float32)
        self._noise = noise

    async def arrivals(self) -> AsyncIterator[Arrival]:
        """Beds report evenly over the second."""
        start_s, epoch_s = time.monotonic(), time.time()
        for second in range(self.seconds):
            for index, bed in enumerate(self.beds):
                due_s = second + index / self.count
                if not self.soak and (wait_s := start_s + due_s - time.monotonic()) > 0.002:
                    await asyncio.sleep(wait_s)
                if index == 0:
                    self.late_s.append(time.monotonic() - start_s - due_s)
                which = (index * 7 + (second + index % HOLD_S) // HOLD_S) % len(self._frames)
                frame = np.maximum(self._frames[which] + self._noise[(second + index) % 8], 0)
                self.given += 1
                yield Arrival(bed, epoch_s + due_s, frame, Flag(0), second)


async def run(ward: Ward, folder: Path) -> dict:
    """Feed a service with a ward until it has published every frame."""
    detector, path = Detector(), folder / "ward.sqlite"
    journal = Journal(Store(path, keep_days=30), lambda: Store(path, read_only=True))
    ages: list[float] = []
    kept = 0
    lost: list[str] = []

    def heard(bed: str, event: Event) -> None:
        nonlocal kept
        kept += event.kind not in SILENCE
        if event.kind == "no_signal":
            lost.append(bed)

    service = Service(
        [ward],
        lambda bed, mat, unit: (Watch(detector, mat, unit, Settings()), 2.0),
        journal=journal,
        heard=heard,
    )
    observe = service.metrics.age.observe
    service.metrics.age.observe = lambda value: (ages.append(value), observe(value))[1]  # pyright: ignore
    running = asyncio.create_task(service.run())
    started_s, cpu_s = time.monotonic(), time.process_time()
    total = ward.count * ward.seconds
    memory: list[int] = []
    while (
        ward.given < total or service.waiting or sum(service.metrics.frames.values()) < total - service.metrics.failed
    ):
        await asyncio.sleep(0.5)
        memory.append(resident_bytes())
        if running.done():
            break
    await service.drained()
    took_s, cpu_s = time.monotonic() - started_s, time.process_time() - cpu_s
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with Store(path, read_only=True) as store:
        stored = sum(each["kind"] not in SILENCE for each in store.events(limit=None))
        seconds = sum(row["seconds"] for bed in ward.beds[:10] for row in store.minutes(bed))
    tenth = max(len(memory) // 10, 1)
    warm = memory[len(memory) // 3 :][:tenth]  # by then every bed has been seen and every buffer has grown
    figures = {
        "beds": ward.count,
        "seconds_of_each": ward.seconds,
        "frames_given": ward.given,
        "frames_published": sum(service.metrics.frames.values()),
        "frames_failed": service.metrics.failed,
        "poses": service.metrics.poses,
        "events": kept,
        "events_in_store": stored,
        "signals_lost": len(lost),
        "seconds_in_store_of_ten_beds": round(seconds, 1),
        "wall_s": round(took_s, 2),
        "cpu_s": round(cpu_s, 2),
        "cpu_ms_per_frame": round(1e3 * cpu_s / max(ward.given, 1), 3),
        "frames_per_s": round(ward.given / took_s, 1),
        "memory_mb": {
            "at_a_third": round(float(np.mean(warm)) / 1e6, 1),
            "at_the_end": round(float(np.mean(memory[-tenth:])) / 1e6, 1),
            "most": round(max(memory) / 1e6, 1),
        },
        "store_mb": round(sum(each.stat().st_size for each in folder.iterdir()) / 1e6, 1),
    }
    if not ward.soak:
        figures["age_ms"] = quantiles(ages)
        figures["age_ms_after_the_start"] = quantiles(ages[START_S * ward.count :])
        figures["source_late_ms_p99"] = round(1e3 * float(np.percentile(ward.late_s, 99)), 2)
    return figures


def quantiles(ages_s: list[float]) -> dict[str, float] | None:
    """Of ages in milliseconds."""
    return {f"p{q}": round(1e3 * float(np.percentile(ages_s, q)), 2) for q in (50, 95, 99, 100)} if ages_s else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beds", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--soak", action="store_true", help="an hour of every bed, as fast as it goes")
    parser.add_argument("--store", type=Path, help="folder of the SQLite file; a temporary one by default")
    options = parser.parse_args()
    ward = Ward(options.beds, HOUR_S if options.soak else options.seconds, options.soak)
    with TemporaryDirectory(dir=options.store) as folder:
        figures = asyncio.run(run(ward, Path(folder)))
    record("many-beds-soak" if options.soak else "many-beds", {**figures, "cores": os.cpu_count()})


if __name__ == "__main__":
    main()
