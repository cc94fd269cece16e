"""How much simulated maps are like real ones, and what a posture classifier learns from them alone.

python benchmarks/realism.py [--frames N] [--seed S] [--workers N] [--final]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from record import record
from rich.progress import Progress

from matpose.canvas import NATIVE
from matpose.datasets import load
from matpose.errors import DatasetError
from matpose.evaluation.posture_frames import LabelledFrames
from matpose.evaluation.realism_classifier import real_or_simulated
from matpose.evaluation.realism_comparison import compare_maps
from matpose.evaluation.realism_figures import curves, neighbours, sheets
from matpose.evaluation.simulated_training import posture_from_simulated
from matpose.mat import Mat, preset
from matpose.quality import clean
from matpose.recording import Recording
from matpose.simulate.generate import recording_of
from matpose.simulate.scene import draw_readings
from matpose.training.data import UNFIT
from matpose.training.pictures import save_pictures
from matpose.workers import in_order

DATA = Path("../shared/data")
DOCS = Path(__file__).parents[1] / "docs"
CLASSES = ("supine", "left", "right", "prone")
PROPPED = frozenset(("4", "5", "6", "7", "15", "16", "17"))  # posture17 with wedges or the bed raised
SEEDS = (0, 1)  # of the nets
PRIMARY = "small CNN, blurred ranks"  # the best on S1 to S6
SHOWN, NEIGHBOURS_OF = 48, 12
# Seen once, when the simulator is finished; nothing is chosen by them.
FINAL = {
    "i:7-13": ("pmatdata:{}/pmatdata", "i:7-13", "pmatdata-i"),
    "ii:1-2": ("pmatdata:{}/pmatdata", "ii:1-2", "pmatdata-ii"),
    "hlppdat:1-10": ("hlppdat:{}/hlppdat", "1-10", "hlppdat"),
}


class Frames(NamedTuple):
    """N maps of one mat, cleaned, with whose they are; HLPPDat's are counts and no kPa."""

    kpa: np.ndarray
    posture: np.ndarray
    person: np.ndarray
    recording: np.ndarray
    flat: np.ndarray

    def at(self, chosen: np.ndarray) -> Frames:
        """Some of them, by index or mask."""
        return Frames(*(values[chosen] for values in self))


def sound_frames(recordings: Iterable[Recording], count: int | None = None) -> Frames:
    """Evenly spaced sound frames of every recording away from its ends, cleaned; all of them if no count is given."""
    kept = []
    for recording in recordings:
        sound = np.flatnonzero((recording.flags & np.uint16(UNFIT)) == 0)
        if count is not None and len(sound) > count:
            sound = sound[np.linspace(0, len(sound) - 1, count + 2).round().astype(int)[1:-1]]
        some, _ = clean(recording.select(sound))
        postures = np.full(len(some), "unknown") if some.posture is None else some.posture
        about = [np.full(len(some), value) for value in (some.subject or some.name, some.name, lies_flat(some))]
        kept.append(Frames(some.frames, postures, *about))
    if not sum(len(part.kpa) for part in kept):
        raise DatasetError("not one sound frame was found", mend="name the folder that holds the recordings")
    return Frames(*map(np.concatenate, zip(*kept, strict=True)))


def lies_flat(recording: Recording) -> bool:
    """Whether a recording of PmatData or of the simulator has neither wedges nor the bed raised."""
    about = recording.meta
    return (
        about.get("posture17") not in PROPPED
        and float(about.get("raised_deg", 0)) == 0
        and "roll" not in about.get("style", "")
    )


def simulated_maps(frames: int, seed: int, mats: Sequence[str], workers: int) -> dict[str, Frames]:
    """The simulator's maps on mat presets, treated as real ones are: as many in every posture, each on all mats."""
    on = [preset(name) for name in mats]
    with closing(in_order(partial(_recordings, seed=seed, mats=on), range(frames), workers)) as made, Progress() as bar:
        people = list(bar.track(made, total=frames, description="simulating"))
    return {name: sound_frames(one[index] for one in people) for index, name in enumerate(mats)}


