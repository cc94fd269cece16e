"""Frames of known posture: what every posture protocol starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matpose.errors import MatposeError


@dataclass(frozen=True)
class LabelledFrames:
    """Frames of known posture, of any number of mats, on one canvas of square cells.

    Args:
        canvases: (N, H, W) float32 pressure.
        label: (N,) int, index in ``classes``.
        classes: names of the postures that can be answered.
        subject: (N,) str, the person, under one name in every dataset.
        recording: (N,) str; one recording is one person in one posture.
        fit: (N,) bool, frames that train classifiers, a few evenly spaced of each recording.
        varied: (N,) bool, augmented copies, which train and are never tested; None without such.

    Raises:
        MatposeError: arrays that do not agree.
    """

    canvases: np.ndarray
    label: np.ndarray
    classes: tuple[str, ...]
    subject: np.ndarray
    recording: np.ndarray
    fit: np.ndarray
    varied: np.ndarray | None = None

    @property
    def test(self) -> np.ndarray:
        """(N,) bool: frames to test, all that are no copies."""
        return np.ones(len(self.canvases), bool) if self.varied is None else ~self.varied

    def padded(self, side: np.ndarray) -> np.ndarray:
        """A mask of the frames that are no copies, made as long as all frames; copies are False."""
        return np.pad(side, (0, len(self.label) - len(side)))

    def __post_init__(self) -> None:
        n = len(self.canvases)
        for name in ("label", "subject", "recording", "fit"):
            if getattr(self, name).shape != (n,):
                raise MatposeError(f"{name} is not one value for each of {n} frames", mend="give one for each")
        if n and not 0 <= self.label.min() <= self.label.max() < len(self.classes):
            raise MatposeError("a label is not the index of a class", mend="number labels as `classes` are listed")
        for name, values in (("subjects", self.subject), ("labels", self.label)):
            pairs = {(str(r), str(v)) for r, v in zip(self.recording, values, strict=True)}
            if len(pairs) != len(np.unique(self.recording)):
                raise MatposeError(f"a recording has several {name}", mend="split it, one name for each part")
