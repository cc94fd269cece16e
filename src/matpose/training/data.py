"""The maps a training sees: a few sound frames of every recording on the canvas, split by subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.errors import DatasetError
from matpose.mat import KPA_PER_UNIT
from matpose.quality import clean
from matpose.recording import Flag, Recording

UNFIT = Flag.WRONG_SIZE | Flag.EMPTY_BED | Flag.CORRUPTED
"""Frames with any of these flags teach nothing about bodies."""


@dataclass(frozen=True)
class Maps:
    """Pressure maps on one canvas, N in all, with where each comes from.

    Args:
        pressure: (N, 1, H, W) float32, kPa or raw.
        threshold: (N,) pressure from which a cell counts as loaded, in the map's own unit.
        mat: (N,) int64, index into ``coverage``.
        coverage: (M, 1, H, W) float32, share of every cell on each of the M mats.
        subject, recording, posture: (N,) str; posture "unknown" where nobody said.
        canvas: the canvas.
    """

    pressure: torch.Tensor
    threshold: torch.Tensor
    mat: torch.Tensor
    coverage: torch.Tensor
    subject: np.ndarray
    recording: np.ndarray
    posture: np.ndarray
    canvas: Canvas

    def __len__(self) -> int:
        return len(self.pressure)

    @property
    def subjects(self) -> list[str]:
        """Everybody in these maps, sorted."""
        return sorted(set(self.subject.tolist()))

    def select(self, chosen: np.ndarray) -> Maps:
        """The chosen maps only; ``chosen`` is (N,) bool or an array of indices."""
        index = torch.from_numpy(np.flatnonzero(chosen) if chosen.dtype == bool else chosen)
        return Maps(
            self.pressure[index],
            self.threshold[index],
            self.mat[index],
            self.coverage,
            self.subject[index.numpy()],
            self.recording[index.numpy()],
            self.posture[index.numpy()],
            self.canvas,
        )

    def of_subjects(self, subjects: Iterable[str]) -> Maps:
        """The maps of these people only."""
        return self.select(np.isin(self.subject, list(subjects)))

    def other_frames(self) -> torch.Tensor:
        """(N,) for every map the index of the next one of its recording; of the last, the one before; else its own."""
        index = np.arange(len(self))
        follows = np.append(self.recording[1:] == self.recording[:-1], False)
        precedes = np.insert(follows[:-1], 0, False)
        return torch.from_numpy(np.where(follows, index + 1, np.where(precedes, index - 1, index)))

    def on_mat(self) -> torch.Tensor:
        """(N, 1, H, W) bool: cells at least half of which lie on the mat."""
        return self.coverage[self.mat] >= 0.5

    def present(self) -> torch.Tensor:
        """(N, 1, H, W) bool: cells with pressure of the threshold or more."""
        return self.pressure >= self.threshold.view(-1, 1, 1, 1)


def collect_maps(
    recordings: Iterable[Recording],
    canvas: Canvas,
    *,
    frames_per_recording: int | None,
    presence_mmhg: float = 1.0,
) -> Maps:
    """Evenly spaced sound frames of every recording, cleaned and resampled; one recording in memory at a time.

    Args:
        recordings: any number of them, from any mats.
        canvas: the grid of the network.
        frames_per_recording: how many of each; None for all.
        presence_mmhg: pressure from which a cell counts as loaded; in raw recordings, where nobody knows what
            a millimetre of mercury is, a twentieth of the map's force-weighted mean stands for it.

    Raises:
        DatasetError: no recording has a sound frame.
    """
    pressure, threshold, mat_index, subject, recording_name, posture = [], [], [], [], [], []
    coverage: dict[tuple, tuple[int, np.ndarray]] = {}
    for recording in recordings:
        maps, frames, on_mat = canvas_maps(recording, canvas, frames_per_recording)
        if not len(maps):
            continue
        index, _ = coverage.setdefault(_grid(recording), (len(coverage), on_mat))
        pressure.append(maps)
        if recording.unit == "kPa":
            threshold.append(np.full(len(maps), presence_mmhg * KPA_PER_UNIT["mmHg"], np.float32))
        else:
            force = maps.sum((1, 2)).clip(1e-12)
            threshold.append(((maps**2).sum((1, 2)) / force / 20).astype(np.float32))
        mat_index += [index] * len(maps)
        subject += [recording.subject or recording.name or str(recording.source)] * len(maps)
        recording_name += [recording.name or str(recording.source)] * len(maps)
        posture += ["unknown"] * len(maps) if recording.posture is None else recording.posture[frames].tolist()
    if not pressure:
        raise DatasetError(
            "not one usable frame was found",
            mend="look at the files with `matpose inspect`; check grid and unit",
        )
    return Maps(
        torch.from_numpy(np.concatenate(pressure))[:, None],
        torch.from_numpy(np.concatenate(threshold)),
        torch.tensor(mat_index),
        torch.from_numpy(np.stack([on_mat for _, on_mat in coverage.values()]))[:, None],
        np.array(subject),
        np.array(recording_name),
        np.array(posture),
        canvas,
    )


def canvas_maps(
    recording: Recording, canvas: Canvas, count: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sound frames of one recording on the canvas.

    Returns:
        maps (n, H, W) float32; frames (n,) their indices in the recording; coverage (H, W).
    """
    sound = np.flatnonzero((recording.flags & np.uint16(UNFIT)) == 0)
    if count is not None and len(sound) > count:
        sound = sound[np.linspace(0, len(sound) - 1, count).round().astype(int)]
    cleaned, _ = clean(recording.select(sound))
    origin_m = canvas.origin_over(cleaned)
    maps = canvas.resample(cleaned.frames, cleaned.mat, origin_m)
    return maps.astype(np.float32), sound, canvas.coverage(cleaned.mat, origin_m)


def _grid(recording: Recording) -> tuple:
    mat = recording.mat
    return mat.rows, mat.cols, mat.pitch_y_m, mat.pitch_x_m


def batches(count: int, size: int, number: int, *, seed: int, epoch: int) -> list[np.ndarray]:
    """The index batches of one epoch: maps in shuffled order, again and again until there are enough batches.

    An epoch is a number of batches, not a pass over the maps, so that a small folder trains as long as a large one.
    The order depends on seed and epoch alone, so a resumed run repeats it.

    Example:
        >>> [sorted(batch.tolist()) for batch in batches(4, 4, 2, seed=0, epoch=0)]
        [[0, 1, 2, 3], [0, 1, 2, 3]]
    """
    chance = np.random.default_rng((seed, epoch))
    passes = -(-size * number // count)
    order = np.concatenate([chance.permutation(count) for _ in range(passes)])
    return list(order[: size * number].reshape(number, size))
