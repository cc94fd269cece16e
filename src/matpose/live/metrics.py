"""Figures of the running service, as Prometheus reads them."""

from __future__ import annotations

import resource
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """How many values fell under each bound.

    Args:
        bounds: ascending upper bounds.

    Example:
        >>> ages = Histogram((0.1, 1.0))
        >>> for age in (0.05, 0.1, 0.5, 3.0): ages.observe(age)
        >>> ages.counts, ages.sum
        ([2, 1, 1], 3.65)
    """

    def __init__(self, bounds: tuple[float, ...] = BUCKETS_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """One more value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Metrics:
    """Counts since the start; one thread writes each of them."""

    def __init__(self) -> None:
        self.frames: Counter[str] = Counter()
        """Frames published, by bed."""
        self.poses = 0
        """Frames for which a pose was computed."""
        self.failed = 0
        """Frames on which the watch failed: an error of ours, told in the log."""
        self.unwanted: Counter[str] = Counter()
        """Frames that were not taken, by why."""
        self.refused: Counter[int] = Counter()
        """Requests refused, by status."""
        self.cut = 0
        """Clients cut off because they did not read."""
        self.age = Histogram()
        """From a frame's coming to its bed's new state, seconds."""


def exposition(metrics: Metrics, gauges: dict[str, tuple[str, float]]) -> str:
    """The text that Prometheus scrapes.

    Args:
        metrics: the counts.
        gauges: name to what it is and its value now.
    """
    lines: list[str] = []

    def family(name: str, kind: str, what: str, samples: Iterable[tuple[str, float]]) -> None:
        lines.extend((f"# HELP matpose_{name} {what}", f"# TYPE matpose_{name} {kind}"))
        lines.extend(f"matpose_{name}{labels} {value:.15g}" for labels, value in samples)

    family(
        "frames_total", "counter", "Frames published.",
        [(f'{{bed="{bed}"}}', count) for bed, count in metrics.frames.items()],
    )  # fmt: skip
    family("poses_total", "counter", "Frames for which a pose was computed.", [("", metrics.poses)])
    family("frames_failed_total", "counter", "Frames lost to an error of the program.", [("", metrics.failed)])
    family(
        "frames_unwanted_total", "counter", "Frames that were not taken.",
        [(f'{{why="{why}"}}', count) for why, count in metrics.unwanted.items()],
    )  # fmt: skip
    family(
        "requests_refused_total", "counter", "Requests refused.",
        [(f'{{status="{status}"}}', count) for status, count in metrics.refused.items()],
    )  # fmt: skip
    family("clients_cut_total", "counter", "Clients cut off because they did not read.", [("", metrics.cut)])
    age, running = metrics.age, 0
    buckets = []
    for bound, count in zip((*age.bounds, "+Inf"), age.counts, strict=True):
        running += count
        buckets.append((f'{{le="{bound}"}}', running))
    family("frame_age_seconds", "histogram", "From a frame's coming to its bed's new state.", [])
    lines.extend(f"matpose_frame_age_seconds_bucket{labels} {value}" for labels, value in buckets)
    lines.extend((f"matpose_frame_age_seconds_sum {age.sum:.15g}", f"matpose_frame_age_seconds_count {running}"))
    for name, (what, value) in gauges.items():
        family(name, "gauge", what, [("", value)])
    return "\n".join(lines) + "\n"


def resident_bytes() -> int:
    """Memory that this process holds now; where the system does not tell, the most it ever held."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
