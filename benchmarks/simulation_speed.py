"""How fast people are simulated on one core: settled, labelled, sensed bodies, and a night of eight hours at 1 Hz.

python benchmarks/simulation_speed.py
"""

from __future__ import annotations

import time
from tempfile import TemporaryDirectory

import numpy as np
import torch
from record import record

from matpose.mat import preset
from matpose.simulate.bed import Bed
from matpose.simulate.contact import contact
from matpose.simulate.generate import simulate_night
from matpose.simulate.night import night
from matpose.simulate.postures import STYLES, draw_posture
from matpose.simulate.scene import draw_body, draw_sample, furnished
from matpose.simulate.settle import GRAVITY, settle

BODIES = 200
HOURS = 8.0


def main() -> None:
    torch.set_num_threads(1)
    mat = preset("pmatdata-i")
    draw_sample(0, seed=1, mat=mat)  # the skin is sampled once a process
    start, cpu = time.perf_counter(), time.process_time()
    for index in range(BODIES):
        draw_sample(index, seed=2, mat=mat)
    bodies_s, bodies_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    start, cpu = time.perf_counter(), time.process_time()
    with TemporaryDirectory() as folder:
        simulate_night(night(0, mat, HOURS), mat, f"{folder}/night.h5", hours=HOURS, settings={})
    night_s, night_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    record(
        "simulation-speed",
        {
            "bodies_per_second": BODIES / bodies_s,
            "bodies_per_cpu_second": BODIES / bodies_cpu_s,
            "night_hours": HOURS,
            "night_s": night_s,
            "night_cpu_s": night_cpu_s,
            "force_over_weight": _balance(),
        },
    )


def _balance() -> dict[str, float]:
    """Vertical force on a flat bed over the weight, every style three times."""
    found = []
    for number, style in enumerate(3 * list(STYLES)):
        rng = np.random.default_rng((9, number))
        body, held = draw_body(rng, "somebody"), draw_posture(style, rng)
        bed = furnished(Bed.drawn(rng), body, "", held, rng)
        if bed.raised_deg == 0:
            found.append(contact(settle(body, bed, held)).force_n.sum() / (GRAVITY * body.person.mass_kg))
    off = np.abs(np.array(found) - 1)
    return {"bodies": len(found), "median_off": float(np.median(off)), "most_off": float(off.max())}


if __name__ == "__main__":
    main()
