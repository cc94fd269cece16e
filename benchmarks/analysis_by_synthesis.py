"""How closely the simulator can come to real maps, once it is fitted to each of them.

For one frame of each posture of PmatData i S1-S6, the simulated person whose map is most like it: by looking one up
in a bank, and by refining who was found. Stature and mass are those of PmatData's list; sexes are not in it, and all
are laid down with the men's shares of mass. The fits' joints explain the maps and are not measured truth: no camera
saw these people. Fits are given the posture (supine, left, right) by its label; looking up is not, and whether it
finds somebody in that posture is a check. The mean of the others knows which of the seventeen postures it is.

python benchmarks/analysis_by_synthesis.py [--maps N] [--budget B] [--bank N] [--seed S]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import torch
from record import record

from matpose.datasets import load
from matpose.datasets.pmatdata import POSTURE_I
from matpose.errors import DatasetError
from matpose.evaluation.synthesis import excess_by_part, fits_beside_real, mean_of_others
from matpose.mat import preset
from matpose.quality import clean
from matpose.simulate.bank import Bank, build_bank
from matpose.simulate.fit import Fit, fit_map
from matpose.simulate.likeness import Likeness, likeness
from matpose.simulate.person import Person
from matpose.training.data import UNFIT
from matpose.training.pictures import save_pictures

DATA = Path("../shared/data/pmatdata")
DOCS = Path(__file__).parents[1] / "docs"
SUBJECTS = range(1, 7)  # of development; the others are for reporting
MAT = preset("pmatdata-i")
GROUPS = {
    "supine": (1, 8, 9), "knees": (10, 11, 12), "raised": (15, 16, 17), "side": (2, 3), "rolled": (4, 5, 6, 7),
    "foetal": (13, 14),
}  # fmt: skip
RIVALS = ("fit", "retrieval", "mean_of_others")


class Real(NamedTuple):
    """One real map."""

    subject: int
    posture17: int
    posture: str
    kpa: np.ndarray


class Compared(NamedTuple):
    """A real map, its fit, and how like it the rivals are."""

    real: Real
    fit: Fit
    retrieved_posture: str
    likeness: dict[str, Likeness]


def real_maps() -> list[Real]:
    """The middle sound frame of every recording, cleaned."""
    maps = []
    for recording in load(f"pmatdata:{DATA}", subjects=f"i:{SUBJECTS[0]}-{SUBJECTS[-1]}"):
        sound = np.flatnonzero((recording.flags & np.uint16(UNFIT)) == 0)
        middle, _ = clean(recording.select(sound[len(sound) // 2 : len(sound) // 2 + 1]))
        subject = int(str(recording.subject).rpartition("S")[2])
        code = int(recording.meta["posture17"])
        maps.append(Real(subject, code, POSTURE_I[code], middle.frames[0]))
    return maps


def evenly(maps: Sequence[Real], count: int) -> list[Real]:
    """Some maps: every posture once before any comes twice, the people in turn."""
    people = len(SUBJECTS)
    return sorted(maps, key=lambda m: ((m.subject - m.posture17) % people, m.posture17))[:count]


def people() -> dict[int, Person]:
    """Stature and mass of everybody, from PmatData's own list."""
    path = DATA / "experiment-i" / "subject-info-i.csv"
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-16").splitlines()))[1:]
        listed = [[float(value) for value in row] for row in rows if row]
        return {int(n): Person(height / 100, weight, f"pmatdata/S{n:.0f}") for n, _, height, weight in listed}
    except (OSError, ValueError) as error:
        raise DatasetError("cannot be read", mend="fetch PmatData again", path=path) from error


