"""Blob people: pressure maps of jointed skeletons, drawn in a millisecond, with every joint known.

No physics: each contact patch is a Gaussian of the weight it bears. Good for tests, for training's first
steps and for checking conventions; not a measure of realism.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from matpose.errors import MatposeError
from matpose.faults import TOUCHED
from matpose.mat import Mat, preset
from matpose.quality import assess
from matpose.recording import JOINT_NAMES, Recording
from matpose.simulate.patches import Patches, contact_patches
from matpose.simulate.person import Person
from matpose.simulate.skeletons import fitted, lie_down

GRAVITY = 9.81
POSTURES = {"supine": 0.4, "left": 0.25, "right": 0.25, "prone": 0.1}
GAIN_SD = 0.05  # of each cell
NOISE_KPA = 0.03  # of each reading
THRESHOLD_KPA = 0.1  # readings below come out as zero
BLUR_CELLS = 0.4
SWAY_M = 0.0015  # between frames, of every joint
BREATH = 0.06  # of the trunk's load
BREATHS_PER_S = 0.25


def blob_recording(
    seed: int | tuple[int, ...],
    *,
    mat: Mat | None = None,
    posture: str | None = None,
    frames: int = 8,
    subject: Person | None = None,
) -> Recording:
    """One person in one posture for some seconds, breathing and swaying a little; 1 Hz.

    The force over the mat is the body's weight, within 5 % of sensor error.

    Args:
        seed: the same seed gives the same recording.
        mat: where they lie; the preset "pmatdata-i" if not given.
        posture: one of ``POSTURES``; else drawn as sleepers choose.
        frames: how many.
        subject: who; else drawn. Made smaller where the mat is too short.

    Returns:
        A recording in kPa with posture, joints, contact and parts.

    Raises:
        MatposeError: another posture, or a mat without pitch or too small.

    Example:
        >>> rec = blob_recording(0, posture="left")
        >>> rec.frames.shape, str(rec.posture[0]), rec.joints_m.shape
        ((8, 64, 32), 'left', (8, 14, 3))
    """
    rng = np.random.default_rng(seed)
    mat = preset("pmatdata-i") if mat is None else mat
    person = fitted(subject or Person.drawn(rng, "blobs/1"), mat)
    if posture is None:
        posture = str(rng.choice(list(POSTURES), p=list(POSTURES.values())))
    if posture not in POSTURES:
        raise MatposeError(f"blob people cannot be {posture!r}", mend=f"use {', '.join(POSTURES)}")
    at_rest = lie_down(person, posture, mat, rng)
    joints_m = np.repeat(at_rest[None], frames, 0)
    joints_m[..., :2] += rng.normal(0, SWAY_M, (frames, len(JOINT_NAMES), 2))
    patches = contact_patches(posture, rng)
    time_s = np.arange(frames, dtype=np.float64)
    share = _breathing(patches, time_s + rng.uniform(0, 4))
    force_n = person.mass_kg * GRAVITY
    clean = _pressure_kpa(patches, joints_m, share * force_n, person, mat)
    gain = rng.lognormal(0, GAIN_SD, clean.shape[1:])
    noisy = clean * gain + rng.normal(0, NOISE_KPA, clean.shape)
    noisy[(noisy < THRESHOLD_KPA) | (clean < THRESHOLD_KPA / 2)] = 0
    noisy = noisy.astype(np.float32)
    parts = _parts(patches, joints_m[:1], share[:1] * force_n, person, mat)
    return assess(
        Recording(
            frames=noisy,
            mat=mat,
            unit="kPa",
            time_s=time_s,
            flags=np.zeros(frames, np.uint16),
            name=f"blob-{seed}",
            subject=person.name,
            posture=np.full(frames, posture),
            joints_m=joints_m.astype(np.float32),
            joint_contact=np.repeat(patches.contact[None], frames, 0),
            parts=np.where(noisy > TOUCHED, parts, 0).astype(np.uint8),
            meta={"stature_m": f"{person.stature_m:.3f}", "mass_kg": f"{person.mass_kg:.1f}"},
        )
    )


def blob_people(
    subjects: int | Iterable[int], recordings_per_subject: int, seed: int = 0, mat: Mat | None = None
) -> Iterator[Recording]:
    """Several recordings each of several people; any one of them is the same whoever else is asked for.

    Args:
        subjects: how many people, or the numbers of those wanted, from 1.
        recordings_per_subject: how many each; they cycle through supine, left, right and prone.
        seed: another seed gives other people.
        mat: the preset "pmatdata-i" if not given.

    Example:
        >>> [rec.name for rec in blob_people(2, 2)]
        ['blobs/1/1', 'blobs/1/2', 'blobs/2/1', 'blobs/2/2']
    """
    order = list(POSTURES)
    for number in range(1, subjects + 1) if isinstance(subjects, int) else subjects:
        person = Person.drawn(np.random.default_rng((seed, number)), f"blobs/{number}")
        for index in range(recordings_per_subject):
            recording = blob_recording(
                (seed, number, index + 1), mat=mat, posture=order[index % len(order)], subject=person
            )
            yield replace(recording, name=f"{person.name}/{index + 1}")


def _breathing(patches: Patches, time_s: np.ndarray) -> np.ndarray:
    """Share of the weight on every patch in every frame: (T, N), each frame adding up to 1."""
    upper = np.isin(patches.part, (4, 21))
    swing = 1 + BREATH * np.sin(2 * np.pi * BREATHS_PER_S * time_s)
    share = np.where(upper, swing[:, None], 1.0) * np.array(patches.share)
    return share / share.sum(1, keepdims=True)


def _profiles(patches: Patches, joints_m: np.ndarray, person: Person, mat: Mat) -> tuple[np.ndarray, np.ndarray]:
    """Every patch's spread along and across the mat, each adding up to 1: (T, N, rows), (T, N, cols)."""
    centre_m = np.einsum("nj,tjc->tnc", np.array(patches.mix), joints_m[..., :2])
    build = np.sqrt(person.mass_kg / person.stature_m / 43)  # heavier people press on wider patches
    radius_m = np.array(patches.radius) * person.stature_m * build
    profiles = []
    for cells, pitch_m, axis in ((mat.rows, mat.pitch_m[0], 1), (mat.cols, mat.pitch_m[1], 0)):
        at_m = (np.arange(cells) + 0.5) * pitch_m
        # a patch over the edge of the mat rests on the edge
        middle_m = np.clip(centre_m[..., axis], 0, cells * pitch_m)
        variance = radius_m**2 + (1 / 12 + BLUR_CELLS**2) * pitch_m**2
        spread = np.exp(-((at_m - middle_m[..., None]) ** 2) / (2 * variance[:, None]))
        profiles.append(spread / spread.sum(-1, keepdims=True))
    return profiles[0], profiles[1]


def _pressure_kpa(patches: Patches, joints_m: np.ndarray, force_n: np.ndarray, person: Person, mat: Mat) -> np.ndarray:
    """Sum of all patches: (T, rows, cols)."""
    along, across = _profiles(patches, joints_m, person, mat)
    force = np.matmul((along * force_n[..., None]).transpose(0, 2, 1), across)
    return force / (1000 * mat.pitch_m[0] * mat.pitch_m[1])


def _parts(patches: Patches, joints_m: np.ndarray, force_n: np.ndarray, person: Person, mat: Mat) -> np.ndarray:
    """The part that presses most on every cell: (rows, cols) uint8, without regard to contact."""
    along, across = _profiles(patches, joints_m, person, mat)
    part = np.array(patches.part)
    codes = np.unique(part)
    along = along[0] * force_n[0][:, None]
    by_part = np.stack([along[part == code].T @ across[0][part == code] for code in codes])
    return codes[by_part.argmax(0)].astype(np.uint8)
