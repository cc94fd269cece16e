"""Write docs/capacity.md: what a machine holds, computed from the figures in benchmarks/results and nothing else.

python benchmarks/capacity_page.py
"""

from __future__ import annotations

import json
from pathlib import Path

from matpose.atomic import atomic_path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "capacity.md"
NIGHT_H = 8
RATES_HZ = (1, 10, 30)
LATE_MS = 1000

Result = dict | None


def live(beds: Result, soak: Result) -> list[str]:
    """How many beds one process holds."""
    lines = ["## Beds, live", ""]
    if beds is None:
        lines += _missing("many-beds.json", "python benchmarks/many_beds.py")
    else:
        age, memory = beds["age_ms"], beds["memory_mb"]
        frame_ms = beds["cpu_ms_per_frame"]
        lines += [
            f"Measured: {beds['beds']:,} beds at one frame a second for {beds['seconds_of_each']:,} s, in one process "
            f"on a machine of {beds['cores']} cores ({_machine(beds)}).",
            "",
            "| | |",
            "|---|---|",
            f"| frames given, published, failed | {beds['frames_given']:,}, {beds['frames_published']:,}, "
            f"{beds['frames_failed']:,} |",
            f"| age of a frame when its bed's state is new | {age['p50']:g} ms median, {age['p99']:g} ms p99, "
            f"{age['p100']:g} ms at worst |",
            f"| processor time a frame | {frame_ms:g} ms |",
            f"| memory, at most | {memory['most']:,.0f} MB, {1e3 * memory['most'] / beds['beds']:,.0f} kB a bed |",
            f"| poses computed, the others were unchanged | {beds['poses'] / beds['frames_given']:.1%} of the frames |",
            "",
            f"By the processor time alone a core that does nothing else would be full at {1e3 / frame_ms:,.0f} beds of "
            f"one frame a second. Plan for half of that, {500 / frame_ms:,.0f}: people who move cost more than these.",
            "",
        ]
        if age["p99"] > LATE_MS:
            lines += [f"In this run the machine did not keep up: states were older than {LATE_MS / 1e3:g} s.", ""]
    if soak is None:
        lines += _missing("many-beds-soak.json", "python benchmarks/many_beds.py --beds 100 --soak")
    else:
        hours = soak["beds"] * soak["seconds_of_each"] / 3600
        memory = soak["memory_mb"]
        lines += [
            f"Over {hours:,.0f} bed hours ({_machine(soak)}) memory went from {memory['at_a_third']:,.0f} MB at a "
            f"third of the way to {memory['at_the_end']:,.0f} MB at the end. The store (events, minutes of dose, "
            f"postures; no frames) grew by {soak['store_mb'] / hours:.2f} MB a bed and hour, "
            f"{NIGHT_H * soak['store_mb'] / hours:.1f} MB a bed and night of {NIGHT_H} hours.",
            "",
        ]
    return lines


def frame(bench: Result) -> list[str]:
    """How long a frame takes."""
    lines = ["## One frame", ""]
    if bench is None:
        return lines + _missing("bench.json", "matpose bench --json > benchmarks/results/bench.json")
    lines += [f"`matpose bench`, one core ({_machine(bench)}):", "", "| stage | median ms | p99 ms |", "|---|---|---|"]
    lines += [f"| {stage} | {ms['p50_ms']:.3f} | {ms['p99_ms']:.3f} |" for stage, ms in bench["stages"].items()]
    whole_ms = bench["stages"]["whole"]["p50_ms"]
    return [*lines, "", f"A mat of up to {1e3 / whole_ms:,.0f} frames a second keeps one core busy.", ""]


def archives(speed: Result) -> list[str]:
    """How many hours of recordings a core does in an hour, and how many bytes they leave."""
    lines = ["## Archives", ""]
    if speed is None:
        return lines + _missing("archive-speed.json", "python benchmarks/archive_speed.py")
    loop, one, all_ = (speed[name] for name in ("plain_loop_no_files", "one_worker", "all_workers"))
    rows, cols = speed["cells"]
    load = f", load {speed['load_before']:g} before it" if speed["load_before"] > 0.5 else ""
    lines += [
        f"`matpose predict FOLDER`, {speed['recordings']} simulated recordings of {speed['frames_of_each']:,} frames "
        f"of {rows} x {cols} cells ({_machine(speed)}, {speed['cores']} cores{load}):",
        "",
        "| | frames a second, by the clock | frames a second of processor time |",
        "|---|---|---|",
        f"| loop of `Detector` over `read()`, no files written | {loop['frames_per_s']:,.0f} | "
        f"{loop['frames_per_core_s']:,.0f} |",
        f"| one worker, all result files | {one['frames_per_s']:,.0f} | {one['frames_per_core_s']:,.0f} |",
        f"| {all_['workers']} workers, all result files | {all_['frames_per_s']:,.0f} | "
        f"{all_['frames_per_core_s']:,.0f} |",
        "",
        "Hours of recordings that a core does in an hour of its time, with all result files and the workers' start:",
        "",
        "| frames a second of the mat | hours |",
        "|---|---|",
        *(f"| {rate} | {all_['frames_per_core_s'] / rate:,.1f} |" for rate in RATES_HZ),
        "",
        f"Disk for a bed and a night of {NIGHT_H} hours, at one frame a second (ten times as much at ten):",
        "",
        "| | MB |",
        "|---|---|",
        *(f"| {name} | {_night_mb(size):,.1f} |" for name, size in speed["bytes_per_frame"].items()),
        f"| all results together | "
        f"{_night_mb(sum(size for name, size in speed['bytes_per_frame'].items() if name != 'recording')):,.1f} |",
        "",
    ]
    return lines


def _night_mb(bytes_per_frame: float) -> float:
    return bytes_per_frame * NIGHT_H * 3600 / 1e6


def _machine(result: dict) -> str:
    return f"{result['machine']['cpu']}, {result['date'][:10]}"


def _missing(name: str, command: str) -> list[str]:
    return [f"Not measured yet: `benchmarks/results/{name}` is missing; `{command}` writes it.", ""]


def _result(name: str) -> Result:
    path = HERE / "results" / f"{name}.json"
    other = path.with_stem(name.replace("-", "_"))
    found = path if path.is_file() else other
    return json.loads(found.read_text(encoding="utf-8")) if found.is_file() else None


def page() -> str:
    """The whole page."""
    lines = [
        "# Capacity: from one bed to thousands",
        "",
        "Written by `python benchmarks/capacity_page.py` from the files in `benchmarks/results`. Every number is "
        "measured on the machine named beside it, or computed from such numbers as the text says; yours will differ: "
        "run the commands on it.",
        "",
        *live(_result("many-beds"), _result("many-beds-soak")),
        *frame(_result("bench")),
        *archives(_result("archive-speed")),
        "## More than one machine",
        "",
        "`matpose predict FOLDER -o DIR --engine ray` shares the files of an archive out over a Ray cluster "
        "(`RAY_ADDRESS`), whose nodes have Matpose installed and see the same paths; the files are the same, byte for "
        "byte, and a job that was killed goes on where it stopped. Without "
        "`RAY_ADDRESS` a Ray of this machine starts, for trying it out.",
        "",
        "A killed job leaves whole files. `ledger.jsonl` says what is done; a file is done again when its size, its "
        "time of change, its first 64 KiB, the model, the version or the options differ. `failures.jsonl` lists what "
        "could not be read, and why.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with atomic_path(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")
    print(PAGE)