def compared(real: Real, maps: Sequence[Real], person: Person, bank: Bank, budget: int) -> Compared:
    """Fit one map, and compare its rivals with it."""
    fit = fit_map(real.kpa, MAT, person=person, bank=bank, budget=budget, posture=real.posture)
    found = bank.nearest(real.kpa, 1)[0]
    others = np.stack([m.kpa for m in maps if m.posture17 == real.posture17 and m.subject != real.subject])
    rivals = (fit.kpa, found.kpa, mean_of_others(real.kpa, others))
    alike = {name: likeness(real.kpa, kpa) for name, kpa in zip(RIVALS, rivals, strict=True)}
    print(f"S{real.subject}/{real.posture17} {fit.scene.style}: {alike['fit'].error:.3f}", flush=True)
    return Compared(real, fit, bank.scenes[found.index].posture.name, alike)


def summary(some: Sequence[Compared]) -> dict:
    """Figures of some maps: medians and quartiles."""
    figures: dict = {"maps": len(some)}
    for name in RIVALS:
        figures[name] = {
            key: _spread([getattr(one.likeness[name], key) for one in some])
            for key in ("error", "correlation", "overlap")
        }
    agrees = [one.retrieved_posture == one.real.posture for one in some]
    figures["retrieved_posture_as_labelled"] = round(float(np.mean(agrees)), 4)
    figures["gain"] = _spread([one.fit.gain for one in some])
    figures["rms_off_in_spreads"] = _spread([one.fit.off for one in some])
    excess = [excess_by_part(one.real.kpa, one.fit.kpa, one.fit.parts) for one in some]
    figures["median_excess_of_real_in_force_shares"] = {
        part: round(float(np.median([one[part] for one in excess])), 4) for part in excess[0]
    }
    return figures


def _spread(values: list[float]) -> dict[str, float]:
    low, median, high = np.percentile(values, (25, 50, 75))
    return {"median": round(float(median), 4), "p25": round(float(low), 4), "p75": round(float(high), 4)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--maps", type=int, default=17, help="real maps, at most 102")
    options.add_argument("--budget", type=int, default=200, help="settlings for each")
    options.add_argument("--bank", type=int, default=1000, help="simulated people to look up")
    options.add_argument("--seed", type=int, default=0, help="of the bank")
    given = options.parse_args()
    started = perf_counter()
    maps, persons = real_maps(), people()
    bank = build_bank(given.bank, given.seed, MAT)
    banked = perf_counter()
    chosen = evenly(maps, given.maps)
    all_of_them = [compared(real, maps, persons[real.subject], bank, given.budget) for real in chosen]
    groups = {
        name: [one for one in all_of_them if one.real.posture17 in codes] for name, codes in GROUPS.items()
    }  # fmt: skip
    kpa = [np.stack([one.real.kpa for one in all_of_them]), np.stack([one.fit.kpa for one in all_of_them])]
    joints_m = np.stack([one.fit.joints_m for one in all_of_them])
    titles = [f"S{one.real.subject}/{one.real.posture17} {one.real.posture}" for one in all_of_them]
    shown = slice(17)
    picture = fits_beside_real(kpa[0][shown], kpa[1][shown], joints_m[shown], MAT, titles[shown])
    save_pictures({"synthesis-fits": picture}, DOCS)
    record(
        "synthesis",
        {
            "what": "simulated maps fitted one by one to PmatData experiment i S1-S6, one frame a recording",
            "note": "joints of the fits are not measured truth; fits know supine, left or right, the mean of "
            "the others knows which of seventeen postures, retrieval nothing",
            "bank": given.bank, "budget": given.budget, "seed": given.seed,
            "seconds": {"bank": round(banked - started), "fits": round(perf_counter() - banked)},
            "all": summary(all_of_them),
            "by_posture": {name: summary(some) for name, some in groups.items() if some},
            "maps": [
                {
                    "map": f"i/S{one.real.subject}/{one.real.posture17}", "label": one.real.posture,
                    "style": one.fit.scene.style, "gain": round(one.fit.gain, 3),
                    "error": {name: round(one.likeness[name].error, 4) for name in RIVALS},
                }
                for one in all_of_them
            ],
        },
    )  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
