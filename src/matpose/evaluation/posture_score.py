"""From probabilities to the figures of a posture table: by frame, recording and class, with an interval."""

from __future__ import annotations

import numpy as np

from matpose.evaluation.bootstrap import subject_bootstrap


def score(probabilities: np.ndarray, label: np.ndarray, subject: np.ndarray, recording: np.ndarray) -> dict:
    """Figures of one classifier over all tested frames.

    A class that is answered but never asked for (prone, in a test of three postures) is simply wrong.

    Args:
        probabilities: (S, N, C) of S seeds; the classes may be more than those in ``label``.
        label: (N,) int, the true classes.
        subject: (N,) str.
        recording: (N,) str; all frames of a recording share its label.

    Returns:
        ``accuracy``, ``balanced_accuracy`` (mean recall of the classes in ``label``) and
        ``accuracy_recordings`` (a recording answers by the mean probability of its frames), each the mean
        over seeds; ``accuracy_sd`` over seeds (None for one); ``wrong_recordings``: names wrong in half of
        the seeds or more; ``ci95`` of ``accuracy`` by subject bootstrap (None for one subject); counts.

    Example:
        >>> p = np.array([[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]])
        >>> who = np.array(["a", "a", "b"])
        >>> result = score(p, np.array([0, 0, 1]), who, who)
        >>> round(result["accuracy"], 3), result["balanced_accuracy"], result["wrong_recordings"]
        (0.667, 0.75, [])
    """
    correct = probabilities.argmax(-1) == label  # (S, N)
    asked = np.unique(label)
    recall = np.stack([correct[:, label == c].mean(1) for c in asked])  # (asked, S)

    names, first, which = np.unique(recording, return_index=True, return_inverse=True)
    votes = np.zeros((len(probabilities), len(names), probabilities.shape[-1]))
    for seed, frames in enumerate(probabilities):
        np.add.at(votes[seed], which, frames)
    wrong = votes.argmax(-1) != label[first]  # (S, R)

    by_seed = correct.mean(1)
    return {
        "accuracy": float(by_seed.mean()),
        "accuracy_sd": float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None,
        "balanced_accuracy": float(recall.mean()),
        "accuracy_recordings": float(1 - wrong.mean()),
        "wrong_recordings": names[wrong.mean(0) >= 0.5].tolist(),
        "ci95": subject_bootstrap(correct.mean(0), subject),
        "n_subjects": len(np.unique(subject)),
        "n_recordings": len(names),
        "n_frames": len(label),
    }


def confusion(probabilities: np.ndarray, label: np.ndarray) -> list[list[int]]:
    """Frames by true class (rows) and answer (columns), summed over the seeds: (S, N, C) -> C lists of C.

    Example:
        >>> confusion(np.array([[[0.9, 0.1], [0.4, 0.6]]]), np.array([0, 0]))
        [[1, 1], [0, 0]]
    """
    classes = probabilities.shape[-1]
    counts = np.zeros((classes, classes), dtype=int)
    answers = probabilities.argmax(-1)  # (S, N)
    np.add.at(counts, (np.broadcast_to(label, answers.shape), answers), 1)
    return counts.tolist()
