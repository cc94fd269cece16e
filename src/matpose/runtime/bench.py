"""How long one frame takes from the mat to the pose, stage by stage, on one core of this machine."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np

from matpose import __version__
from matpose.recording import Recording
from matpose.runtime.change_gate import ChangeGate
from matpose.runtime.detector import Detector
from matpose.runtime.found import Backend, Found
from matpose.runtime.frame_check import FrameCheck

STAGES = ("check", "gate", "canvas", "network", "decode", "whole")
"""In the order of the work: flag and clean, compare with the last frame, resample, compute, read joints; and all."""
WARM = 20
GATE = 0.15
SIDE = 768
"""Of the square matrices whose product tells what a core can do."""


class _Timed:
    """A backend that notes how long it took."""

    def __init__(self, backend: Backend) -> None:
        self.canvas, self.points, self.mats = backend.canvas, backend.points, backend.mats
        self.joint_names, self.postures = backend.joint_names, backend.postures
        self._backend = backend
        self.spent_s = 0.0

    def __call__(self, maps: np.ndarray) -> Found:
        start = time.perf_counter()
        found = self._backend(maps)
        self.spent_s = time.perf_counter() - start
        return found


def time_stages(
    detector: Detector, recording: Recording, rounds: int, advance: Callable[[], object] = lambda: None
) -> dict[str, dict[str, float]]:
    """Wall time of each stage for the frames of a recording, one at a time and each computed, as beside a bed.

    Args:
        detector: what finds the poses; its backend is timed from within.
        recording: its frames are taken in turn.
        rounds: how many frames are timed.
        advance: called after each.

    Returns:
        Stage to ``p50_ms``, ``p95_ms`` and ``p99_ms``; "decode" is what is left of :meth:`Detector.see` without
        canvas and network.
    """
    mat, timed = recording.mat, _Timed(detector.backend)
    check, gate = FrameCheck(mat, recording.unit), ChangeGate(GATE, 0)
    origin_m = timed.canvas.origin_over(recording)
    spent = np.empty((rounds, len(STAGES)))
    plain, detector.backend = detector.backend, timed
    try:
        for turn in range(-WARM, rounds):
            frame = recording.frames[turn % len(recording)]
            timed.spent_s = 0.0
            start = time.perf_counter()
            cleaned, flags = check.check(frame)
            checked = time.perf_counter()
            gate.opens(cleaned, float(turn), flags)
            gated = time.perf_counter()
            detector.see(cleaned, mat, flags=flags, time_s=float(turn), origin_m=origin_m)
            seen = time.perf_counter()
            timed.canvas.resample(cleaned[None], mat, origin_m)  # once more, by itself
            canvas = time.perf_counter() - seen
            decode = max(0.0, seen - gated - timed.spent_s - canvas)
            if turn >= 0:
                spent[turn] = (checked - start, gated - checked, canvas, timed.spent_s, decode, seen - start)
            advance()
    finally:
        detector.backend = plain
    found = np.percentile(1e3 * spent, (50, 95, 99), axis=0).T.tolist()
    return {
        stage: {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
        for stage, (p50, p95, p99) in zip(STAGES, found, strict=True)
    }


def network_share(backend: Backend, network_ms: float) -> dict[str, float | int] | None:
    """How much of what a core can multiply the network reaches; None where the model does not say what it costs.

    Args:
        backend: whose file carries its cost.
        network_ms: its time for one map.

    Returns:
        ``conv_macs``, ``gmac_s`` of the network, ``sgemm_gmac_s`` of a float32 matrix product on one thread, ``share``.
    """
    macs = _macs(getattr(backend, "card", {}))
    if macs is None:
        return None
    reached, best = macs / network_ms / 1e6, sgemm_gmac_s()
    return {"conv_macs": macs, "gmac_s": reached, "sgemm_gmac_s": best, "share": reached / best}


def sgemm_gmac_s() -> float:
    """Multiplications a second of a large float32 matrix product, in billions, by one thread's processor time."""
    a = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    product, best = np.empty_like(a), np.inf
    for _ in range(12):
        start = time.process_time()  # of all threads together, so that their number does not matter
        np.matmul(a, a, out=product)
        best = min(best, time.process_time() - start)
    return SIDE**3 / max(best, 1e-9) / 1e9


def _macs(card: dict[str, str]) -> int | None:
    try:
        cost = json.loads(card["cost"])
        return int(cost["encoder"]["conv_macs"]) + int(cost.get("joints", {}).get("conv_macs", 0))
    except (KeyError, TypeError, ValueError):
        return None


def peak_memory_mib() -> float | None:
    """Most memory that this process has held, MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if platform.system() == "Darwin" else 2**10)


def machine(packages: tuple[str, ...]) -> dict:
    """The processor, how busy it is, and the versions of what computes."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    versions = {"matpose": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "machine": {"cpu": processor(), "cores": os.cpu_count(), "load": load, "system": platform.platform()},
        "versions": versions,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
