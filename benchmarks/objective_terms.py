"""What each term of the objective is worth: the plain method, with one term, with all, with all but one.

python benchmarks/objective_terms.py [KEY=VALUE ...]

54 short trainings, eighteen variants with three seeds, of one stage and 240 steps of 16 maps: about an hour on one
idle core. They are too short for the figures of a shipped model; what is compared is variants of equal length. They
learn from PmatData's S1, S2, S5 and S6 and from simulated people; S3 and S4 are what they are measured on, and chose
the best epoch. The linear probe is fitted and tested on simulated people that no training saw. Finished trainings are
used again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from record import record

from matpose.canvas import Canvas
from matpose.datasets import load
from matpose.datasets.splits import hold_out
from matpose.evaluation.probe import linear_probe, probe_rivals
from matpose.evaluation.rivals import fit_logistic
from matpose.nn.efd import EFD
from matpose.recording import Recording
from matpose.training.ablation import train_variants
from matpose.training.data import Maps, canvas_maps, collect_maps
from matpose.training.encode import encode
from matpose.training.measure import label_free, presence_f, rebuilt_presence
from matpose.training.model_file import load_model
from matpose.training.recipe import load_recipe
from matpose.training.term_variants import term_variants

# terms that the recipe leaves off get weights here, so that they are measured too
CHANGES = (
    "crwt=false", "epochs=6", "batches_per_epoch=40", "batch=16", "patience=6", "ramp_epochs=1",
    "cross_view=true", "start=both", "flip_weight=1", "temporal_weight=0.1",
)  # fmt: skip
SIMULATED = "simulated:70:5"  # people, eight maps each
LEARN, PROBE_FIT, PROBE_TEST = "1-30", "31-55", "56-70"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("changes", nargs="*", metavar="KEY=VALUE", help="changes to the recipe")
    options.add_argument("--dataset", default="pmatdata:../shared/data/pmatdata")
    options.add_argument("--subjects", default="i:1-6", help="of the dataset")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--runs", type=Path, default=Path("runs/objective-terms"), help="finished runs are used again")
    given = options.parse_args()
    torch.set_num_threads(1)
    recipe = load_recipe("native", (*CHANGES, *given.changes))

    def collected(recordings: Iterable[Recording]) -> Maps:
        return collect_maps(
            recordings,
            recipe.canvas,
            frames_per_recording=recipe.frames_per_recording,
            presence_mmhg=recipe.presence_mmhg,
        )

    real = list(load(given.dataset, subjects=given.subjects))
    learn, held = hold_out([str(recording.subject) for recording in real], 0.34)
    val = collected(recording for recording in real if recording.subject in held)
    fit = collected(
        [*(recording for recording in real if recording.subject in learn), *load(SIMULATED, subjects=LEARN)]
    )
    known = fit.of_subjects(learn)
    # without postures a run ends with the points: a posture head would take longer than they do
    nameless_fit, nameless_val = (replace(maps, posture=np.full(len(maps), "unknown")) for maps in (fit, val))
    joints = [_with_joints(load(SIMULATED, subjects=people), recipe.canvas) for people in (PROBE_FIT, PROBE_TEST)]
    variants, seeds = term_variants(recipe), range(given.seeds)
    train_variants(
        nameless_fit, nameless_val, variants, given.runs, seeds=seeds, say=lambda line: print(line, flush=True)
    )
    table = []
    for name in variants:
        measured = [_measured(load_model(given.runs / f"{name}-seed{seed}").efd, known, val, joints) for seed in seeds]
        values = {key: [one[key] for one in measured] for key in measured[0]}
        table.append(
            {
                "name": name,
                "mean": {key: float(np.mean(of)) for key, of in values.items()},
                "sd": {key: float(np.std(of, ddof=1)) for key, of in values.items()} if given.seeds > 1 else None,
            }
        )
    rivals = probe_rivals(
        joints[0].maps, joints[0].joints_m, joints[0].posture, joints[1].maps, joints[1].joints_m, joints[1].posture,
        cell_m=recipe.canvas.cell_m, numbers=2 * recipe.points,
    )  # fmt: skip
    record(
        "objective-terms",
        {
            "dataset": given.dataset,
            "simulated": SIMULATED,
            "train_subjects": [*learn, f"simulated {LEARN}"],
            "validation_subjects": held,
            "seeds": list(seeds),
            "variants": table,
            "probe_rivals": rivals,
            "recipe": recipe.model_dump(exclude={"seed"}),
        },
    )


class _Labelled(NamedTuple):
    maps: np.ndarray  # (N, H, W)
    joints_m: np.ndarray  # (N, 14, 2)
    posture: np.ndarray  # (N,)


def _with_joints(recordings: Iterable[Recording], canvas: Canvas) -> _Labelled:
    maps, joints, posture = [], [], []
    for recording in recordings:
        on_canvas, frames, _ = canvas_maps(recording, canvas)
        if recording.joints_m is not None and recording.posture is not None:
            maps.append(on_canvas)
            joints.append(recording.joints_m[frames, :, :2])
            posture.append(recording.posture[frames])
    return _Labelled(np.concatenate(maps), np.concatenate(joints), np.concatenate(posture))


def _measured(efd: EFD, known: Maps, val: Maps, joints: list[_Labelled]) -> dict[str, float]:
    """Label-free measures and presence on the people held out; the probe; posture by the coordinates alone."""

    def coordinates(pressure: torch.Tensor) -> np.ndarray:
        return encode(efd, pressure, val.canvas)[0].reshape(len(pressure), -1)

    fitted, tested = (coordinates(torch.from_numpy(some.maps)[:, None]) for some in joints)
    probe = linear_probe(fitted, joints[0].joints_m, tested, joints[1].joints_m, height_m=val.canvas.height_m)
    classes = sorted(set(known.posture.tolist()))
    label = [np.array([classes.index(name) for name in maps.posture]) for maps in (known, val)]
    answer = fit_logistic(coordinates(known.pressure), label[0], len(classes))(coordinates(val.pressure))
    return {
        **label_free(efd, val),
        "rebuilt_presence_f": presence_f(rebuilt_presence(efd, val), val),
        **{f"probe_{name}": value for name, value in probe.items()},
        "posture_by_coordinates": float((answer.argmax(1) == label[1]).mean()),
    }


if __name__ == "__main__":
    main()
