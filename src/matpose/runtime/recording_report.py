"""A page about one recording: how somebody lay, when, and how sure the joints are, and the truth where it is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from matpose.evaluation.report import Section, write_report
from matpose.pose import Pose
from matpose.recording import JOINT_NAMES, POSTURES, Recording
from matpose.runtime.overlay import overlay

SHOWN = 12
LANES = ("supine", "left", "right", "prone", "sitting", "empty", "unknown")
_COLOUR = {
    "supine": "#4477aa", "left": "#228833", "right": "#ccbb44", "prone": "#ee6677", "sitting": "#aa3377",
    "empty": "#bbbbbb", "unknown": "#dddddd",
}  # fmt: skip


def report_recording(path: str | PathLike[str], recording: Recording, poses: Sequence[Pose], *, title: str) -> dict:
    """Write the page.

    Args:
        path: the HTML file.
        recording: what was read.
        poses: one a frame, in order.
        title: of the page.

    Returns:
        JSON-able: ``frames``, ``hours``, ``posture_share``; where joints are known also ``joint_median_cm`` and
        ``posture_accuracy``.

    Raises:
        MatposeError: the file cannot be written.
    """
    share = {name: count / len(poses) for name, count in Counter(pose.posture for pose in poses).most_common()}
    hours = recording.duration_s / 3600
    figures: dict = {"frames": len(poses), "hours": hours, "posture_share": share}
    sections = [
        Section("When", "Posture over time, as the weights told it; grey where nobody lies there.", _timeline(poses)),
        Section(
            "How",
            "Named joints on some frames: the person's left in blue, right in green; the fainter, the less sure.",
            _frames(recording, poses),
        ),
        Section("How sure", "Median confidence: the chance that a joint lies within a fifth of the head's length.",
                table=_confidence(poses)),
    ]  # fmt: skip
    if recording.joints_m is not None and any(pose.keypoints for pose in poses):
        truth = _truth(recording, poses)
        figures |= truth
        row = {
            "half of the joints within": f"{truth['joint_median_cm']:.1f} cm",
            "posture right": f"{truth['posture_accuracy']:.1%}",
        }
        sections.append(Section("Beside the truth", "This person is simulated, so the joints are known.", table=[row]))
    write_report(
        path,
        title=title,
        lead=", ".join(f"{name} {part:.0%}" for name, part in share.items()),
        facts=[("frames", f"{len(poses):,}"), ("hours", f"{hours:.1f}")],
        sections=sections,
    )
    return figures


def _timeline(poses: Sequence[Pose]) -> Figure:
    figure = Figure(figsize=(5.4, 1.9), layout="constrained", dpi=200)
    axes = figure.subplots()
    present = {pose.posture for pose in poses}
    lanes = [name for name in LANES if name in present]
    hours = np.array([pose.time_s for pose in poses]) / 3600
    width = float(np.median(np.diff(hours))) if len(hours) > 1 else 0.01
    for lane, name in enumerate(lanes):
        spans = [(hour, width) for hour, pose in zip(hours.tolist(), poses, strict=True) if pose.posture == name]
        axes.broken_barh(spans, (lane - 0.4, 0.8), color=_COLOUR[name], linewidth=0)
    axes.set_yticks(range(len(lanes)), lanes, fontsize=8)
    axes.set_xlabel("hours", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.invert_yaxis()
    return figure


def _frames(recording: Recording, poses: Sequence[Pose]) -> Figure:
    lying = [index for index, pose in enumerate(poses) if pose.posture not in ("empty", "unknown")] or [0]
    chosen = [lying[int(place)] for place in np.linspace(0, len(lying) - 1, min(SHOWN, len(lying)))]
    columns = 4
    rows = -(-len(chosen) // columns)
    pictures = [overlay(recording.frames[index], recording.mat, poses[index], height_px=640) for index in chosen]
    aspect = pictures[0].height / pictures[0].width
    figure = Figure(figsize=(5.4, rows * 5.4 / columns * aspect + 0.1), layout="constrained", dpi=300)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for panel in grid:
        panel.axis("off")
    for panel, picture in zip(grid, pictures, strict=False):
        panel.imshow(np.asarray(picture))
    return figure


def _confidence(poses: Sequence[Pose]) -> list[dict]:
    known = [pose.keypoints for pose in poses if pose.keypoints]
    rows = []
    for name in JOINT_NAMES:
        found = [keypoint for keypoints in known if (keypoint := keypoints.get(name)) is not None]
        if found:
            rows.append({
                "joint": name.replace("_", " "),
                "confidence": f"{np.median([one.confidence for one in found]):.0%}",
                "pressed on the mat": f"{np.mean([one.contact > 0.5 for one in found]):.0%} of frames",
            })  # fmt: skip
    return rows


def _truth(recording: Recording, poses: Sequence[Pose]) -> dict:
    assert recording.joints_m is not None
    errors_m, right, counted = [], 0, 0
    for index, pose in enumerate(poses):
        if recording.posture is not None and recording.posture[index] in POSTURES[:4]:
            counted += 1
            right += pose.posture == recording.posture[index]
        for number, name in enumerate(JOINT_NAMES):
            keypoint = pose.keypoints.get(name)
            if keypoint is not None and np.isfinite(recording.joints_m[index, number, :2]).all():
                errors_m.append(np.hypot(*(np.array(keypoint.xy_m) - recording.joints_m[index, number, :2])))
    return {
        "joint_median_cm": float(np.median(errors_m) * 100) if errors_m else float("nan"),
        "posture_accuracy": right / max(counted, 1),
    }


def sample_night() -> Path:
    """The simulated night that lies in the package."""
    return Path(__file__).parents[1] / "samples" / "night.h5"
