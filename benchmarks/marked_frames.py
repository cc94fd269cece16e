"""Named joints on real maps: a model's joints beside those that two annotators marked by eye, and beside simple rivals.

python benchmarks/marked_frames.py [MODEL]

The marks (benchmarks/marks/pmatdata-i.csv, CC0) are of PmatData i S1-S6, one frame of each of the seventeen postures;
no training and no choice of a setting saw them. Where nothing was to be seen both annotators went by usual segment
lengths, so their disagreement is a lower bound of their error. The annotators are two passes of an image-reading
language model, not people; nearly alike maps of a person share some coordinates. Joints that either called a guess
are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from record import of_model, record

from matpose.datasets import load
from matpose.evaluation.bootstrap import centile_bootstrap
from matpose.evaluation.joint_score import MIRRORED, TOLERANCE, trust_score
from matpose.labelling.agreement import agreement, consensus
from matpose.labelling.marks import SEEN, Mark, read_marks
from matpose.pose import Pose
from matpose.recording import JOINT_NAMES, Recording
from matpose.runtime import Detector

DATA = Path("../shared/data/pmatdata")
MARKS = Path(__file__).parent / "marks" / "pmatdata-i.csv"
LOST_CONTACT = frozenset((8, 9, 10, 11, 12))
HEAD_M = 0.155 * 1.75  # of a stature of 1.75 m


class Marked(NamedTuple):
    """N marked frames.

    Args:
        xy_m: (N, 14, 2), NaN where an annotator guessed.
        seen: (N, 14) bool, both saw its contact.
        number: (N,) posture of the seventeen.
        posture, subject: (N,) str.
        centre_m: (N, 2) centre of pressure.
    """

    xy_m: np.ndarray
    seen: np.ndarray
    number: np.ndarray
    posture: np.ndarray
    subject: np.ndarray
    centre_m: np.ndarray


def marked_frames(recordings: dict[str, Recording], marks: list[Mark]) -> tuple[Marked, list[Recording]]:
    """The marked frames with what both annotators say together; and each as a recording of its own."""
    by_frame: dict[tuple[str, int], dict[str, Mark]] = {}
    for mark in consensus(marks):
        by_frame.setdefault((mark.recording, mark.frame), {})[mark.name] = mark
    rows, frames = [], []
    for (name, frame), found in by_frame.items():
        one = recordings[name].select(slice(frame, frame + 1))
        assert one.posture is not None
        known = [found.get(joint) for joint in JOINT_NAMES]
        xy_m = [(np.nan, np.nan) if mark is None or mark.visibility == 0 else mark.xy_m for mark in known]
        load = np.clip(np.nan_to_num(one.frames[0]), 0, None)
        pitch_y_m, pitch_x_m = one.mat.pitch_m
        y, x = ((np.arange(size) + 0.5) * pitch for size, pitch in zip(load.shape, (pitch_y_m, pitch_x_m), strict=True))
        centre = (float(load.sum(0) @ x / load.sum()), float(load.sum(1) @ y / load.sum()))
        seen = [mark is not None and mark.visibility == SEEN for mark in known]
        rows.append((xy_m, seen, int(one.meta["posture17"]), str(one.posture[0]), one.subject, centre))
        frames.append(one)
    return Marked(*(np.array(column) for column in zip(*rows, strict=True))), frames


def mean_pose(marked: Marked, group: np.ndarray, *, aligned: bool) -> np.ndarray:
    """What the other people's marks in the same posture are in the mean, moved to the centre of pressure if asked."""
    offset = marked.centre_m[:, None] if aligned else np.zeros((len(group), 1, 2))
    predicted = np.full_like(marked.xy_m, np.nan)
    for index in range(len(group)):
        others = (group == group[index]) & (marked.subject != marked.subject[index])
        predicted[index] = np.nanmean((marked.xy_m - offset)[others], 0) + offset[index]
    return predicted


def errors(predicted_m: np.ndarray, marked: Marked) -> dict:
    """Errors in cm over the joints that were marked; postures with lost contact apart."""
    error_cm = np.linalg.norm(predicted_m - marked.xy_m, axis=-1) * 100
    lost = np.isin(marked.number, list(LOST_CONTACT))
    groups = {
        "all": np.isfinite(error_cm),
        "contact_seen": marked.seen & np.isfinite(error_cm),
        "lost_contact_postures": np.isfinite(error_cm) & lost[:, None],
        "other_postures": np.isfinite(error_cm) & ~lost[:, None],
    }
    exchanged = np.linalg.norm(predicted_m[:, MIRRORED] - marked.xy_m, axis=-1) * 100
    return {
        **{
            name: {
                "joints": int(chosen.sum()),
                "median_cm": float(np.median(error_cm[chosen])),
                "p90_cm": float(np.percentile(error_cm[chosen], 90)),
                "mean_cm": float(error_cm[chosen].mean()),
                "pckh20": float((error_cm[chosen] < TOLERANCE * HEAD_M * 100).mean()),
            }
            for name, chosen in groups.items()
        },
        "by_joint_median_cm": {
            joint: float(np.nanmedian(error_cm[:, number])) for number, joint in enumerate(JOINT_NAMES)
        },
        "sides_exchanged": float((np.nanmean(exchanged, 1) < np.nanmean(error_cm, 1)).mean()),
    }


def predicted(poses: Sequence[Pose]) -> tuple[np.ndarray, np.ndarray]:
    """Joints (N, 14, 2) in metres, NaN where none was found, and their confidence (N, 14)."""
    xy_m, confidence = np.full((len(poses), len(JOINT_NAMES), 2), np.nan), np.zeros((len(poses), len(JOINT_NAMES)))
    for index, pose in enumerate(poses):
        for number, joint in enumerate(JOINT_NAMES):
            keypoint = pose.keypoints[joint]
            if keypoint is not None:
                xy_m[index, number], confidence[index, number] = keypoint.xy_m, keypoint.confidence
    return xy_m, confidence


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", nargs="?", help="by default the weights that ship")
    given = options.parse_args()
    recordings = {str(one.name): one for one in load(f"pmatdata:{DATA}", subjects="i:1-6")}
    marks = read_marks(MARKS)
    first, second = ([mark for mark in marks if mark.annotator == who] for who in sorted({m.annotator for m in marks}))
    marked, frames = marked_frames(recordings, marks)
    detector = Detector(given.model)
    poses = [next(iter(detector(frame))) for frame in frames]
    xy_m, confidence = predicted(poses)
    known = np.isfinite(marked.xy_m[..., 0]) & np.isfinite(xy_m[..., 0])
    error_m = np.linalg.norm(xy_m - marked.xy_m, axis=-1)
    whose = np.broadcast_to(marked.subject[:, None], known.shape)
    record(
        of_model("marked-frames", given.model),
        {
            "what": "named joints on 102 marked frames of PmatData i S1-S6, whose unlabelled maps the training saw",
            "frames": len(frames),
            "annotators": agreement(first, second),
            "model": errors(xy_m, marked),
            "ci95_over_people": {
                "median_cm": centile_bootstrap(100 * error_m[known], whose[known]),
                "p90_cm": centile_bootstrap(100 * error_m[known], whose[known], 90),
            },
            "trust": trust_score(confidence[known], error_m[known], np.array(TOLERANCE * HEAD_M)),
            "rivals": {
                f"mean pose of the others in the same {what}{', moved to the centre of pressure' if aligned else ''}":
                    errors(mean_pose(marked, group, aligned=aligned), marked)
                for what, group in (("posture of three", marked.posture), ("posture of seventeen", marked.number))
                for aligned in (False, True)
            },
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
