"""Simulated people as a dataset: made while they are asked for, so it needs no files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matpose.datasets.splits import MOST, choose_subjects
from matpose.errors import DatasetError
from matpose.mat import preset
from matpose.recording import Recording

RECORDINGS_PER_SUBJECT = 8

_SPEC = re.compile(r"(?P<count>[1-9]\d{0,5})(?::(?P<seed>\d{1,18}))?", re.ASCII)


def simulated(spec: str, *, subjects: str | None = None, mat: str = "pmatdata-i") -> Iterator[Recording]:
    """Recordings of simulated people with known joints, landmarks and body parts.

    The same as :func:`matpose.simulate.scene.draw_sample` gives, one after another in this process; for many
    thousands, `matpose simulate` writes a file with several.

    Args:
        spec: "N" or "N:SEED": how many people, and the seed (0 if not given).
        subjects: "1-6,8".
        mat: the preset they lie on.

    Yields:
        ``RECORDINGS_PER_SUBJECT`` recordings of one frame a person, each of the body lain down anew as sleepers
        choose; subjects "simulated/1", "simulated/2", ... Any one is the same whoever else is asked for.

    Raises:
        DatasetError: a spec that is not of that form, or an absent subject.
    """
    match = _SPEC.fullmatch(spec)
    if match is None or int(match["count"]) > MOST:
        raise DatasetError(
            f"'simulated:{spec}' is no dataset",
            mend=f"write simulated:N or simulated:N:SEED, e.g. simulated:20:1, with up to {MOST} people",
        )
    wanted = choose_subjects(subjects, {"": range(1, int(match["count"]) + 1)})[""]
    return _people(wanted, int(match["seed"] or 0), mat)


def _people(numbers: list[int], seed: int, mat: str) -> Iterator[Recording]:
    from matpose.simulate.generate import recording_of
    from matpose.simulate.scene import draw_sample  # needs MuJoCo, which other datasets do not

    bed = preset(mat)
    for number in numbers:
        for index in range(RECORDINGS_PER_SUBJECT):
            sample = draw_sample(number * RECORDINGS_PER_SUBJECT + index, seed=seed, mat=bed, person=number)
            yield recording_of(
                sample,
                bed,
                name=f"simulated/{number}/{index + 1}",
                subject=f"simulated/{number}",
                source="simulated",
                meta=dict(sample.facts),
            )
