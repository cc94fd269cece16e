"""Which maps are to be marked: sound frames of recordings, evenly spaced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.recording import Flag, Recording

UNUSABLE = Flag.EMPTY_BED | Flag.CORRUPTED | Flag.WRONG_SIZE


@dataclass(frozen=True)
class LabelMap:
    """One frame to be marked.

    Args:
        recording: the recording's name, without its file's suffix.
        frame: index in the recording as its dataset gives it.
        mat: the mat; its pitch is known.
        cells: (rows, cols) float32 pressure, canonical view; NaN = no reading.
        posture: where known, else "unknown".
    """

    recording: str
    frame: int
    mat: Mat
    cells: np.ndarray
    posture: str = "unknown"


def label_maps(recordings: Iterable[Recording], frames: int = 1) -> tuple[list[LabelMap], list[str]]:
    """Evenly spaced frames of each recording, in the middle of as many equal parts.

    Frames with nobody on the mat, of the wrong size or damaged in transfer are passed over. The same recordings
    and number give the same maps, so that a second annotator gets those of the first.

    Args:
        recordings: any recordings whose mat's pitch is known.
        frames: how many of each; a shorter one gives all it has.

    Returns:
        The maps, and the names of recordings that have none.

    Raises:
        MatposeError: no map at all, an unknown pitch, or two recordings of one name.

    Example:
        >>> from matpose.datasets import load
        >>> maps, without = label_maps(load("blobs:1"))
        >>> len(maps), without
        (8, [])
    """
    if frames < 1:
        raise MatposeError(f"{frames} frames a recording", mend="give 1 or more")
    maps: list[LabelMap] = []
    without: list[str] = []
    names: set[str] = set()
    for recording in recordings:
        _ = recording.mat.pitch_m  # marks are metres: an unknown pitch is refused before anybody marks
        name = _name(recording)
        if name in names:
            raise MatposeError(
                f"two recordings are called {name!r}",
                mend="rename one, or give the folder that holds both",
                path=recording.source,
            )
        names.add(name)
        sound = np.flatnonzero((recording.flags & UNUSABLE) == 0)
        if not len(sound):
            without.append(name)
            continue
        count = min(frames, len(sound))
        for index in sound[((np.arange(count) + 0.5) * len(sound) / count).astype(int)].tolist():
            posture = "unknown" if recording.posture is None else str(recording.posture[index])
            maps.append(LabelMap(name, index, recording.mat, recording.frames[index].copy(), posture))
    if not maps:
        raise MatposeError("there is no frame with somebody on the mat", mend="give other recordings")
    return maps, without


def _name(recording: Recording) -> str:
    if recording.source is None:
        return recording.name
    file = Path(recording.source)
    return recording.name.replace(file.name, file.stem) or file.stem
