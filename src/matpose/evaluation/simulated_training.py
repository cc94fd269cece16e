"""Posture classifiers trained on simulated maps alone and tested on real ones: what the simulator is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from matpose.errors import MatposeError
from matpose.evaluation import rivals
from matpose.evaluation.classifier_fit import fit_classifier
from matpose.evaluation.posture_frames import LabelledFrames
from matpose.evaluation.posture_score import confusion, score
from matpose.evaluation.small_cnn import small_cnn
from matpose.nn.warp import random_warp

BLUR_CELLS = 1.0  # finer than this, real and simulated maps differ most
PRESENT = 0.05  # of the force-weighted mean pressure, about 1 mmHg under an adult: raw counts have no other scale

EPOCHS = 20
TURN_DEG, SCALE, SHIFT, BEND = 10.0, 0.12, 0.06, 0.03  # of the training maps, anew at every look
GAMMA = 0.4

Input = Callable[[np.ndarray], np.ndarray]


def root_pressure(canvases: np.ndarray) -> np.ndarray:
    """Root of pressure over its peak: (N, H, W), any unit -> (N, H, W) in 0..1."""
    return rivals.sqrt_pressure(canvases).reshape(canvases.shape)


def blurred_ranks(canvases: np.ndarray) -> np.ndarray:
    """Rank of each loaded cell of the blurred map among these, so that no gain curve matters: (N, H, W) in 0..1.

    Example:
        >>> maps = np.random.default_rng(0).gamma(1.0, 1.0, (2, 16, 8))
        >>> ranks = blurred_ranks(maps)
        >>> bool(ranks.max() == 1.0), np.allclose(ranks, blurred_ranks(7 * maps))
        (True, True)
    """
    blurred = gaussian_filter(canvases.astype(np.float64), (0, BLUR_CELLS, BLUR_CELLS), mode="constant")
    loaded = presence(blurred) > 0
    flat = np.where(loaded, blurred, 0).reshape(len(blurred), -1)
    below = flat.shape[1] - loaded.sum((1, 2))[:, None]  # cells without load share the lowest ranks
    ranks = (rankdata(flat, axis=1) - below) / np.maximum(flat.shape[1] - below, 1)
    return np.where(loaded, ranks.reshape(loaded.shape), 0)


def presence(canvases: np.ndarray) -> np.ndarray:
    """1 where a cell bears a twentieth of the force-weighted mean or more: the outline alone, (N, H, W).

    Example:
        >>> presence(np.array([[[0.0, 0.1, 4.0]]])).tolist()
        [[[0.0, 0.0, 1.0]]]
    """
    positive = np.clip(canvases, 0, None)
    typical = (positive**2).sum((1, 2)) / positive.sum((1, 2)).clip(1e-12)
    return ((positive > 0) & (positive >= PRESENT * typical[:, None, None])).astype(np.float64)


INPUTS: dict[str, Input] = {"root pressure": root_pressure, "blurred ranks": blurred_ranks, "presence": presence}


def posture_from_simulated(simulated: LabelledFrames, real: LabelledFrames, *, seeds: Iterable[int] = (0,)) -> dict:
    """Train on simulated maps, answer for real ones: small CNNs on three inputs, and two plain rivals.

    A posture that only the simulated maps have (prone) can be answered, and is then an error.

    Args:
        simulated: maps to train on; all frames, without regard to ``fit``.
        real: maps to test; the same ``classes``.
        seeds: of the nets.

    Returns:
        JSON-able: ``classes``; ``rows``, each ``name``, ``confusion`` (rows are the truth, summed over seeds) and the
        figures of :func:`matpose.evaluation.posture_score.score`. "all nets together" averages the chances of the
        nets on all inputs, of all seeds.

    Raises:
        MatposeError: other classes, another grid, or no maps to train on or to test.
    """
    if simulated.classes != real.classes:
        raise MatposeError("simulated and real maps number their postures differently", mend="give both one `classes`")
    if not len(simulated.label) or not len(real.label):
        raise MatposeError("there are no maps to train on or to test", mend="give simulated and real maps")
    if simulated.canvases.shape[1:] != real.canvases.shape[1:]:
        raise MatposeError("simulated and real maps lie on different grids", mend="resample both to one canvas")
    classes = len(simulated.classes)
    answers = {
        f"small CNN, {name}": np.stack(
            [
                _cnn_answer(prepare(simulated.canvases), simulated.label, prepare(real.canvases), classes, s)
                for s in seeds
            ]
        )
        for name, prepare in INPUTS.items()
    }
    answers["small CNNs, all nets together"] = np.concatenate(list(answers.values())).mean(0, keepdims=True)
    for name, fit in (
        ("logistic regression, raw pixels", rivals.fit_raw_pixels),
        ("HOG + nearest neighbour", rivals.fit_hog_knn),
    ):
        answers[name] = fit(simulated.canvases, simulated.label, classes)(real.canvases)[None]
    return {
        "classes": list(simulated.classes),
        "rows": [
            {
                "name": name,
                **score(answer, real.label, real.subject, real.recording),
                "confusion": confusion(answer, real.label),
            }
            for name, answer in answers.items()
        ],
    }


def _cnn_answer(pictures: np.ndarray, label: np.ndarray, test: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """Probabilities (M, classes) for the test pictures; the global random state is left as it was."""
    train, unseen = (torch.as_tensor(maps, dtype=torch.float32)[:, None] for maps in (pictures, test))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = small_cnn(classes)
        generator = torch.Generator().manual_seed(seed)
        fit_classifier(
            net,
            lambda index: (_varied(train[index], generator),),
            torch.as_tensor(np.asarray(label, np.int64)),
            epochs=EPOCHS,
        )
    with torch.no_grad():
        return torch.cat([net(some).double().softmax(1) for some in unseen.split(256)]).numpy()


def _varied(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Warped a little, and of another contrast: (B, 1, H, W) in 0..1."""
    count, _, height, width = pictures.shape
    warp = random_warp(
        count, width / height, generator, turn_deg=TURN_DEG, scale=SCALE, shift=SHIFT, bend=BEND
    )  # fmt: skip
    contrast = 1 + GAMMA * (torch.rand(count, 1, 1, 1, generator=generator) - 0.5)
    return warp.maps(pictures).clamp(0, 1) ** contrast
