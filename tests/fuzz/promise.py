"""Promise 1 as a function: any bytes given to a reader yield a Recording, or a MatposeError naming file and mend."""

from __future__ import annotations

import warnings
from dataclasses import astuple
from pathlib import Path
from types import ModuleType

import numpy as np

from matpose.errors import MatposeError
from matpose.readers import FORMATS, Contents, MatOptions, to_recording
from matpose.readers.files import head_of
from matpose.recording import Recording

READERS: dict[str, ModuleType] = {format.__name__.rpartition(".")[2]: format for format in FORMATS}
MAX_MESSAGE = 1000  # characters: one red line, not a screenful


def keep_promise(reader: ModuleType, path: Path) -> Recording | None:
    """Read a file with that reader, whether or not it recognises the bytes.

    Returns:
        The recording, or None where the reader refused the file as it should.

    Raises:
        AssertionError: the recording or the refusal is not what was promised.
        Exception: whatever else the reader lets through; that too breaks the promise.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", RuntimeWarning)  # nonsense must not reach arithmetic unseen
            assert isinstance(reader.sniff(head_of(path)), bool)
            contents = reader.read(path)
            recording = to_recording(contents, _options(contents))
    except MatposeError as error:
        _check_refusal(error, path)
        return None
    _check_recording(recording)
    return recording


def _options(contents: Contents) -> MatOptions:
    """What a user would say of a file that does not say its mat."""
    table, stated = contents.table, contents.stated
    if table is None or contents.mat:
        return MatOptions()
    pitch_mm = None if stated.pitch_m else 30
    if stated.grid or table.grid:
        return MatOptions(pitch_mm=pitch_mm)
    flat = (1, table.values.shape[1])
    rows, cols = (flat if stated.time_s is not None else contents.guessed_grid) or flat
    return MatOptions(rows=min(rows, 4096), cols=min(cols, 4096), pitch_mm=pitch_mm)


def _check_refusal(error: MatposeError, path: Path) -> None:
    message = str(error)
    assert error.path == str(path), f"names no file: {message}"
    assert error.problem, message
    assert error.mend, message
    assert message.isprintable(), f"would garble the terminal: {message!r}"
    assert len(message) <= len(str(path)) + MAX_MESSAGE, f"is no line for a person: {message[:200]} ..."


def _check_recording(recording: Recording) -> None:
    assert recording.frames.dtype == np.float32
    assert len(recording) > 0
    assert recording.frames.shape[1:] == (recording.mat.rows, recording.mat.cols)
    assert not any(np.isinf(frame).any() for frame in recording.frames[:100])
    assert recording.mat.counts is None or np.isfinite(astuple(recording.mat.counts)).all()
    assert recording.flags.dtype == np.uint16
    assert np.isfinite(recording.time_s).all()
    assert (np.diff(recording.time_s) >= 0).all()
    assert all(np.isfinite(when) for when, _ in recording.events)
