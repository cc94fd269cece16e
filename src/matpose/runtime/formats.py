"""Files of results: JSON Lines, CSV and COCO keypoints, written frame by frame in one pass.

A format is a context manager that yields ``put(pose)``; its file appears, whole, when the block succeeds.
"""

from __future__ import annotations

import csv
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path

from matpose.atomic import atomic_path
from matpose.errors import MatposeError
from matpose.pose import Pose
from matpose.recording import POSTURES, Recording
from matpose.runtime.coco import Coco
from matpose.runtime.deeplabcut import write_deeplabcut

Put = Callable[[Pose], None]


def write_results(
    folder: str | PathLike[str], poses: Iterable[Pose], recording: Recording, *, deeplabcut: bool = False
) -> int:
    """Write ``poses.jsonl``, ``coco.json``, ``points.csv``, ``joints.csv`` and ``posture.csv``.

    Args:
        folder: where the files shall stand; made if missing.
        poses: the poses in the order of their frames; taken once, so a generator will do.
        recording: what they were found in.
        deeplabcut: also write ``deeplabcut.csv``; see :func:`matpose.runtime.deeplabcut.write_deeplabcut`.

    Returns:
        Number of poses written.

    Raises:
        MatposeError: the folder cannot be written to, or the poses end in an error; older files then stay
            as they are.
    """
    count = 0
    with ExitStack() as stack:
        puts = [stack.enter_context(file) for file in _files(Path(folder), recording)]

        def written() -> Iterator[Pose]:
            nonlocal count
            for pose in poses:
                for put in puts:
                    put(pose)
                count += 1
                yield pose

        if deeplabcut:
            write_deeplabcut(Path(folder) / "deeplabcut.csv", written(), recording.mat)
        else:
            deque(written(), maxlen=0)
    return count


def _files(folder: Path, recording: Recording) -> list[AbstractContextManager[Put]]:
    return [
        jsonl(folder / "poses.jsonl"),
        coco(folder / "coco.json", recording),
        points_csv(folder / "points.csv"),
        joints_csv(folder / "joints.csv"),
        posture_csv(folder / "posture.csv"),
    ]


@contextmanager
def jsonl(path: str | PathLike[str]) -> Iterator[Put]:
    """One :meth:`Pose.to_dict` a line.

    Args:
        path: the file.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with jsonl(f"{folder}/poses.jsonl") as put:
        ...         put(Pose(frame=0, time_s=0.0, posture="supine"))
        ...     json.loads(Path(folder, "poses.jsonl").read_text())["posture"]["label"]
        'supine'
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        yield lambda pose: print(json.dumps(_trusted(pose).to_dict(), ensure_ascii=False), file=file)


@contextmanager
def coco(path: str | PathLike[str], recording: Recording) -> Iterator[Put]:
    """COCO keypoints; see :class:`matpose.runtime.coco.Coco`.

    Args:
        path: the file.
        recording: what the poses were found in.
    """
    document = Coco(recording)
    with atomic_path(path) as temporary:
        yield lambda pose: document.add(_trusted(pose))
        temporary.write_text(json.dumps(document.to_dict(), ensure_ascii=False), encoding="utf-8")


@contextmanager
def points_csv(path: str | PathLike[str]) -> Iterator[Put]:
    """One row a discovered point: frame, time_s, person, point, x_m, y_m, spread_m; empty where not trusted.

    Args:
        path: the file.
    """

    def put(pose: Pose) -> None:
        for index, point in enumerate(_trusted(pose).points):
            where = ("", "", "") if point is None else (f"{v:.5f}" for v in (*point.xy_m, point.spread_m))
            writer.writerow([pose.frame, round(pose.time_s, 6), pose.person, f"p{index:02d}", *where])

    with _csv(path, ["frame", "time_s", "person", "point", "x_m", "y_m", "spread_m"]) as writer:
        yield put


@contextmanager
def joints_csv(path: str | PathLike[str]) -> Iterator[Put]:
    """One row a named joint: frame, time_s, person, joint, x_m, y_m, confidence, contact; empty where not trusted.

    Args:
        path: the file.
    """

    def put(pose: Pose) -> None:
        for name, joint in _trusted(pose).keypoints.items():
            found = ("",) * 4 if joint is None else (f"{v:.5f}" for v in (*joint.xy_m, joint.confidence, joint.contact))
            writer.writerow([pose.frame, round(pose.time_s, 6), pose.person, name, *found])

    with _csv(path, ["frame", "time_s", "person", "joint", "x_m", "y_m", "confidence", "contact"]) as writer:
        yield put


@contextmanager
def posture_csv(path: str | PathLike[str]) -> Iterator[Put]:
    """One row a person and frame: frame, time_s, person, posture and the probability of each posture.

    Args:
        path: the file.
    """

    def put(pose: Pose) -> None:
        known = _trusted(pose).probabilities
        chances = [f"{known[name]:.5f}" if name in known else "" for name in POSTURES]
        writer.writerow([pose.frame, round(pose.time_s, 6), pose.person, pose.posture, *chances])

    with _csv(path, ["frame", "time_s", "person", "posture", *(f"p_{name}" for name in POSTURES)]) as writer:
        yield put


@contextmanager
def _csv(path: str | PathLike[str], header: list[str]) -> Iterator:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        yield writer


def _trusted(pose: Pose) -> Pose:
    """The pose with None in place of whatever is not a number: that is not to be trusted."""
    if not math.isfinite(pose.time_s):
        raise MatposeError(
            f"its time is {pose.time_s}",
            mend="give the recording finite times",
            path=pose.source,
            place=f"frame {pose.frame}",
        )
    return replace(
        pose,
        points=[p if p and all(map(math.isfinite, (*p.xy_m, p.spread_m))) else None for p in pose.points],
        keypoints={
            name: k if k and all(map(math.isfinite, (*k.xy_m, k.confidence, k.contact))) else None
            for name, k in pose.keypoints.items()
        },
        probabilities={name: p for name, p in pose.probabilities.items() if math.isfinite(p)},
    )
