"""How far two people who marked the same maps disagree, and what they say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from matpose.errors import MatposeError
from matpose.labelling.marks import POINT_NAMES, SEEN, Mark

CONSENSUS = "consensus"
LEFT_RIGHT = tuple(
    (name, name.replace("left_", "right_")) for name in POINT_NAMES if name.removeprefix("contact:").startswith("left_")
)
"""Names of the points that come in pairs: (left, right)."""
Pass = dict[tuple[str, int, str], Mark]  # one annotator's marks by recording, frame and name


def agreement(first: Sequence[Mark], second: Sequence[Mark]) -> dict[str, Any]:
    """Disagreement of two annotators over the points that both marked.

    Args:
        first, second: the marks of one annotator each.

    Returns:
        Plain types, ready for JSON: ``annotators``; ``maps``, how many both marked; ``only_first`` and
        ``only_second``, how many points of these maps the other left out; ``points``, for "all", "joints",
        "contacts" and each name that both marked a dictionary of "all", "both_seen" (visibility 2 by both) and
        "else", each with ``count``, ``median_cm`` and ``p90_cm`` (None where there are none); ``sides``, how many
        left-right pairs both marked whole (``pairs``) and how many of these lie nearer to each other once the
        sides of one annotator are exchanged (``exchanged``), over all and ``by_name``.

    Raises:
        MatposeError: marks of several annotators in one of them, or no point that both marked.

    Example:
        >>> anna = [Mark("night", 0, "anna", "left_hip", (0.50, 0.90), 2)]
        >>> ben = [Mark("night", 0, "ben", "left_hip", (0.53, 0.94), 1)]
        >>> agreement(anna, ben)["points"]["left_hip"]["else"]
        {'count': 1, 'median_cm': 5.0, 'p90_cm': 5.0}
    """
    names = [_only_annotator(marks) for marks in (first, second)]
    one, other = (_by_place(marks) for marks in (first, second))
    shared = [place for place in one if place in other]
    if not shared:
        raise MatposeError(
            "the two annotators marked no point in common", mend="compare passes over the same frames of a recording"
        )
    maps = {place[:2] for place in one} & {place[:2] for place in other}
    return {
        "annotators": names,
        "maps": len(maps),
        "only_first": sum(place[:2] in maps and place not in other for place in one),
        "only_second": sum(place[:2] in maps and place not in one for place in other),
        "points": _distances(one, other, shared),
        "sides": _sides(one, other),
    }


def consensus(marks: Iterable[Mark]) -> list[Mark]:
    """What several passes over the same maps say together: the mean place, with the lowest visibility.

    A point that one of a map's annotators left out is left out. So is a left-right pair that two of them
    exchange, for the mean of a left and a right hip is neither.

    Args:
        marks: of any number of annotators; a map that one alone marked keeps that one's points.

    Returns:
        Marks of the annotator ``CONSENSUS``.

    Example:
        >>> passes = [Mark("night", 0, who, "thorax", (x, 0.4), 2) for who, x in (("anna", 0.50), ("ben", 0.54))]
        >>> [(mark.xy_m, mark.annotator) for mark in consensus(passes)]
        [((0.52, 0.4), 'consensus')]
    """
    passes: dict[tuple[str, int], dict[str, Pass]] = defaultdict(lambda: defaultdict(dict))
    for mark in marks:
        passes[mark.recording, mark.frame][mark.annotator][mark.place] = mark
    agreed = []
    for (recording, frame), by_annotator in passes.items():
        several = list(by_annotator.values())
        disputed = {
            name
            for one, other in combinations(several, 2)
            for pair in LEFT_RIGHT
            if _exchanged(one, other, recording, frame, pair)
            for name in pair
        }
        for name in POINT_NAMES:
            found = [found for marked in several if (found := marked.get((recording, frame, name)))]
            if len(found) < len(several) or name in disputed:
                continue
            x_m, y_m = np.mean([mark.xy_m for mark in found], axis=0).tolist()
            visibility = min(mark.visibility for mark in found)
            agreed.append(Mark(recording, frame, CONSENSUS, name, (x_m, y_m), visibility))
    return agreed


def _only_annotator(marks: Sequence[Mark]) -> str:
    names = sorted({mark.annotator for mark in marks})
    if len(names) != 1:
        raise MatposeError(f"a pass by {' and '.join(names) or 'nobody'}", mend="give the marks of one annotator")
    return names[0]


def _by_place(marks: Iterable[Mark]) -> Pass:
    return {mark.place: mark for mark in marks}


def _distances(one: Pass, other: Pass, shared: list[tuple[str, int, str]]) -> dict[str, Any]:
    name = np.array([place[2] for place in shared])
    away = np.array([one[place].xy_m for place in shared]) - np.array([other[place].xy_m for place in shared])
    distance_cm = 100 * np.hypot(away[:, 0], away[:, 1])
    seen = np.array([one[place].visibility == other[place].visibility == SEEN for place in shared])
    contact = np.char.startswith(name, "contact:")
    groups = {"all": np.ones(len(name), bool), "joints": ~contact, "contacts": contact}
    groups |= {point: name == point for point in POINT_NAMES}
    return {
        group: {
            "all": _spread(distance_cm[inside]),
            "both_seen": _spread(distance_cm[inside & seen]),
            "else": _spread(distance_cm[inside & ~seen]),
        }
        for group, inside in groups.items()
        if inside.any()
    }


def _spread(distance_cm: np.ndarray) -> dict[str, float | int | None]:
    if not len(distance_cm):
        return {"count": 0, "median_cm": None, "p90_cm": None}
    median, p90 = np.percentile(distance_cm, (50, 90)).round(2).tolist()
    return {"count": len(distance_cm), "median_cm": median, "p90_cm": p90}


def _sides(one: Pass, other: Pass) -> dict[str, Any]:
    by_name = {}
    for pair in LEFT_RIGHT:
        found = [_exchanged(one, other, *place[:2], pair) for place in one if place[2] == pair[0]]
        judged = [exchanged for exchanged in found if exchanged is not None]
        if judged:
            by_name[pair[0].replace("left_", "")] = {"pairs": len(judged), "exchanged": sum(judged)}
    total = {key: sum(counts[key] for counts in by_name.values()) for key in ("pairs", "exchanged")}
    return {**total, "by_name": by_name}


def _exchanged(one: Pass, other: Pass, recording: str, frame: int, pair: tuple[str, str]) -> bool | None:
    """Whether exchanging a pair's sides brings two passes closer; None where one of the four points is missing."""
    marks = [marked.get((recording, frame, name)) for marked in (one, other) for name in pair]
    if None in marks:
        return None
    left, right, other_left, other_right = (np.array(mark.xy_m) for mark in marks if mark)
    as_said = np.linalg.norm(left - other_left) + np.linalg.norm(right - other_right)
    swapped = np.linalg.norm(left - other_right) + np.linalg.norm(right - other_left)
    return bool(swapped < as_said)
