"""The shipped model on real people and mats that no training and no choice saw: postures, and pictures of the joints.

python benchmarks/shipped_postures.py [MODEL] [--pictures DIR]

PmatData i S7-S13, experiment ii S1 and S2 (people whose maps of the other mat were trained on), HLPPDat S1-S10. The
pictures show PmatData alone (ODC-By 1.0): forty random maps of S7-S13, and the twenty that the model doubts most.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from record import of_model, record

from matpose.datasets import load
from matpose.pose import Pose
from matpose.recording import Flag, Recording
from matpose.runtime import Detector
from matpose.runtime.overlay import overlay

DATA = Path("../shared/data")
DOCS = Path(__file__).parents[1] / "docs"
SETS = {
    "pmatdata i:7-13": (f"pmatdata:{DATA}/pmatdata", "i:7-13"),
    "pmatdata ii:1-2": (f"pmatdata:{DATA}/pmatdata", "ii:1-2"),
    "hlppdat:1-10": (f"hlppdat:{DATA}/hlppdat", "1-10"),
}
FRAMES = 5  # of each recording: they are static
UNFIT = Flag.WRONG_SIZE | Flag.EMPTY_BED | Flag.CORRUPTED
RANDOM, DOUBTFUL = 40, 20
Shown = tuple[Recording, Pose]


def poses_of(detector: Detector, recording: Recording) -> list[Shown]:
    """Some frames of a recording with what was found in them."""
    sound = np.flatnonzero((recording.flags & np.uint16(UNFIT)) == 0)
    chosen = sound[np.unique(np.linspace(0, len(sound) - 1, min(FRAMES + 2, len(sound))).round().astype(int))]
    chosen = chosen[1:-1] if len(chosen) > 2 else chosen
    some = recording.select(chosen)
    return [(some.select(slice(i, i + 1)), pose) for i, pose in enumerate(detector(some))]


def scored(shown: list[Shown]) -> dict:
    """Accuracy by frame and by recording, and each posture's recall."""
    said = np.array([pose.posture for _, pose in shown])
    true = np.array([str(one.posture[0]) for one, _ in shown if one.posture is not None])
    name = np.array([str(one.name) for one, _ in shown])
    right = said == true
    recall = {posture: float(right[true == posture].mean()) for posture in np.unique(true).tolist()}
    by_recording = {one: right[name == one].mean() > 0.5 for one in np.unique(name).tolist()}
    return {
        "frames": len(shown),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.mean(list(recall.values()))),
        "recall": recall,
        "recordings": len(by_recording),
        "accuracy_recordings": float(np.mean(list(by_recording.values()))),
        "wrong_recordings": [one for one, good in by_recording.items() if not good],
        "always_the_commonest": float(max(np.mean(true == posture) for posture in recall)),
    }


def gallery(shown: list[Shown]) -> Figure:
    """Maps with their skeletons; the fainter a joint, the less sure."""
    columns = 10
    pictures = [overlay(one.frames[0], one.mat, pose, height_px=560) for one, pose in shown]
    rows, aspect = -(-len(pictures) // columns), pictures[0].height / pictures[0].width
    figure = Figure(figsize=(10, rows * (aspect + 0.1)), layout="constrained", dpi=150)
    for panel, picture, (one, _) in zip(figure.subplots(rows, columns).ravel(), pictures, shown, strict=False):
        panel.imshow(np.asarray(picture))
        panel.set_title(str(one.name), fontsize=6)
        panel.axis("off")
    return figure


def sureness(shown: Shown) -> float:
    """Mean confidence of the joints that are seldom lost: not of arms."""
    return float(np.mean([
        keypoint.confidence
        for name, keypoint in shown[1].keypoints.items()
        if keypoint is not None and not name.endswith(("wrist", "elbow"))
    ]))  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", nargs="?", help="by default the weights that ship")
    options.add_argument("--pictures", type=Path, default=DOCS, metavar="DIR")
    given = options.parse_args()
    detector = Detector(given.model)
    figures: dict = {"what": "posture of the shipped model on real recordings that no training and no choice saw"}
    for name, (dataset, subjects) in SETS.items():
        shown = [one for recording in load(dataset, subjects=subjects) for one in poses_of(detector, recording)]
        figures[name] = scored(shown)
        if name == "pmatdata i:7-13":
            middle = shown[FRAMES // 2 :: FRAMES]
            some = np.sort(np.random.default_rng(0).permutation(len(middle))[:RANDOM])
            gallery([middle[index] for index in some]).savefig(given.pictures / "shipped-random.png")
            gallery(sorted(middle, key=sureness)[:DOUBTFUL]).savefig(given.pictures / "shipped-doubtful.png")
    record(of_model("shipped-postures", given.model), figures)


if __name__ == "__main__":
    main()
