"""Splits by subject, never by frame: frames of one person on both sides of a split prove nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from matpose.errors import DatasetError

_PART = re.compile(r"(?:(?P<name>[a-z]\w*):)?(?P<numbers>\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)", re.ASCII)
MOST = 100_000


def parse_subjects(selection: str) -> dict[str, frozenset[int]]:
    """Read a choice of subjects, in the folder numbers of each experiment.

    Args:
        selection: numbers and ranges, "1-6,8"; for one experiment, "i:1-6,8"; for several, "i:1-6;ii:1-2".

    Returns:
        Experiment to numbers; "" stands for every experiment.

    Raises:
        DatasetError: not of that form.

    Example:
        >>> {name: sorted(numbers) for name, numbers in parse_subjects("i:1-3,8;ii:2").items()}
        {'i': [1, 2, 3, 8], 'ii': [2]}
    """
    chosen: dict[str, frozenset[int]] = {}
    for part in selection.replace(" ", "").split(";"):
        match = _PART.fullmatch(part)
        if match is None:
            raise DatasetError(
                f"{part or selection!r} is no choice of subjects",
                mend='write it as "1-6,8" or "i:1-6;ii:1-2"',
            )
        numbers: set[int] = set()
        for item in match["numbers"].split(","):
            first, _, last = item.partition("-")
            low, high = int(first), int(last or first)
            if not low <= high <= MOST:
                raise DatasetError(f"{item!r} is no range of subjects", mend=f"write lower-upper, up to {MOST}")
            numbers.update(range(low, high + 1))
        name = match["name"] or ""
        chosen[name] = chosen.get(name, frozenset()) | numbers
    return chosen


def choose_subjects(selection: str | None, there: Mapping[str, Iterable[int]]) -> dict[str, list[int]]:
    """The chosen ones among the subjects that are there.

    Args:
        selection: as for :func:`parse_subjects`; None takes everyone.
        there: numbers of the subjects found, by experiment ("" for a dataset of one).

    Returns:
        Sorted numbers by experiment.

    Raises:
        DatasetError: somebody chosen is not there.

    Example:
        >>> choose_subjects("i:2-3", {"i": [1, 2, 3], "ii": [1, 2]})
        {'i': [2, 3], 'ii': []}
    """
    found = {name: set(numbers) for name, numbers in there.items()}
    if selection is None:
        return {name: sorted(numbers) for name, numbers in found.items()}
    wanted = parse_subjects(selection)
    for part, numbers in wanted.items():
        available = set().union(*(have for name, have in found.items() if part in ("", name)))
        if missing := sorted(numbers - available):
            where = f"experiment {part!r}" if part else "the dataset"
            raise DatasetError(
                f"{where} has no subject {', '.join(map(str, missing[:10]))}",
                mend=f"choose among {', '.join(map(str, sorted(available))) or 'none: the folder is empty'}",
            )
    everywhere = wanted.get("", frozenset())
    return {name: sorted(numbers & (wanted.get(name, frozenset()) | everywhere)) for name, numbers in found.items()}


def leave_one_subject_out(subjects: Iterable[str]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Every subject in turn as the test set.

    Args:
        subjects: the subject of each item.

    Yields:
        (subject left out, indices of training items, indices of test items).

    Example:
        >>> folds = leave_one_subject_out(["b", "a", "b"])
        >>> [(out, train.tolist(), test.tolist()) for out, train, test in folds]
        [('a', [0, 2], [1]), ('b', [1], [0, 2])]
    """
    who = np.array(list(subjects), dtype=object)
    for subject in _in_order(who):
        out = who == subject
        yield subject, np.flatnonzero(~out), np.flatnonzero(out)


def subject_groups(subjects: Iterable[str], n: int) -> list[list[str]]:
    """Deal the subjects into ``n`` groups with about as many items each; the same every time.

    Args:
        subjects: the subject of each item.
        n: number of groups.

    Raises:
        DatasetError: fewer subjects than groups.

    Example:
        >>> subject_groups(["a", "a", "a", "b", "b", "c"], 2)
        [['a'], ['b', 'c']]
    """
    who = list(subjects)
    names = _in_order(who)
    if not 1 <= n <= len(names):
        raise DatasetError(f"{len(names)} subjects cannot make {n} groups", mend="ask for one group a subject or fewer")
    items = {name: who.count(name) for name in names}
    groups: list[list[str]] = [[] for _ in range(n)]
    for name in sorted(names, key=lambda name: -items[name]):  # largest first, to the lightest group
        min(groups, key=lambda group: (sum(items[member] for member in group), len(group))).append(name)
    return [_in_order(group) for group in groups]


def hold_out(subjects: Iterable[str], fraction: float = 0.2, seed: int = 0) -> tuple[list[str], list[str]]:
    """Part the subjects into those to train on and those to validate on; at least one of each.

    Args:
        subjects: the subject of each item.
        fraction: share of the subjects to hold out, 0..1.
        seed: another seed holds out others.

    Returns:
        (training subjects, validation subjects).

    Raises:
        DatasetError: fewer than two subjects.

    Example:
        >>> train, val = hold_out("abcde", fraction=0.4)
        >>> len(train), len(val), set(train) & set(val)
        (3, 2, set())
    """
    names = _in_order(subjects)
    if len(names) < 2:
        raise DatasetError("one subject cannot be parted", mend="give recordings of two subjects or more")
    count = min(max(round(fraction * len(names)), 1), len(names) - 1)
    held = set(np.random.default_rng(seed).permutation(len(names))[:count].tolist())
    return (
        [name for index, name in enumerate(names) if index not in held],
        [name for index, name in enumerate(names) if index in held],
    )


def _in_order(subjects: Iterable[str]) -> list[str]:
    """Each subject once, S2 before S10."""
    return sorted(
        set(subjects),
        key=lambda name: [(len(d), d) if d.isdigit() else (0, d) for d in re.split(r"(\d+)", name)],
    )
