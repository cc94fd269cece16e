"""Readers: one file a format. ``read(path)`` recognises the format from the bytes and gives a Recording."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from os import PathLike
from pathlib import Path

from matpose.errors import MatposeError
from matpose.intake import intake
from matpose.mat import Mat
from matpose.readers import hdf5, npy, pliance, pmatdata, png, tactilus, tekscan, text, xsensor
from matpose.readers.contents import Contents
from matpose.readers.files import head_of, refuse_too_long
from matpose.readers.hdf5 import write_recording
from matpose.readers.mats import MatOptions, chosen_mat, pitch_m
from matpose.recording import Recording

__all__ = ["Contents", "MatOptions", "examine", "read", "to_recording", "write_recording"]

# the first that knows the bytes reads the file; text takes what is left
FORMATS = (hdf5, npy, png, pmatdata, tekscan, xsensor, pliance, tactilus, text)


def read(
    path: str | PathLike[str],
    *,
    mat: str | Mat | None = None,
    rows: int | None = None,
    cols: int | None = None,
    pitch_mm: str | float | tuple[float, float] | None = None,
    unit: str | None = None,
    rotate: int = 0,
    mirror: bool = False,
    rate_hz: float | None = None,
    subject: str | None = None,
    sensor: str | None = None,
) -> Recording:
    """Read one file as a recording: canonical frames in kPa (or raw counts), every frame flagged.

    Args:
        path: a recording: ours (HDF5), PmatData, an export of Tekscan, XSENSOR, novel or Tactilus, plain text,
            ``.npy``, or a greyscale PNG. Makers' exports say their own grid, unit and times, most their pitch.
        mat: the preset's name, or the mat, where the file does not say it.
        rows, cols: cells from head to foot and across, for a mat that is no preset.
        pitch_mm: distance of cell centres in mm: "27.8", "28.6x27.5" (along x across), a number or a pair.
        unit: unit of the file's numbers: kPa, mmHg, psi, N/cm2, Pa, MPa, counts or raw; by default counts
            where the mat's scale is known, else raw.
        rotate: clockwise degrees that bring the stored array's head edge to the top.
        mirror: whether the array, once turned, is seen from below.
        rate_hz: frames a second, by default 1.
        subject: who lies there.
        sensor: part of the name of one sensor, in a file of several; by default its first.

    Returns:
        The recording; ``frames`` (T, rows, cols) float32, head edge at row 0, seen from above.

    Raises:
        UnknownMat: neither the file nor the arguments say the mat; ``candidates`` names the presets that fit.
        UnreadableFile: the bytes are no recording; says where and what to do.
        MatposeError: contradictory arguments.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "map.csv")
        ...     _ = file.write_text("1;2,5;3\\n4;;6\\n")
        ...     recording = read(file, rows=2, cols=3, pitch_mm=30, unit="kPa")
        >>> recording.frames.tolist()
        [[[1.0, 2.5, 3.0], [4.0, nan, 6.0]]]
    """
    options = MatOptions(mat, rows, cols, pitch_mm, rotate, mirror)
    return to_recording(examine(path, sensor=sensor), options, unit=unit, rate_hz=rate_hz, subject=subject)


def examine(path: str | PathLike[str], *, sensor: str | None = None) -> Contents:
    """What the bytes of a file say by themselves.

    Args:
        path: the file.
        sensor: part of the name of one sensor, in a file of several.

    Raises:
        UnreadableFile: the bytes are no recording.
        MatposeError: no such sensor.
    """
    path = Path(path)
    head = head_of(path)
    try:
        format = next(format for format in FORMATS if format.sniff(head))
        if format is xsensor:
            return xsensor.read(path, sensor=sensor)
        if sensor is not None:
            raise MatposeError("this file names no sensors", mend="leave out --sensor", path=path)
        return format.read(path)
    except OSError as error:
        raise MatposeError(
            f"cannot be read: {error.strerror or error}",
            mend="check the disk or the network drive",
            path=path,
        ) from error


def to_recording(
    contents: Contents,
    options: MatOptions,
    *,
    unit: str | None = None,
    rate_hz: float | None = None,
    subject: str | None = None,
) -> Recording:
    """Complete what a file says with what the caller says; arguments and errors as in :func:`read`."""
    if contents.recording is not None:
        return _own_recording(contents, options, unit, rate_hz, subject)
    if rate_hz is not None and not (isfinite(rate_hz) and 1e-6 <= rate_hz <= 1e6):
        raise MatposeError(f"{rate_hz:g} frames a second", mend="give a rate above 0 Hz")
    stated = contents.stated
    if unit is not None and stated.unit is not None and unit.lower() != stated.unit.lower():
        raise MatposeError(
            f"the file says its unit, {stated.unit}, not {unit}", mend="leave out the unit", path=contents.path
        )
    if rate_hz is not None and stated.time_s is not None:
        raise MatposeError("the file says its own times", mend="leave out the rate", path=contents.path)
    mat = chosen_mat(contents, options)
    frames = contents.table.frames(mat.stored_shape) if contents.table is not None else None
    assert frames is not None  # chosen_mat has seen that they fit
    refuse_too_long(len(frames), contents.path)
    notes = {"notes": "\n".join(contents.notes)} if contents.notes else {}
    return intake(
        frames, mat, unit=stated.unit or unit, time_s=stated.time_s, rate_hz=rate_hz or 1.0,
        name=contents.path.stem, source=str(contents.path), subject=subject,
        start_time=stated.start_time, meta={**stated.meta, **notes},
    )  # fmt: skip


def _own_recording(
    contents: Contents, options: MatOptions, unit: str | None, rate_hz: float | None, subject: str | None
) -> Recording:
    """A file that says everything takes a subject and the pitch it lacks; the rest would contradict it."""
    recording = contents.recording
    assert recording is not None
    mat = recording.mat
    if options.pitch_mm is not None and mat.pitch_y_m is None:
        pitch = pitch_m(options.pitch_mm)
        mat = mat.with_changes(pitch_y_m=pitch[0], pitch_x_m=pitch[1])
        options = replace(options, pitch_mm=None)
    if options.mat in (recording.mat.name, recording.mat):
        options = replace(options, mat=None)
    if options != MatOptions() or unit is not None or rate_hz is not None:
        raise MatposeError(
            "this file says its own mat, unit and times",
            mend="leave out the options that contradict it",
            path=contents.path,
        )
    return replace(recording, mat=mat, subject=recording.subject if subject is None else subject)
