"""An archive of simulated nights: frames a second of a loop, of one worker and of all, and what the results weigh.

python benchmarks/archive_speed.py

Beside the wall's time stands the processors': on a machine that does other work too only that can be compared.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from record import record

import matpose
from matpose.readers import read, write_recording
from matpose.runtime import Detector
from matpose.runtime.archive import jobs_of, predict_archive
from matpose.runtime.archive_pool import Pool

NIGHT = Path(matpose.__file__).parent / "samples" / "night.h5"
NOISE_KPA = 0.03


def timed(task: Callable[[], int]) -> dict[str, float]:
    """Frames a second by the wall's clock, and by the processors' time in this process and its children."""
    cpu_s, start = _cpu_s(), time.perf_counter()
    frames = task()
    wall_s, cpu_s = time.perf_counter() - start, _cpu_s() - cpu_s
    return {
        "frames": frames,
        "wall_s": round(wall_s, 2),
        "cpu_s": round(cpu_s, 2),
        "frames_per_s": round(frames / wall_s, 1),
        "frames_per_core_s": round(frames / cpu_s, 1),
    }


def write_nights(folder: Path, count: int, frames: int) -> None:
    """Recordings at 1 Hz of the package's simulated night, each begun elsewhere and with a sensor's noise upon it."""
    night = read(NIGHT)
    for number in range(count):
        rng = np.random.default_rng(number)
        taken = night.select((np.arange(frames) + 37 * number) % len(night))
        noisy = np.maximum(taken.frames + rng.normal(0, NOISE_KPA, taken.frames.shape).astype(np.float32), 0)
        plain = replace(
            taken, joints_m=None, joint_contact=None, landmarks_m=None, parts=None, facts=None, posture=None
        )
        write_recording(
            folder / f"{number}.h5", replace(plain, frames=noisy, time_s=np.arange(frames) * 1.0, events=())
        )


def _cpu_s() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=4 * (os.cpu_count() or 1))
    parser.add_argument("--frames", type=int, default=3600, help="of each: an hour")
    options = parser.parse_args()
    with TemporaryDirectory() as place:
        nights, out = Path(place) / "in", Path(place) / "out"
        nights.mkdir()
        write_nights(nights, options.recordings, options.frames)
        detector = Detector()

        def loop() -> int:
            return sum(1 for path in sorted(nights.iterdir()) for _ in detector(read(path)))

        def archive(workers: int) -> int:
            folder = out / str(workers)
            return predict_archive(jobs_of([nights], ["in"], folder), folder, Pool(workers)).frames

        cores = os.cpu_count() or 1
        figures = {
            "recordings": options.recordings,
            "frames_of_each": options.frames,
            "cells": [int(side) for side in read(NIGHT).frames.shape[1:]],
            "plain_loop_no_files": timed(loop),
            "one_worker": timed(lambda: archive(1)),
            "all_workers": {"workers": cores, **timed(lambda: archive(cores))},
        }
        total = options.recordings * options.frames
        names = sorted({path.name for path in (out / "1").rglob("*") if path.parent.parent == out / "1"})
        figures["bytes_per_frame"] = {
            "recording": round(sum(path.stat().st_size for path in nights.iterdir()) / total, 1),
            **{name: round(sum(p.stat().st_size for p in (out / "1").rglob(name)) / total, 1) for name in names},
        }
    record("archive-speed", {**figures, "cores": cores, "load_before": round(LOAD, 2)})


if __name__ == "__main__":
    LOAD = os.getloadavg()[0]
    main()
