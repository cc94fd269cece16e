"""Datasets: iterators of labelled recordings, named by one short text."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from inspect import signature

from matpose.errors import DatasetError
from matpose.recording import Recording

KINDS = ("pmatdata", "hlppdat", "slp", "smal", "tip", "blobs", "simulated", "folder")
"""Each is a function of that name in the module of that name."""


def load(spec: str, *, subjects: str | None = None, **options) -> Iterator[Recording]:
    """The recordings of a dataset, one after another.

    Args:
        spec: "pmatdata:PATH", "hlppdat:PATH", "slp:PATH", "smal:PATH", "tip:PATH", "blobs:N", "blobs:N:SEED",
            "simulated:N", "simulated:N:SEED", or the path of a file or folder of one's own recordings.
        subjects: the subjects to take, as the dataset writes them ("1-6,8", "i:1-6;ii:1-2"); None for all.
        options: what the dataset takes besides; for one's own files the options of :func:`matpose.read`.
            Options that are None, False or 0 count as not given.

    Yields:
        Labelled recordings. Flagged frames are among them: their users drop them.

    Raises:
        DatasetError: an unknown dataset, an option it does not take, or a folder that does not hold it.

    Example:
        >>> recordings = list(load("blobs:2"))
        >>> recordings[0].subject, recordings[0].joints_m.shape[1:]
        ('blobs/1', (14, 3))
    """
    kind, colon, place = spec.partition(":")
    if not colon or kind not in KINDS:
        kind, place = "folder", spec
    read_dataset = getattr(import_module(f"matpose.datasets.{kind}"), kind)
    given = {name: value for name, value in (options | {"subjects": subjects}).items() if value not in (None, False)}
    takes = signature(read_dataset).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values())
    if not open_ended and (foreign := [name for name in given if name not in takes]):
        accepted = ", ".join(name for name in list(takes)[1:]) or "none"
        raise DatasetError(f"{kind} takes no {', '.join(foreign)}", mend=f"leave it out; its options are {accepted}")
    return read_dataset(place, **given)
