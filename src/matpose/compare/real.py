"""Real recordings in `matpose compare`: posture from keypoints on the familiar mat, and on another one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.datasets import load
from matpose.errors import DatasetError
from matpose.evaluation.keypoint_posture import LAYERS, Nodes, keypoint_posture
from matpose.training.data import Maps, collect_maps
from matpose.training.joint_maps import POSTURES

FAMILIAR = ("i:1-6", "i:7-13")
OTHER_MAT = "ii"  # whoever of experiment ii is there
FRAMES = 2  # of each recording: they are static
Keypoints = Callable[[torch.Tensor], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class RealMaps:
    """PmatData on the canvas.

    Args:
        fit, test: people of experiment i, to fit posture nets on and to test them.
        other: experiment ii, another mat; every person is tested by nets fitted on the others (protocol `frozen`).
    """

    fit: Maps
    test: Maps
    other: Maps

    def digest(self) -> str:
        """Short hash of the maps and of what is said of them."""
        every = hashlib.sha256()
        for maps in (self.fit, self.test, self.other):
            every.update(maps.pressure.contiguous().numpy().tobytes())
            every.update("|".join((*maps.posture.tolist(), *maps.subject.tolist())).encode())
        return every.hexdigest()[:16]

    def posture(self, keypoints: Keypoints, *, seed: int) -> dict[str, dict]:
        """Figures of :func:`keypoint_posture`, "familiar" and "frozen", by a system's keypoints.

        Args:
            keypoints: (N, 1, H, W) pressure to places (N, J, 2) in half-heights and scores (N, J).
            seed: of the nets.
        """
        fit, test, other = (_nodes(maps, keypoints) for maps in (self.fit, self.test, self.other))
        by_person = []
        for person in np.unique(other.subject):
            held = other.subject == person
            rest, one = (Nodes(*(column[chosen] for column in other)) for chosen in (~held, held))
            by_person.append((held.sum(), keypoint_posture(rest, one, len(POSTURES), seed=seed)))
        weight = np.array([count for count, _ in by_person], float)
        frozen = {
            layer: {
                name: float(np.average([figures[layer][name] for _, figures in by_person], weights=weight))
                for name in ("accuracy", "balanced_accuracy")
            }
            for layer in LAYERS
        }
        return {"familiar": keypoint_posture(fit, test, len(POSTURES), seed=seed), "frozen": frozen}


def real_maps(dataset: str, canvas: Canvas) -> RealMaps:
    """Read them.

    Args:
        dataset: "pmatdata:PATH".
        canvas: the grid of the systems.

    Raises:
        DatasetError: another dataset, or fewer than two people on the other mat.
    """
    if not dataset.startswith("pmatdata:"):
        raise DatasetError(f"{dataset!r} is not PmatData", mend="give pmatdata:PATH, or leave it out")
    fit, test = (
        collect_maps(load(dataset, subjects=subjects), canvas, frames_per_recording=FRAMES) for subjects in FAMILIAR
    )
    elsewhere = (recording for recording in load(dataset) if recording.meta.get("experiment") == OTHER_MAT)
    other = collect_maps(elsewhere, canvas, frames_per_recording=FRAMES)
    if len(other.subjects) < 2:
        raise DatasetError("experiment ii has one person only", mend="fetch it again")
    return RealMaps(fit, test, other)


def _nodes(maps: Maps, keypoints: Keypoints) -> Nodes:
    known = np.isin(maps.posture, POSTURES)
    maps = maps.select(known)
    label = np.array([POSTURES.index(name) for name in maps.posture.tolist()])
    return Nodes(*keypoints(maps.pressure), label, maps.subject)
