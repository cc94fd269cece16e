"""Does an exported file answer as its torch module does?"""

from __future__ import annotations

import numpy as np

from matpose.canvas import Canvas
from matpose.errors import ModelError
from matpose.mat import preset
from matpose.runtime.found import Backend, Found
from matpose.simulate.blobs import blob_recording

PARITY = 1e-4
"""Largest difference of any output: normalised coordinates, metres and probabilities."""

PEOPLE = 24


def parity_maps(canvas: Canvas) -> np.ndarray:
    """Maps of people, and of what is not one, on which two backends are compared.

    Args:
        canvas: the model's.

    Returns:
        (N, H, W) float32: people, the same in other units, an empty bed, one loaded cell, an even load, noise.

    Example:
        >>> parity_maps(Canvas()).shape
        (35, 64, 32)
    """
    mat = preset("pmatdata-i")
    people = np.concatenate([canvas.resample(blob_recording(seed, frames=1).frames, mat) for seed in range(PEOPLE)])
    empty, one_cell = np.zeros((2, 1, canvas.rows, canvas.cols), np.float32)
    one_cell[0, canvas.rows // 3, canvas.cols // 3] = 5
    noise = np.random.default_rng(0).gamma(0.5, 2.0, (4, canvas.rows, canvas.cols))
    others = (people[:2] * 1e-6, people[:2] * 1e6, empty, one_cell, empty + 2, noise)
    return np.concatenate((people, *others)).astype(np.float32)


def differences(expected: Found, found: Found) -> dict[str, float]:
    """Largest absolute difference of every output; infinite where shapes differ or an answer is not a number.

    Example:
        >>> zero = Found(*[np.zeros(1)] * 6)
        >>> differences(zero, zero._replace(posture=np.array([np.nan])))["posture"]
        inf
    """
    return {name: _difference(a, b) for name, a, b in zip(Found._fields, expected, found, strict=True)}


def check_parity(expected: Found, backend: Backend, maps: np.ndarray) -> dict[str, float]:
    """Compare a backend with what is expected of it, for a frame alone and for all together.

    Args:
        expected: the torch module's answer to all maps.
        backend: of the exported file.
        maps: (N, H, W) float32.

    Returns:
        Largest absolute difference of every output.

    Raises:
        ModelError: one is above ``PARITY``.
    """
    singly = [backend(one_map[None]) for one_map in maps]
    alone = Found(*(np.concatenate(values) for values in zip(*singly, strict=True)))
    by_frame, by_batch = differences(expected, alone), differences(expected, backend(maps))
    parity = {name: max(by_frame[name], by_batch[name]) for name in Found._fields}
    worst = max(parity, key=lambda name: parity[name])
    if parity[worst] > PARITY:
        raise ModelError(
            f"the exported model differs from the trained one by {parity[worst]:.1e} in {worst}, above {PARITY:g}",
            mend="train longer, so that points do not lie on each other, and export again",
        )
    return parity


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    return float(np.abs(a - b).max(initial=0.0))
