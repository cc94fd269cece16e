"""How good named joints are: errors in cm by contact, PCKh, exchanged sides, and what confidence is worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from matpose.recording import JOINT_NAMES

TOLERANCE = 0.2  # of the head segment: the event that confidence foretells
SURE = 0.8  # share of joints kept for the selective error
BINS = 15

MIRRORED = [
    JOINT_NAMES.index(name.replace("left", "L").replace("right", "left").replace("L", "right")) for name in JOINT_NAMES
]
"""For every joint the index of the same joint on the other side."""


def joint_score(
    predicted_m: np.ndarray, true_m: np.ndarray, contact: np.ndarray, head_m: np.ndarray
) -> dict[str, float | None]:
    """Errors of named joints.

    Args:
        predicted_m, true_m: (N, 14, 2) metres, in the order of ``JOINT_NAMES``; a true joint that nobody knows is
            NaN, and does not count.
        contact: (N, 14) bool, whether the part at the joint presses on the mat.
        head_m: (N,) length of the head segment.

    Returns:
        Medians and 90th centiles in cm, in contact and off it; PCKh at .5 and .2; the share of people whose left and
        right limbs would be nearer the truth if exchanged.

    Example:
        >>> truth = np.random.default_rng(0).random((5, 14, 2))
        >>> found = joint_score(truth + [0.03, 0.04], truth, np.ones((5, 14), bool), np.full(5, 0.27))
        >>> round(found["contact_median_cm"], 6), found["pckh20"], found["off_contact_median_cm"]
        (5.0, 1.0, None)
    """
    error_m = np.linalg.norm(predicted_m - true_m, axis=-1)
    exchanged = np.linalg.norm(predicted_m[:, MIRRORED] - true_m, axis=-1)

    known = ~np.isnan(true_m).any(-1)
    within = {share: (error_m < share * head_m[:, None])[known] for share in (0.5, TOLERANCE)}

    def of(chosen: np.ndarray, centile: float) -> float | None:
        chosen = chosen & known
        return float(np.percentile(error_m[chosen], centile) * 100) if chosen.any() else None

    return {
        "mean_cm": float(error_m[known].mean() * 100),
        "median_cm": of(np.ones_like(contact), 50),
        "p90_cm": of(np.ones_like(contact), 90),
        "contact_median_cm": of(contact, 50),
        "contact_p90_cm": of(contact, 90),
        "off_contact_median_cm": of(~contact, 50),
        "off_contact_p90_cm": of(~contact, 90),
        "pckh50": float(within[0.5].mean()),
        "pckh20": float(within[TOLERANCE].mean()),
        "pckh20_sides_forgiven": float((np.minimum(error_m, exchanged) < TOLERANCE * head_m[:, None])[known].mean()),
        "exchanged_share": float((exchanged.sum(1, where=known) < error_m.sum(1, where=known)).mean()),
    }


def trust_score(confidence: np.ndarray, error_m: np.ndarray, tolerance_m: np.ndarray) -> dict[str, Any]:
    """What confidence is worth: does it foretell that a joint is within its tolerance?

    Args:
        confidence, error_m: alike shapes; 0..1, metres.
        tolerance_m: of a shape that goes with theirs.

    Returns:
        ``auroc`` of failure (None if all or none fail), ``ece`` (expected calibration error, equal-width bins), and
        ``selective``: mean error of the most confident four fifths over the mean error of all; ``curve``, of each
        bin that holds any joint the mean confidence ``said``, the share ``came`` within tolerance, and ``joints``.

    Example:
        >>> sure = np.array([0.9, 0.8, 0.2, 0.1])
        >>> found = trust_score(sure, np.array([0.01, 0.02, 0.1, 0.2]), np.full(4, 0.05))
        >>> found["auroc"]
        1.0
    """
    right = (error_m < tolerance_m).ravel()
    confidence, error_m = confidence.ravel(), error_m.ravel()
    bin_of = np.minimum((confidence * BINS).astype(int), BINS - 1)
    count = np.bincount(bin_of, minlength=BINS)
    said = np.bincount(bin_of, confidence, BINS)
    came = np.bincount(bin_of, right, BINS)
    keep = np.argsort(-confidence, kind="stable")[: max(1, round(SURE * len(confidence)))]
    return {
        "auroc": auroc(1 - confidence, ~right),
        "ece": float(np.abs(said - came).sum() / count.sum()),
        "selective": float(error_m[keep].mean() / max(error_m.mean(), 1e-12)),
        "curve": [
            {"said": said[bin] / count[bin], "came": came[bin] / count[bin], "joints": int(count[bin])}
            for bin in np.flatnonzero(count).tolist()
        ],
    }


def auroc(score: np.ndarray, event: np.ndarray) -> float | None:
    """Chance that the event's score is the higher of a pair's, ties counting half; None without both kinds.

    Args:
        score, event: alike shapes, whatever they are; numbers, bool.

    Example:
        >>> auroc(np.array([0.1, 0.4, 0.4]), np.array([False, True, False]))
        0.75
    """
    from scipy.stats import rankdata

    score, event = score.ravel(), event.ravel()
    yes = int(event.sum())
    no = len(event) - yes
    if not yes or not no:
        return None
    return float((rankdata(score)[event].sum() - yes * (yes + 1) / 2) / (yes * no))
