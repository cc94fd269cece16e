"""The weights that ship: points from unlabelled maps, joints from simulated labels; PmatData i S1-S6 and simulation.

python benchmarks/shipped_weights.py [--bodies N] [--realistic N] [--points-epochs N] [--joint-epochs N] [--resume]
    [-o runs/shipped]

Bodies are light ones; realistic ones of anny beside them, by `--realistic 3000 -o runs/realistic`, were tried and are
no gain on real people. Takes some hours of one core from nothing. Writes RUN/model.safetensors and, by the name of the
run's folder, benchmarks/results/shipped.json; ship it by
`matpose export RUN/model.safetensors -o src/matpose/weights/matpose.onnx`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from record import record
from rich.progress import Progress

from matpose.canvas import NATIVE
from matpose.datasets import load
from matpose.mat import preset
from matpose.training.data import Maps, collect_maps
from matpose.training.joint_figures import joint_figures
from matpose.training.joint_fit import fit_joints
from matpose.training.joint_maps import ANY, POSTURES, JointMaps, simulated_joint_maps
from matpose.training.learned_from import LearnedFrom
from matpose.training.model_file import FILE_NAME, TrainedModel, save_model
from matpose.training.recipe import load_recipe
from matpose.training.run import train_on

DATA = Path("../shared/data/pmatdata")
SEEN = ("pmatdata-i", "bpms", "bt3510", "tip")
UNSEEN = ("pmatdata-ii", "hlppdat", "carpet")
TAUGHT = (*SEEN, *[ANY] * len(SEEN))  # half the maps are of mats at random
READINGS = {"test": 3, "validation": 4, "training": 4}
FRAMES = 6  # of each real recording: they are static
UNLABELLED_BODIES = 800  # whose maps also teach the points
TEST_BODIES, VALIDATION_BODIES = 300, 200
LIGHT, REALISTIC = "light", "anny"  # kinds of bodies; half as many realistic ones for tests and validation
TEST_SEED, VALIDATION_SEED = 90001, 90002
SUBJECTS = "i:1-6"
VALIDATED_ON = ("pmatdata/S3", "pmatdata/S6")  # of the points' training, which needs somebody to choose an epoch by


def simulated(
    folder: Path, name: str, bodies: int, mats: tuple[str, ...], seed: int, workers: int, kind: str = LIGHT
) -> JointMaps:
    """Kept in the run's folder, so that a second run need not make them."""
    name = name if kind == LIGHT else f"{name}-realistic"
    with Progress() as bar:
        task = bar.add_task(f"simulating {name}", total=bodies)
        return simulated_joint_maps(
            folder / f"{name}.safetensors", bodies, NATIVE,
            mats=mats, readings=READINGS[name.partition("-")[0]], seed=seed, kind=kind, workers=workers,
            progress=lambda done: bar.update(task, completed=done),
        )  # fmt: skip


def unlabelled(maps: JointMaps, mats: tuple[str, ...]) -> Maps:
    """Simulated maps as if nobody knew their joints; their postures are known."""
    coverage = np.stack([NATIVE.coverage(preset(name)) for name in mats])
    bodies = np.array([f"simulated/{body}" for body in maps.body.tolist()])
    return Maps(
        maps.pressure.float(), torch.full((len(maps),), 0.133322), maps.mat, torch.from_numpy(coverage)[:, None],
        bodies, bodies, np.array(POSTURES)[maps.posture.numpy()], NATIVE,
    )  # fmt: skip


def together(one: Maps, other: Maps) -> Maps:
    """All maps of both."""

    def both(name: str) -> np.ndarray:
        return np.concatenate((getattr(one, name), getattr(other, name)))

    return Maps(
        torch.cat((one.pressure, other.pressure)), torch.cat((one.threshold, other.threshold)),
        torch.cat((one.mat, other.mat + len(one.coverage))), torch.cat((one.coverage, other.coverage)),
        both("subject"), both("recording"), both("posture"), one.canvas,
    )  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bodies", type=int, default=6000)
    options.add_argument("--realistic", type=int, default=0, help="bodies of anny's surface, beside these")
    options.add_argument("--points-epochs", type=int, default=5, help="of each stage of CRWT, 60 batches each")
    options.add_argument("--joint-epochs", type=int, default=40, help="100 batches each")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--resume", action="store_true")
    options.add_argument("-o", "--output", type=Path, default=Path("runs/shipped"))
    given = options.parse_args()
    folder = given.output
    folder.mkdir(parents=True, exist_ok=True)
    test_seen = simulated(folder, "test-seen", TEST_BODIES, SEEN, TEST_SEED, given.workers)
    test_unseen = simulated(folder, "test-unseen", TEST_BODIES, UNSEEN, TEST_SEED, given.workers)
    val = simulated(folder, "validation", VALIDATION_BODIES, TAUGHT, VALIDATION_SEED, given.workers)
    light = labelled = simulated(folder, "training", given.bodies, TAUGHT, given.seed, given.workers)
    tests = {"seen_mats": test_seen, "unseen_mats": test_unseen}
    if given.realistic:
        others = (
            simulated(folder, name, bodies, mats, seed, given.workers, REALISTIC)
            for name, bodies, mats, seed in (
                ("test", TEST_BODIES // 2, UNSEEN, TEST_SEED),
                ("validation", VALIDATION_BODIES // 2, TAUGHT, VALIDATION_SEED),
                ("training", given.realistic, TAUGHT, given.seed),
            )
        )
        tests["realistic_bodies_unseen_mats"], realistic_val, realistic = others
        val, labelled = val.joined(realistic_val), light.joined(realistic)
    notes = LearnedFrom()
    recordings = notes.passing(load(f"pmatdata:{DATA}", subjects=SUBJECTS))
    real = collect_maps(recordings, NATIVE, frames_per_recording=FRAMES)
    some = (light.body < UNLABELLED_BODIES) & (light.mat < len(SEEN))  # presets' maps: their edges are known
    maps = together(real, unlabelled(light.select(some), SEEN))
    recipe = load_recipe(
        "native",
        (f"presence_epochs={given.points_epochs}", f"epochs={given.points_epochs}", "batches_per_epoch=60",
         f"seed={given.seed}", "name=shipped", "turn_deg=18", "shift=0.3"),  # people do turn, and lie at the edge
    )  # fmt: skip
    others = [subject for subject in maps.subjects if subject not in VALIDATED_ON]
    run = train_on(
        maps.of_subjects(others), maps.of_subjects(VALIDATED_ON), recipe, folder / "points", resume=given.resume
    )
    net = fit_joints(
        run.model.efd, recipe, labelled, maps, val, folder / "joints",
        epochs=given.joint_epochs, seed=given.seed, resume=given.resume,
    )  # fmt: skip
    figures = {name: joint_figures(net, maps, NATIVE) for name, maps in tests.items()}
    facts = {
        "trained_on": {
            "pmatdata": SUBJECTS, "simulated_bodies": given.bodies, "realistic_bodies": given.realistic,
            "mats": list(TAUGHT),
        },
        "seed": given.seed, "data": {"simulated": labelled.digest(), **notes.people()},
        "train_subjects": real.subjects, "mats": notes.mats,
    }  # fmt: skip
    save_model(folder / FILE_NAME, TrainedModel(net.efd, recipe, None, POSTURES, facts, net))
    record(folder.name, {"what": "named joints on simulated bodies that no training saw", **facts, **figures})


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
