"""Adaptation: a trained model learns one mat from unlabelled recordings of it, and is taken only if it got no worse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from matpose.errors import DatasetError, MatposeError, ModelError
from matpose.mat import Mat
from matpose.recording import Recording
from matpose.training.adapt_figures import Figures, on_own, on_simulated, worse
from matpose.training.adapt_fit import EPOCHS, STEPS, fit_mat
from matpose.training.data import collect_maps
from matpose.training.learned_from import LearnedFrom
from matpose.training.mat_maps import mat_maps
from matpose.training.model_file import TrainedModel

Told = Callable[[str, int, int], object]

LEARN, CHOOSE, JUDGE = 240, 60, 80  # bodies; whoever judges took no part in the learning nor in the choice of an epoch
READINGS = 3  # maps of each body
POPULATION = 710_000  # seeds from here on are of people whom no other training draws
FEWEST, MOST = 6, 600  # frames of a recording; between these one a minute
ENOUGH = 16  # maps
MEASURED = 64  # of the user's maps


@dataclass(frozen=True)
class Adapted:
    """What came of an adaptation.

    Args:
        model: the adapted model, if it got no worse; else the one that was given, as it was.
        before, after: figures of both, all better small; see :mod:`matpose.training.adapt_figures`.
        worse: names of the figures that got worse; where there is one, the old model was kept.
        recordings, maps: how much was learned from.
    """

    model: TrainedModel
    before: Figures
    after: Figures
    worse: tuple[str, ...]
    recordings: int
    maps: int

    @property
    def accepted(self) -> bool:
        """Whether the model is the adapted one."""
        return not self.worse


def adapt(
    model: TrainedModel,
    recordings: Iterable[Recording],
    *,
    seed: int = 0,
    progress: Told = lambda what, done, total: None,
) -> Adapted:
    """Adapt a model to a mat, on one core in minutes.

    People are simulated on exactly that mat. From some of them the model learns joints, from the recordings that what
    it says of two views of a map agrees and that the map can be rebuilt from its points. On other simulated people,
    and by the points' equivariance on the user's maps, it must be no worse than it was.

    Args:
        model: with a joint head; it is not changed.
        recordings: of one mat, read once; no label of theirs is looked at.
        seed: of all chance: the same seed gives the same model on the same machine with as many threads.
        progress: told what is going on, how much of it is done, and of how much.

    Raises:
        ModelError: a model without named joints.
        DatasetError: recordings of several mats, or too few usable frames.
        MatposeError: the mat's pitch is not known.
    """
    if model.joints is None:
        raise ModelError(
            "this model names no joints, and simulated people teach and judge joints",
            mend="adapt a model with a joint head, such as the one that ships",
        )
    canvas, notes = model.recipe.canvas, LearnedFrom()
    mats: list[Mat] = []
    own = collect_maps(
        (thinned(recording) for recording in _of_one_mat(notes.passing(recordings), mats)),
        canvas, frames_per_recording=None, presence_mmhg=model.recipe.presence_mmhg,
    )  # fmt: skip
    if len(own) < ENOUGH:
        raise DatasetError(
            f"{len(own)} usable frames are too few to learn a mat from",
            mend=f"give {ENOUGH} or more, of several people and postures",
        )
    bodies = LEARN + CHOOSE + JUDGE
    people = mat_maps(
        mats[0], bodies, canvas, readings=READINGS, seed=POPULATION + seed,
        progress=lambda done: progress("simulating people", done, bodies),
    )  # fmt: skip
    labelled, chosen_on, judged_on = (
        people.select((people.body >= first) & (people.body < first + count))
        for first, count in ((0, LEARN), (LEARN, CHOOSE), (LEARN + CHOOSE, JUDGE))
    )
    some = own.pressure[np.linspace(0, len(own) - 1, min(MEASURED, len(own))).round().astype(int)]
    net = deepcopy(model.joints)
    before = on_simulated(net, judged_on, canvas) | on_own(net, some, canvas)
    fit_mat(
        net, model.recipe, labelled, own, chosen_on, seed=seed,
        progress=lambda done: progress("learning the mat", done, EPOCHS * STEPS),
    )  # fmt: skip
    after = on_simulated(net, judged_on, canvas) | on_own(net, some, canvas)
    got_worse = worse(before, after)
    count = len(set(own.recording.tolist()))
    if got_worse:
        return Adapted(model, before, after, got_worse, count, len(own))
    said = {
        "mat": notes.mats[0], "recordings": count, "maps": len(own), "subjects": len(own.subjects),
        "before": before, "after": after, "seed": seed,
    }  # fmt: skip
    facts = model.facts
    facts = facts | {
        "adapted_on": [*facts.get("adapted_on", []), said],
        # whoever asks whether the model saw somebody looks here
        "train_subjects": sorted({*facts.get("train_subjects", []), *own.subjects}),
        "mats": [*facts.get("mats", []), *(mat for mat in notes.mats if mat not in facts.get("mats", []))],
    }
    return Adapted(replace(model, efd=net.efd, joints=net, facts=facts), before, after, (), count, len(own))


def thinned(recording: Recording) -> Recording:
    """One frame a minute, evenly spaced; of a short recording a few more, of a very long one a few less.

    Example:
        >>> night = Recording(np.ones((900, 2, 2)), Mat(2, 2, 0.03, 0.03), "kPa", np.arange(900.0), np.zeros(900, int))
        >>> len(thinned(night)), len(thinned(night.select(slice(4))))
        (14, 4)
    """
    count = min(len(recording), MOST, max(FEWEST, int(recording.duration_s // 60)))
    return recording.select(np.linspace(0, len(recording) - 1, count).round().astype(int))


def _of_one_mat(recordings: Iterable[Recording], mats: list[Mat]) -> Iterator[Recording]:
    """Pass recordings on, and note the first one's mat; another mat's recording is an error."""
    for recording in recordings:
        mat = recording.mat
        if not mats:
            mats.append(mat)
            mat.pitch_m  # noqa: B018  # where it is not known, that is said at once
        first = mats[0]
        if (mat.rows, mat.cols, mat.pitch_m) != (first.rows, first.cols, first.pitch_m):
            raise MatposeError(
                f"this is of a mat of {_size(mat)}, the recordings before are of one of {_size(first)}",
                mend="adapt one model to each mat, with the recordings of that mat alone",
                path=recording.source or recording.name,
            )
        yield recording


def _size(mat: Mat) -> str:
    pitch_y_m, pitch_x_m = mat.pitch_m
    return f"{mat.rows} x {mat.cols} cells of {1000 * pitch_y_m:g} x {1000 * pitch_x_m:g} mm"
