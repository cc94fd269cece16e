"""Posture protocols: who trains, who is tested. Nobody is on both sides; nothing is chosen on the tested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matpose.errors import MatposeError
from matpose.evaluation.posture_frames import LabelledFrames
from matpose.evaluation.posture_rows import Row, Seen, standard_rows
from matpose.evaluation.posture_score import confusion, score

Encode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Canvases (N, H, W) to points (N, K, 2) in [-1, 1] over the canvas, and features (N, K, f)."""

EncoderFor = Callable[[frozenset[str]], tuple[Encode, bool]]
"""Held-out people to an encoder, and whether it has seen any of them in its own training."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Fold:
    """One training and its test.

    Args:
        name: who or what is held out.
        train, test: indices into the frames.
        seen_train, seen_test: what a row may look at there.
        encoder_saw: whether the encoder was trained on test people.
    """

    name: str
    train: np.ndarray
    test: np.ndarray
    seen_train: Seen
    seen_test: Seen
    encoder_saw: bool


def leave_one_subject_out(
    frames: LabelledFrames,
    encoder_for: EncoderFor,
    groups: Iterable[frozenset[str]],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    rows: Sequence[Row] | None = None,
    progress: Progress | None = None,
) -> dict:
    """Test every person with classifiers trained on all others.

    Args:
        frames: the frames.
        encoder_for: called once a group. A strict caller trains an encoder without the group's people; a
            quick one returns the same encoder each time and says whom it has seen.
        groups: the people to test, in disjoint groups that share an encoder. People in no group only train.
        seeds: of the classifiers; figures are means over them.
        rows: of the table, exactly one primary; by default :func:`standard_rows`.
        progress: told each classifier before it trains.

    Returns:
        ``{"seeds", "classes", "rows": [...], "confusion": [[...]]}``; a row's figures are those of
        :func:`matpose.evaluation.posture_score.score` and ``name``, ``primary``, ``uses_points``,
        ``encoder_saw_test_subjects``; ``confusion`` is the primary row's: true class by answer,
        summed over seeds.

    Raises:
        MatposeError: a person in two groups or without frames, or not exactly one primary row.
    """
    groups = [frozenset(group) for group in groups]
    people = sorted(person for group in groups for person in group)
    if len(set(people)) < len(people) or not set(people) <= set(frames.subject.tolist()):
        raise MatposeError(f"cannot test the people {people}", mend="name each person of the frames at most once")

    def folds() -> Iterator[Fold]:
        for group in groups:
            needed = np.flatnonzero(frames.fit | (frames.test & np.isin(frames.subject, sorted(group))))
            seen, saw = _see(frames.canvases[needed], *encoder_for(group))
            for person in sorted(group):
                theirs = frames.subject[needed] == person
                train, test = frames.fit[needed] & ~theirs, frames.test[needed] & theirs
                yield Fold(person, needed[train], needed[test], seen.at(train), seen.at(test), saw)

    return _table(frames, folds(), seeds, rows, progress)


def train_and_test(
    frames: LabelledFrames,
    encoder_for: EncoderFor,
    train: np.ndarray,
    test: np.ndarray,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    rows: Sequence[Row] | None = None,
    progress: Progress | None = None,
    known_people: bool = False,
) -> dict:
    """Train on some frames and test on others: another mat, other people.

    Args:
        frames: the frames.
        encoder_for: asked once, for the tested people.
        train: (N,) bool; of these, the frames marked ``fit`` train.
        test: (N,) bool, the frames to test.
        seeds, rows, progress: as for :func:`leave_one_subject_out`.
        known_people: let frames of tested people train too: the same people on another mat.

    Returns:
        As :func:`leave_one_subject_out`.

    Raises:
        MatposeError: a person on both sides, or a side without frames.
    """
    train, test = train & frames.fit, test & frames.test
    both = set(frames.subject[train].tolist()) & set(frames.subject[test].tolist())
    if known_people:
        both.clear()
    if both or not train.any() or not test.any():
        problem = f"{', '.join(sorted(both))} would train and be tested" if both else "no frames to train or to test"
        raise MatposeError(problem, mend="choose other people for the test than for the training")
    encode, saw = encoder_for(frozenset(frames.subject[test].tolist()))
    seen_train, seen_test = (_see(frames.canvases[side], encode, saw)[0] for side in (train, test))
    fold = Fold("test", np.flatnonzero(train), np.flatnonzero(test), seen_train, seen_test, saw)
    return _table(frames, [fold], seeds, rows, progress)


def _see(canvases: np.ndarray, encode: Encode, saw: bool) -> tuple[Seen, bool]:
    xy_norm, features = encode(canvases)
    if not (np.isfinite(xy_norm).all() and np.isfinite(features).all()):
        raise MatposeError("the encoder's points are not finite", mend="leave out the flagged frames")
    _, rows, cols = canvases.shape
    isotropic = np.asarray(xy_norm, np.float32) * np.array([cols / rows, 1], np.float32)  # half canvas heights
    return Seen(canvases, isotropic, np.asarray(features, np.float32)), saw


def _table(
    frames: LabelledFrames,
    folds: Iterable[Fold],
    seeds: Sequence[int],
    rows: Sequence[Row] | None,
    progress: Progress | None,
) -> dict:
    rows = standard_rows() if rows is None else rows
    if sum(row.primary for row in rows) != 1 or not seeds:
        raise MatposeError("a posture table needs one primary row and a seed", mend="mark one row as primary")
    classes = len(frames.classes)
    found = np.zeros((len(rows), len(seeds), len(frames.label), classes))
    tested = np.zeros(len(frames.label), bool)
    saw = False
    for fold in folds:
        tested[fold.test] = True
        saw = saw or fold.encoder_saw
        for r, row in enumerate(rows):
            for s, seed in enumerate(seeds if row.seeded else seeds[:1]):
                if progress:
                    progress(f"{fold.name}: {row.name}, seed {seed}" if row.seeded else f"{fold.name}: {row.name}")
                answer = row.fit(fold.seen_train, frames.label[fold.train], classes, seed)
                found[r][s:, fold.test] = answer(
                    fold.seen_test
                )  # stands for all seeds to come where they change nothing
    about = frames.label[tested], frames.subject[tested], frames.recording[tested]
    primary = next(r for r, row in enumerate(rows) if row.primary)
    return {
        "seeds": list(seeds),
        "classes": list(frames.classes),
        "rows": [
            {"name": row.name, "primary": row.primary}
            | score(found[r][: len(seeds) if row.seeded else 1, tested], *about)
            | {"uses_points": row.uses_encoder, "encoder_saw_test_subjects": saw and row.uses_encoder}
            for r, row in enumerate(rows)
        ],
        "confusion": confusion(found[primary][:, tested], frames.label[tested]),
    }
