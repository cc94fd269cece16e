"""One file to its results: read, a few frames in memory at a time where its format allows, and written as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from matpose.faults import fault_windows
from matpose.pose import Pose
from matpose.quality import mend
from matpose.readers import Contents, MatOptions, hdf5, read, to_recording
from matpose.readers.files import head_of
from matpose.readers.hdf5_lazy import FramesOnDisk, opened
from matpose.recording import Flag, Recording
from matpose.remarks import remarks
from matpose.runtime.decode import UNTRUSTED, decoded
from matpose.runtime.detector import Detector
from matpose.runtime.formats import write_results

PICTURES = 12


def predict_file(
    detector: Detector,
    source: Path,
    folder: Path,
    *,
    options: Mapping[str, Any],
    own_mat_wins: bool = False,
    pictures: bool = False,
    deeplabcut: bool = False,
    step: Callable[[int], None] = lambda frames: None,
    begin: Callable[[Recording, list[str]], None] = lambda recording, said: None,
) -> dict:
    """Points, joints and posture of every frame of one file, written to a folder; each of its files appears whole.

    Args:
        detector: what finds them.
        source: a recording.
        folder: where the results shall stand; made if missing.
        options: those of :func:`matpose.read`.
        own_mat_wins: leave out options that a file makes needless which says its own mat; else they contradict it.
        pictures: also draw evenly spaced frames.
        deeplabcut: also write the joints as DeepLabCut's CSV.
        step: told after every frame.
        begin: told once the file is open, with what a user should know of it.

    Returns:
        ``{"source", "output", "frames", "postures", "flags", "notes"}``, plain types; postures and flags are counted.

    Raises:
        MatposeError: it cannot be read, or the folder not be written to.
    """
    with _opened(source, options, own_mat_wins) as recording:
        notes = [*remarks(recording), *detector.remarks(recording)]
        begin(recording, notes)
        postures, flags = Counter(), Counter()
        film = _Film(len(recording)) if pictures else None

        def counted() -> Iterator[Pose]:
            for pose in poses_of(detector, recording):
                postures[pose.posture] += 1
                flags.update(pose.flags.names)
                if film is not None:
                    film.keep(pose)
                yield pose
                step(1)

        count = write_results(folder, counted(), recording, deeplabcut=deeplabcut)
        if film is not None and count:
            notes += film.write(folder, recording)
    return {
        "source": str(source),
        "output": str(folder),
        "frames": count,
        "postures": dict(postures),
        "flags": dict(flags),
        "notes": notes,
    }


def poses_of(detector: Detector, recording: Recording) -> Iterator[Pose]:
    """The very poses of ``detector(recording)``, a few frames in memory at a time where they lie on the disk.

    Args:
        detector: what finds them.
        recording: any recording; see :func:`matpose.readers.hdf5_lazy.opened` for one that lies on the disk.
    """
    if not isinstance(recording.frames, FramesOnDisk):
        yield from detector(recording)
        return
    flags = [Flag(bits) for bits in recording.flags.tolist()]
    origin_m = _origin_m(detector, recording)
    start, held = 0, recording.frames[:0]
    for window in chain(_cleaned(recording), [None]):
        if window is not None:
            held = np.concatenate((held, window))
        while len(held) >= detector.batch or (window is None and len(held)):
            frames, held = held[: detector.batch], held[detector.batch :]
            part = slice(start, start + len(frames))
            yield from decoded(
                detector.backend,
                frames,
                recording.mat,
                origin_m,
                flags=flags[part],
                time_s=recording.time_s[part].tolist(),
                first=start,
                source=recording.source,
            )
            start = part.stop


def _cleaned(recording: Recording) -> Iterator[np.ndarray]:
    """The frames that :func:`matpose.quality.clean` gives, by the stretches that it looks at together."""
    for part, _, _, faults in fault_windows(recording):
        frames = recording.frames[part]
        mend(frames, faults, recording.mat, recording.unit)
        yield frames


def _origin_m(detector: Detector, recording: Recording) -> tuple[float, float]:
    """Where the canvas lies; for a mat larger than it, by the load of all frames, which takes one more reading."""
    mat, canvas = recording.mat, detector.backend.canvas
    if mat.height_m <= canvas.height_m and mat.width_m <= canvas.width_m:
        return canvas.origin_m(mat)
    load, start = np.zeros((mat.rows, mat.cols)), 0
    for frames in _cleaned(recording):
        sound = (recording.flags[start : start + len(frames)] & np.uint16(UNTRUSTED)) == 0
        for frame in np.nan_to_num(frames[sound], nan=0.0):
            load += frame
        start += len(frames)
    return canvas.origin_over(Recording(load[None], mat, "raw", np.zeros(1), np.zeros(1, np.uint16)))


@contextmanager
def _opened(source: Path, options: Mapping[str, Any], own_mat_wins: bool) -> Iterator[Recording]:
    """The file as :func:`matpose.read` reads it, its frames left on the disk where that can be."""
    if not hdf5.sniff(head_of(source)) or (options.get("sensor") is not None and not own_mat_wins):
        yield read(source, **options)
        return
    with opened(source) as recording:
        said: dict[str, Any] = {name: value for name, value in options.items() if name != "sensor"}
        if own_mat_wins:
            said = {"pitch_mm": options.get("pitch_mm")} if recording.mat.pitch_y_m is None else {}
        more = {name: said.pop(name, None) for name in ("unit", "rate_hz", "subject")}
        contents = Contents(source, "matpose-hdf5", recording=recording)
        yield to_recording(contents, MatOptions(**said), **more)


class _Film:
    """Keeps the poses of those frames that will be drawn."""

    def __init__(self, frames: int) -> None:
        from matpose.runtime.film import GIF_FRAMES

        self._pictures = _spaced(frames, PICTURES)
        self._film = _spaced(frames, GIF_FRAMES)
        self._wanted = {*self._pictures, *self._film}
        self._poses: dict[int, Pose] = {}

    def keep(self, pose: Pose) -> None:
        if pose.frame in self._wanted:
            self._poses[pose.frame] = pose

    def write(self, folder: Path, recording: Recording) -> list[str]:
        """PNGs and a GIF; returns what the user should know."""
        from matpose.runtime.film import write_gif, write_pngs
        from matpose.runtime.overlay import overlay

        def drawn(indices: list[int]):
            for index in indices:
                yield index, overlay(recording.frames[index], recording.mat, self._poses[index])

        write_pngs(folder / "pictures", drawn(self._pictures))
        said = write_gif(folder / "film.gif", (image for _, image in drawn(self._film)), fps=8)
        return [said] if said else []


def _spaced(frames: int, count: int) -> list[int]:
    return np.unique(np.linspace(0, frames - 1, min(count, frames)).round().astype(int)).tolist()
