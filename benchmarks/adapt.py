"""What adaptation to a mat gives on real people: posture before and after, on others than it learned from and on those.

python benchmarks/adapt.py MODEL [--final]

The development run adapts to PmatData's experiment i by S1-S4 and tests on S5 and S6; it says something only of a
model that never saw that mat. `--final` takes the two people of experiment ii who are at hand, on which nothing was
chosen: adapted on one, tested on the other, and, named as such, transductively. The weights that ship saw these two on
the mat of experiment i, so it is a new mat there, not new people.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from record import record

from matpose.datasets import load
from matpose.evaluation.posture_score import score
from matpose.nn.pose_net import PoseNet
from matpose.recording import Recording
from matpose.training.adapt import adapt
from matpose.training.adapt_figures import on_own
from matpose.training.data import Maps, collect_maps
from matpose.training.model_file import TrainedModel, load_model

DATA = "pmatdata:../shared/data/pmatdata"
DEVELOPMENT = {"disjoint": ("i:1-4", "i:5-6")}
FINAL = {
    "disjoint, S1 to S2": ("ii:1", "ii:2"),
    "disjoint, S2 to S1": ("ii:2", "ii:1"),
    "transductive": ("ii:1-2", "ii:1-2"),
}
FRAMES = 8  # of each tested recording
MEASURED = 64


def recordings_of(subjects: str) -> list[Recording]:
    """Some people's recordings."""
    return list(load(DATA, subjects=subjects))


@torch.no_grad()
def probabilities(net: PoseNet, maps: Maps) -> np.ndarray:
    """(N, P) of the postures."""
    return torch.cat([net(some).posture for some in maps.pressure.split(128)]).numpy()


def moved(net: PoseNet, maps: Maps) -> dict[str, float]:
    """Agreement of views of some of the tested maps."""
    index = np.linspace(0, len(maps) - 1, min(MEASURED, len(maps))).round().astype(int)
    return on_own(net, maps.pressure[torch.from_numpy(index)], maps.canvas)


def run(model: TrainedModel, kind: str, learn: str, test: str, seed: int) -> dict:
    """One row: the tested people by the model as it is and as adapted."""
    tested = collect_maps(recordings_of(test), model.recipe.canvas, frames_per_recording=FRAMES)
    label = np.array([model.postures.index(name) for name in tested.posture.tolist()])
    start = time.time()
    outcome = adapt(model, recordings_of(learn), seed=seed, progress=lambda *words: print(*words, end="\r"))
    row: dict = {
        "kind": kind, "adapted_on": learn, "tested_on": test, "maps": outcome.maps,
        "minutes": (time.time() - start) / 60, "accepted": outcome.accepted, "worse": list(outcome.worse),
        "judged": {"before": outcome.before, "after": outcome.after},
    }  # fmt: skip
    for when, one in (("before", model), ("after", outcome.model)):
        assert one.joints is not None
        posture = score(probabilities(one.joints, tested)[None], label, tested.subject, tested.recording)
        row[when] = {"posture": posture, "tested_maps": moved(one.joints, tested)}
    return row


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", type=Path, help="a model file with joints")
    options.add_argument("--final", action="store_true", help="experiment ii; run once")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    model = load_model(given.model)
    protocol = FINAL if given.final else DEVELOPMENT
    record(
        "adapt" if given.final else "adapt-development",
        {
            "what": "three postures of real people on a mat, before and after adaptation to it without labels",
            "model": {key: model.facts[key] for key in ("trained_on", "data") if key in model.facts},
            "seed": given.seed,
            "rows": [run(model, kind, *who, given.seed) for kind, who in protocol.items()],
        },
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
