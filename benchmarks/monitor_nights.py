"""The monitor on simulated nights that nothing was chosen on: turns, postures, exits, and a simple rival's turns.

python benchmarks/monitor_nights.py [--nights N] [--seed S] [--workers W]

A true turn is a simulated "turn X" of somebody who has lain in another posture before in the same stay; it is dated to
its first second. Coming to lie after entering is none, nor are limb movements, sitting up, and being found lower in the
bed: a reported turn with none of the true ones within 30 s is false. Simulated sleepers never turn from a posture to
itself. The rival calls it a turn when the centre of pressure, a median over half a minute, has moved.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import pairwise
from multiprocessing import get_context

import numpy as np
from record import record

from matpose.mat import Mat, preset
from matpose.monitor.moment import Moment
from matpose.monitor.posture_track import LYING
from matpose.monitor.settings import Settings
from matpose.monitor.watch import Watch
from matpose.recording import Recording
from matpose.runtime.detector import Detector
from matpose.simulate.night import night

NEAR_S = 30.0
DUE_NEAR_S = 60.0
HOURS = 8.0
CENTRE_M, CENTRE_S = 0.04, 30  # the threshold with the best F1 of .03 to .10 m on nights 61000 to 61007; its medians
Event = tuple[float, str]
Sums = Counter  # of a night; they add up over nights


def true_turns(events: Iterable[Event]) -> list[float]:
    """When they turned."""
    turns, lies = [], None
    for at_s, name in events:
        if name == "bed-entry":
            lies = None
        elif name.startswith("turn "):
            posture = name.removeprefix("turn ")
            if lies not in (None, posture):
                turns.append(at_s)
            lies = posture
    return turns


def true_dues(events: Iterable[Event], interval_s: float, end_s: float) -> list[float]:
    """When a turn came to be due, while they were in the bed."""
    events = list(events)
    came_or_went = [(at_s, name == "bed-entry") for at_s, name in events if name in ("bed-entry", "bed-exit")]
    resets = [*sorted([(at_s, True) for at_s in true_turns(events)] + came_or_went), (end_s, False)]
    return [at_s + interval_s for (at_s, there), (end, _) in pairwise(resets) if there and at_s + interval_s < end]


def matched(true_s: Sequence[float], said_s: Sequence[float], near_s: float) -> int:
    """How many true ones have a said one of their own within so many seconds."""
    left, found = sorted(said_s), 0
    for at_s in sorted(true_s):
        near = [said for said in left if abs(said - at_s) <= near_s]
        if near:
            left.remove(near[0])
            found += 1
    return found


def postures_said(moments_s: np.ndarray, changes: Sequence[tuple[float, str]]) -> np.ndarray:
    """(T,) the settled posture of each second, changes dated back as the monitor dates them."""
    said = np.full(len(moments_s), "unknown", dtype="<U8")
    for at_s, posture in changes:
        said[moments_s >= at_s] = posture
    return said


def turns_of_centre(centres_m: np.ndarray, there: np.ndarray, threshold_m: float) -> list[float]:
    """The rival: (T, 2) centres of pressure a second, NaN where nobody is, to when it says they turned."""
    turns, last_s = [], -np.inf
    for at_s in range(2 * CENTRE_S, len(centres_m)):
        if not there[at_s - 2 * CENTRE_S : at_s].all() or at_s - last_s < 2 * CENTRE_S:
            continue
        before = np.median(centres_m[at_s - 2 * CENTRE_S : at_s - CENTRE_S], 0)
        after = np.median(centres_m[at_s - CENTRE_S : at_s], 0)
        if np.hypot(*(after - before)) > threshold_m:
            turns.append(at_s - 1.5 * CENTRE_S)
            last_s = at_s
    return turns


def centres_of(recording: Recording) -> np.ndarray:
    """(T, 2) centre of pressure, metres."""
    load, mat = recording.frames, recording.mat
    total = np.maximum(load.sum((1, 2)), 1e-6)
    x = load.sum(1) @ (np.arange(mat.cols) + 0.5) / total * mat.pitch_m[1]
    y = load.sum(2) @ (np.arange(mat.rows) + 0.5) / total * mat.pitch_m[0]
    return np.stack([x, y], 1)


def scored(
    events: Sequence[Event], truth: np.ndarray, moments: Iterable[Moment], rival_s: Sequence[float], interval_s: float
) -> Sums:
    """Counts of one night, which add up over nights."""
    said: dict[str, list[float]] = {}
    changes, poses, totals = [], 0, {}
    for moment in moments:
        poses += moment.fresh
        totals = moment.posture_s
        for event in moment.events:
            said.setdefault(event.kind, []).append(event.epoch_s)
            if event.kind == "posture":
                changes.append((event.epoch_s, str(event.detail["posture"])))
    shown = postures_said(np.arange(len(truth)), changes)
    true_s = {
        "turn": true_turns(events),
        "bed_exit": [at_s for at_s, name in events if name == "bed-exit"],
        "bed_entry": [at_s for at_s, name in events if name == "bed-entry"],
        "slid_down": [at_s for at_s, name in events if name == "slid down"],
        "turn_due": true_dues(events, interval_s, len(truth)),
    }
    counts: Sums = Counter(nights=1, seconds=len(truth), poses=poses, edge_said=len(said.get("edge", [])))
    for kind, when_s in true_s.items():
        near_s = {"turn_due": DUE_NEAR_S, "slid_down": DUE_NEAR_S}.get(kind, NEAR_S)
        counts[f"{kind}_true"] += len(when_s)
        counts[f"{kind}_said"] += len(said.get(kind, []))
        counts[f"{kind}_found"] += matched(when_s, said.get(kind, []), near_s)
    counts["rival_said"] += len(rival_s)
    counts["rival_found"] += matched(true_s["turn"], rival_s, NEAR_S)
    wrong = shown != truth
    counts["posture_wrong_s"] += int(wrong.sum())
    counts["posture_total_off_s"] += round(sum(abs(totals[name] - (truth == name).sum()) for name in totals) / 2)
    for name in (*LYING, "sitting", "empty"):
        counts[f"{name}_s"] += int((truth == name).sum())
        counts[f"{name}_wrong_s"] += int(wrong[truth == name].sum())
    # a turn that a bout's mistaken posture hides or invents is the classifier's; the others are of the timing
    edges = [0, *(int(at_s) for at_s, _ in events), len(truth)]
    for begin, end in pairwise(edges):
        rest = slice(min(begin + 10, end), end)
        if end - begin > 40 and truth[end - 1] in LYING and wrong[rest].mean() > 0.5:
            counts["bouts_misread"] += 1
            counts["bouts_misread_s"] += int(wrong[rest].sum())
    return counts


def watched(seed: int, mat: Mat, hours: float, settings: Settings) -> Sums:
    """One night, simulated and watched chunk by chunk."""
    watch = Watch(Detector(), mat, "kPa", settings)
    events, truth, centres, there, spent_s = [], [], [], [], 0.0

    def moments() -> Iterable[Moment]:
        nonlocal spent_s
        for chunk in night(seed, mat, hours):
            assert chunk.posture is not None
            events.extend(chunk.events)
            truth.append(chunk.posture)
            centres.append(centres_of(chunk))
            there.append(chunk.posture != "empty")
            for frame, time_s in zip(chunk.frames, chunk.time_s, strict=True):
                start = time.thread_time()
                moment = watch.take(frame, float(time_s))
                spent_s += time.thread_time() - start
                yield moment

    told = [_slim(moment) for moment in moments()]
    rival_s = turns_of_centre(np.concatenate(centres), np.concatenate(there), CENTRE_M)
    counts = scored(events, np.concatenate(truth), told, rival_s, settings.turn_interval_h * 3600)
    counts["watch_cpu_ms"] += round(1e3 * spent_s)
    return counts


def _slim(moment: Moment) -> Moment:
    """Without its maps, so that a night fits into memory."""
    nothing = np.zeros(0)
    return replace(moment, frame=nothing, part_map=nothing, parts=None, dose_mmhg_h=None, loaded_s=nothing)


def figures(counts: Sums) -> dict:
    """Shares and rates of the sums over nights."""

    def share(a: str, b: str) -> float | None:
        return round(counts[a] / counts[b], 4) if counts[b] else None

    kinds = ("turn", "bed_exit", "bed_entry", "slid_down", "turn_due")
    false = sum(counts[f"{kind}_said"] - counts[f"{kind}_found"] for kind in kinds)
    return {
        "nights": counts["nights"],
        "hours": round(counts["seconds"] / 3600, 1),
        "turns": {
            "true": counts["turn_true"], "said": counts["turn_said"],
            "recall": share("turn_found", "turn_true"), "precision": share("turn_found", "turn_said"),
        },
        "turns_by_centre_of_pressure": {
            "said": counts["rival_said"],
            "recall": share("rival_found", "turn_true"), "precision": share("rival_found", "rival_said"),
        },
        "posture_wrong_pct": round(100 * counts["posture_wrong_s"] / counts["seconds"], 3),
        "posture_totals_off_pct": round(100 * counts["posture_total_off_s"] / counts["seconds"], 3),
        "posture_wrong_pct_by_truth": {
            name: round(100 * counts[f"{name}_wrong_s"] / counts[f"{name}_s"], 2)
            for name in (*LYING, "sitting", "empty") if counts[f"{name}_s"]
        },
        "bouts_misread": counts["bouts_misread"],
        "bouts_misread_pct_of_time": round(100 * counts["bouts_misread_s"] / counts["seconds"], 3),
        **{kind: {"true": counts[f"{kind}_true"], "said": counts[f"{kind}_said"], "found": counts[f"{kind}_found"]}
           for kind in kinds[1:]},
        "false_alarms_per_night": round(false / counts["nights"], 3),
        "edges_per_night": round(counts["edge_said"] / counts["nights"], 2),
        "poses_per_hour": round(3600 * counts["poses"] / counts["seconds"], 1),
        "watch_cpu_ms_per_frame": share("watch_cpu_ms", "seconds"),
    }  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nights", type=int, default=30)
    options.add_argument("--seed", type=int, default=71_000)
    options.add_argument("--hours", type=float, default=HOURS)
    options.add_argument("--mat", default="pmatdata-i")
    options.add_argument("--workers", type=int, default=1)
    given = options.parse_args()
    seeds = range(given.seed, given.seed + given.nights)
    one = partial(watched, mat=preset(given.mat), hours=given.hours, settings=Settings())
    total: Sums = Counter()
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        for seed, counts in zip(seeds, pool.map(one, seeds), strict=True):
            lost, false = counts["turn_true"] - counts["turn_found"], counts["turn_said"] - counts["turn_found"]
            print(f"{seed}: {counts['turn_true']} turns, {lost} missed, {false} false", flush=True)
            total.update(counts)
    record("monitor-nights", {"mat": given.mat, "seeds": [seeds[0], seeds[-1]], **figures(total)})


if __name__ == "__main__":
    main()