def _recordings(index: int, *, seed: int, mats: list[Mat]) -> list[Recording]:
    """In a worker."""
    samples = draw_readings(index, seed=seed, mats=mats, posture=CLASSES[index % len(CLASSES)])
    return [
        recording_of(sample, mat, name=f"simulated/{index}", subject=f"simulated/{index}", meta=dict(sample.facts))
        for mat, sample in zip(mats, samples, strict=True)
    ]


def labelled(frames: Frames, mat: str) -> LabelledFrames:
    """The maps whose posture can be answered, on the network's canvas."""
    known = frames.at(np.isin(frames.posture, CLASSES))
    label = np.array([CLASSES.index(name) for name in known.posture.tolist()])
    canvases = NATIVE.resample(known.kpa, preset(mat)).astype(np.float32)
    return LabelledFrames(canvases, label, CLASSES, known.person, known.recording, np.ones(len(label), bool))


def pictures(real: Frames, simulated: Frames, comparison: dict, seed: int) -> dict:
    """The figures for docs/: sheets of as many maps of every posture, neighbours among all real ones, curves."""
    rng = np.random.default_rng(seed)
    mat = preset("pmatdata-i")
    canvases = [
        NATIVE.resample(side.kpa[np.concatenate([_some(side.posture == p, SHOWN // 3, rng) for p in CLASSES[:3]])], mat)
        for side in (real, simulated)
    ]
    _, once = np.unique(real.recording, return_index=True)
    titles = [name.removeprefix("i/") for name in real.recording[once]]
    spread = np.linspace(0, SHOWN - 1, NEIGHBOURS_OF).round().astype(int)
    return {
        "realism-sheets": sheets(*canvases),
        "realism-neighbours": neighbours(canvases[1][spread], NATIVE.resample(real.kpa[once], mat), titles),
        "realism-curves": curves(comparison),
    }


def _some(mask: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of that many maps; again the same ones where there are fewer."""
    return np.resize(rng.permutation(np.flatnonzero(mask)), count)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=4000, help="people at rest, each on every mat")
    options.add_argument("--seed", type=int, default=0, help="of the simulated people, the draws and the nets")
    options.add_argument("--workers", type=int, default=2, help="processes that simulate")
    options.add_argument("--final", action="store_true", help="also people and mats on which nothing was chosen")
    given = options.parse_args()
    real = sound_frames(load(f"pmatdata:{DATA}/pmatdata", subjects="i:1-6"), count=2)
    mats = ["pmatdata-i", *(other for _, _, other in FINAL.values() if given.final and other != "pmatdata-i")]
    maps = simulated_maps(given.frames, given.seed, mats, given.workers)
    simulated = maps["pmatdata-i"]
    mat = preset("pmatdata-i")
    flat, flat_simulated = real.at(real.flat), simulated.at(simulated.flat)
    comparison = compare_maps(flat.kpa, flat.posture, flat_simulated.kpa, flat_simulated.posture, mat)
    training = labelled(simulated, "pmatdata-i")
    figures = {
        "what": "simulated maps beside PmatData experiment i S1-S6, two frames a recording",
        "simulated": {"frames": len(simulated.kpa), "people": len(set(simulated.person)), "seed": given.seed},
        "flat_bed": comparison,
        "all_beds": compare_maps(real.kpa, real.posture, simulated.kpa, simulated.posture, mat),
        "told_apart_flat_bed": real_or_simulated(*flat[:3], *flat_simulated[:3], mat, seed=given.seed),
        "posture_from_simulated": {
            "primary": PRIMARY,
            "i:1-6": posture_from_simulated(training, labelled(real, "pmatdata-i"), seeds=SEEDS),
        },
    }
    if given.final:
        for name, (dataset, subjects, tested_mat) in FINAL.items():
            tested = sound_frames(load(dataset.format(DATA), subjects=subjects), count=2)
            learned = labelled(maps[tested_mat], tested_mat)
            figures["posture_from_simulated"][name] = posture_from_simulated(
                learned, labelled(tested, tested_mat), seeds=SEEDS
            )
    save_pictures(pictures(flat, flat_simulated, comparison, given.seed), DOCS)
    record("realism", figures)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
