"""Can a classifier tell simulated maps from real ones? An area under the curve of .5 says no, 1 says always."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.metrics import roc_auc_score

from matpose.canvas import NATIVE
from matpose.datasets.splits import subject_groups
from matpose.errors import MatposeError
from matpose.evaluation.realism import map_measures
from matpose.evaluation.rivals import fit_logistic
from matpose.evaluation.small_cnn import fit_small_cnn
from matpose.mat import Mat


def real_or_simulated(
    real_kpa: np.ndarray,
    real_posture: np.ndarray,
    real_person: np.ndarray,
    simulated_kpa: np.ndarray,
    simulated_posture: np.ndarray,
    simulated_person: np.ndarray,
    mat: Mat,
    *,
    folds: int = 3,
    seed: int = 0,
) -> dict:
    """How well simulated maps are told from real ones; lower is better.

    As many maps are drawn of either kind in every posture, so that no posture gives a map away. Both kinds are
    parted by person: a classifier is tested on nobody it was trained on.

    Args:
        real_kpa, simulated_kpa: (N, rows, cols) canonical pressure on this mat, kPa, cleaned in the same way.
        real_posture, simulated_posture: (N,) str.
        real_person, simulated_person: (N,) str.
        mat: the mat of both.
        folds: tests, each on another part of the people.
        seed: of the draw and of the net.

    Returns:
        ``auc_small_cnn`` (root pressure over its peak, so shape alone) and ``auc_measures`` (logistic regression on
        :func:`~matpose.evaluation.realism.map_measures`), means over the folds; their values by fold; and
        ``n_each``, maps of either kind.

    Raises:
        MatposeError: postures that do not overlap, or fewer people than folds of either kind.
    """
    rng = np.random.default_rng(seed)
    chosen_real, chosen_simulated = _balanced(real_posture, simulated_posture, rng)
    real_kpa, simulated_kpa = real_kpa[chosen_real], simulated_kpa[chosen_simulated]
    kpa = np.concatenate((real_kpa, simulated_kpa)).astype(np.float32)
    label = np.repeat([0, 1], (len(real_kpa), len(simulated_kpa)))
    measures = np.stack(list(map_measures(kpa, mat).values()), 1)
    canvases = NATIVE.resample(kpa, mat)
    person_of = (real_person[chosen_real], simulated_person[chosen_simulated])
    by_fold: dict[str, list[float]] = {"small_cnn": [], "measures": []}
    for test in _folds(*person_of, folds):
        answers = {
            "small_cnn": fit_small_cnn(canvases[~test], label[~test], 2, seed)(canvases[test]),
            "measures": fit_logistic(measures[~test], label[~test], 2)(measures[test]),
        }
        for name, answer in answers.items():
            by_fold[name].append(float(roc_auc_score(label[test], answer[:, 1])))
    return {
        **{f"auc_{name}": float(np.mean(values)) for name, values in by_fold.items()},
        "by_fold": by_fold,
        "n_each": len(real_kpa),
    }


def _balanced(real: np.ndarray, simulated: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices of as many real as simulated maps in every posture that both have."""
    chosen: tuple[list[int], list[int]] = ([], [])
    for posture in np.intersect1d(real, simulated):
        of_posture = [np.flatnonzero(kind == posture) for kind in (real, simulated)]
        count = min(map(len, of_posture))
        for kind, indices in zip(chosen, of_posture, strict=True):
            kind.extend(rng.permutation(indices)[:count].tolist())
    if not chosen[0]:
        raise MatposeError("real and simulated maps share no posture", mend="give maps of the same postures")
    return np.array(chosen[0]), np.array(chosen[1])


def _folds(real_person: np.ndarray, simulated_person: np.ndarray, folds: int) -> Iterator[np.ndarray]:
    """Masks (N,) of the maps to test, real ones first."""
    groups = [subject_groups(person.tolist(), folds) for person in (real_person, simulated_person)]
    for real_group, simulated_group in zip(*groups, strict=True):
        yield np.concatenate((np.isin(real_person, real_group), np.isin(simulated_person, simulated_group)))
