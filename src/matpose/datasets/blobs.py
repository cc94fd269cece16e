"""Blob people as a dataset: drawn from a seed, so it needs no files."""

from __future__ import annotations

from collections.abc import Iterator

from matpose.datasets.splits import choose_subjects
from matpose.errors import DatasetError
from matpose.mat import preset
from matpose.recording import Recording
from matpose.simulate.blobs import blob_people

RECORDINGS_PER_SUBJECT = 8


def blobs(spec: str, *, subjects: str | None = None, mat: str = "pmatdata-i") -> Iterator[Recording]:
    """Recordings of made-up people with known points.

    Args:
        spec: "N" or "N:SEED": how many people, and the seed (0 if not given).
        subjects: "1-6,8".
        mat: the preset they lie on.

    Yields:
        ``RECORDINGS_PER_SUBJECT`` recordings a person, subjects "blobs/1", "blobs/2", ...

    Raises:
        DatasetError: a spec that is not of that form, or an absent subject.

    Example:
        >>> recordings = list(blobs("2:7", subjects="2"))
        >>> len(recordings), recordings[0].subject
        (8, 'blobs/2')
    """
    count, _, seed = spec.partition(":")
    if not (count.isascii() and count.isdigit() and int(count) > 0) or not (seed.isdigit() or seed == ""):
        raise DatasetError(f"'blobs:{spec}' is no dataset", mend="write blobs:N or blobs:N:SEED, e.g. blobs:20:1")
    wanted = choose_subjects(subjects, {"": range(1, int(count) + 1)})[""]
    yield from blob_people(wanted, RECORDINGS_PER_SUBJECT, seed=int(seed or 0), mat=preset(mat))
