"""Samples without physics, for tests of what happens to samples: found by workers through this module's name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.quality import assess
from matpose.recording import Recording
from matpose.simulate.sample import Sample

MAT = Mat(24, 12, 0.08, 0.07)


def made_up(
    index: int,
    *,
    seed: int = 0,
    mat: Mat = MAT,
    posture: str | None = None,
    style: str | None = None,
    person: int | None = None,
    bodies: str = "light",
    wait_s: float = 0.0,
    fail_at: int | None = None,
    die_at: int | None = None,
) -> Sample:
    """A block of a person, told by the index; every fifth lacks a reading."""
    if index == fail_at:
        raise MatposeError("there is no such person", mend="ask for another")
    if index == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(wait_s)
    rng = np.random.default_rng((seed, index))
    kpa = np.zeros((mat.rows, mat.cols), np.float32)
    top = int(rng.integers(1, 5))
    kpa[top : top + 15, 3:8] = rng.uniform(1.5, 4, (15, 5))
    parts = np.where(kpa > 0, 4, 0).astype(np.uint8)
    if index % 5 == 0:
        kpa[0, 0] = np.nan
    return Sample(
        kpa,
        posture or ("left" if index % 2 else "supine"),
        rng.uniform(0, 1, (14, 3)).astype(np.float32),
        rng.random(14) > 0.5,
        rng.uniform(0, 1, (12, 3)).astype(np.float32),
        parts,
        {"mass_kg": f"{60 + index}", "person": str(person)},
    )


def threads(_index: int) -> str | None:
    """How many threads a worker may use."""
    return os.environ.get("OPENBLAS_NUM_THREADS")


def process(_index: int) -> int:
    """Which process works."""
    time.sleep(0.05)
    return os.getpid()


def made_up_night(seed: int, mat: Mat, hours: float, *, people: int = 1, bodies: str = "light") -> Iterator[Recording]:
    """A frame a second in chunks of a minute, with an event each."""
    for minute in range(round(hours * 60)):
        samples = [made_up(minute * 60 + second, seed=seed, mat=mat) for second in range(60)]
        yield assess(Recording(
            np.stack([sample.pressure_kpa for sample in samples]), mat, "kPa",
            minute * 60 + np.arange(60.0), np.zeros(60, np.uint16),
            joints_m=np.stack([sample.joints_m for sample in samples]), events=((minute * 60.0, "turn"),),
        ))  # fmt: skip


def heed_interrupts() -> None:
    """In a child: tests that run in the background of a shell inherit that interrupts are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
