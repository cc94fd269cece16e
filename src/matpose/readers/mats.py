"""Which mat: what the caller says, else what the file says, else nobody knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isclose

from matpose.errors import MatposeError, UnknownMat, UnreadableFile
from matpose.mat import KPA_PER_UNIT, CountScale, Mat, preset
from matpose.readers.contents import Contents
from matpose.readers.files import MAX_SIDE

_PITCH = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(?:[xX×]\s*(\d+(?:\.\d*)?|\.\d+)\s*)?")


@dataclass(frozen=True)
class MatOptions:
    """What a caller says of the mat, each part open.

    Args:
        mat: a preset's name, or a mat; brings its own turn and scale.
        rows, cols: cells along and across in the canonical view; both or neither.
        pitch_mm: distance of cell centres in mm: "27.8", "28.6x27.5" (along x across), a number or a pair.
        rotate: clockwise degrees that bring the head edge to the top; 0 leaves a preset's own.
        mirror: whether the turned array is seen from below; False leaves a preset's own.
    """

    mat: str | Mat | None = None
    rows: int | None = None
    cols: int | None = None
    pitch_mm: str | float | tuple[float, float] | None = None
    rotate: int = 0
    mirror: bool = False


def pitch_m(pitch_mm: str | float | tuple[float, float]) -> tuple[float, float]:
    """(along, across) in metres.

    Raises:
        MatposeError: not one or two numbers.

    Example:
        >>> pitch_m("28.6x27.5")
        (0.0286, 0.0275)
    """
    if isinstance(pitch_mm, str):
        match = _PITCH.fullmatch(pitch_mm)
        if match is None:
            raise MatposeError(
                f"{pitch_mm!r} is no pitch",
                mend="give millimetres like 27.8, or 28.6x27.5 for along x across",
            )
        pitch_mm = (float(match[1]), float(match[2] or match[1]))
    along, across = pitch_mm if isinstance(pitch_mm, tuple) else (pitch_mm, pitch_mm)
    return round(along / 1000, 9), round(across / 1000, 9)


def chosen_mat(contents: Contents, options: MatOptions) -> Mat:
    """The mat that made a file.

    Raises:
        UnknownMat: neither the file nor the caller says it; names the presets that fit.
        MatposeError: contradictory options.
        UnreadableFile: the file's numbers do not fit the mat.
    """
    mat = _said_mat(contents, options)
    if mat is None:
        raise UnknownMat("the file does not say which mat made it", candidates=contents.candidates, path=contents.path)
    misfit = contents.stated.grid not in (None, mat.stored_shape)
    if contents.table is not None and (misfit or not contents.table.fits(mat.stored_shape)):
        raise UnreadableFile(
            f"{_size(contents)} do not make frames of {mat.stored_shape[0]} x {mat.stored_shape[1]} cells",
            mend=_mend(contents, mat),
            path=contents.path,
        )
    return _with_stated(contents, mat)


def _with_stated(contents: Contents, mat: Mat) -> Mat:
    """The mat with what the file says of it, which the caller may repeat but not contradict."""
    stated = contents.stated
    if (pitch := stated.pitch_m) is not None:
        pitch = (pitch[1], pitch[0]) if mat.rotate in (90, 270) else pitch
        said = (mat.pitch_y_m or pitch[0], mat.pitch_x_m or pitch[1])
        if not all(isclose(one, other, rel_tol=0.01) for one, other in zip(said, pitch, strict=True)):
            raise MatposeError(
                f"the file says a pitch of {_mm(pitch)}, not {_mm(said)}",
                mend="leave out the pitch, or the mat, that contradicts it",
                path=contents.path,
            )
        mat = mat.with_changes(name=mat.name, pitch_y_m=said[0], pitch_x_m=said[1])
    if stated.full_scale is not None and stated.unit in KPA_PER_UNIT and mat.counts is None:
        scale = KPA_PER_UNIT[stated.unit]
        mat = mat.with_changes(name=mat.name, counts=CountScale(scale, 0.0, stated.full_scale * scale))
    return mat


def _mm(pitch: tuple[float, float]) -> str:
    return " x ".join(f"{side * 1000:g}" for side in pitch) + " mm"


def _said_mat(contents: Contents, options: MatOptions) -> Mat | None:
    if (options.rows is None) != (options.cols is None):
        raise MatposeError("only one of rows and columns is given", mend="give both or neither")
    pitch = (None, None) if options.pitch_mm is None else pitch_m(options.pitch_mm)
    by_hand = None if options.rows is None or options.cols is None else (options.rows, options.cols)
    mat = preset(options.mat) if isinstance(options.mat, str) else options.mat
    if mat is not None and by_hand is not None and by_hand != (mat.rows, mat.cols):
        raise MatposeError(
            f"the mat {mat.name or ''} has {mat.rows} x {mat.cols} cells, not {by_hand[0]} x {by_hand[1]}",
            mend="leave out the rows and columns, or the mat",
        )
    if mat is None and by_hand is None:
        mat = contents.mat
    if mat is not None:
        changes: dict = {"rotate": options.rotate} if options.rotate else {}
        changes |= {"mirror": True} if options.mirror and not mat.mirror else {}
        if options.pitch_mm is not None:
            changes |= {"pitch_y_m": pitch[0], "pitch_x_m": pitch[1]}
            if mat.assumed and "pitch" in mat.assumed:  # no longer assumed
                changes["assumed"] = None
        return mat.with_changes(**changes) if changes else mat
    grid = contents.stated.grid
    if grid is None and contents.table is not None and options.pitch_mm is not None:
        grid = contents.table.grid
    if by_hand is None and grid is not None:  # the file says the grid, and it or the caller the pitch
        if max(grid) > MAX_SIDE:
            raise UnreadableFile(
                f"frames of {grid[0]} x {grid[1]} cells are larger than any mat",
                mend="give one value a cell of the mat",
                path=contents.path,
            )
        by_hand = grid[::-1] if options.rotate in (90, 270) else grid
    if by_hand is None:
        return None
    rows, cols = by_hand
    return Mat(rows, cols, *pitch, options.rotate, options.mirror)


def _size(contents: Contents) -> str:
    assert contents.table is not None
    lines, cells = contents.table.values.shape
    blocks = len(contents.table.starts)
    return f"{lines} lines of {cells} values" + (f" in {blocks} blocks" if blocks > 1 else "")


def _mend(contents: Contents, mat: Mat) -> str:
    assert contents.table is not None
    rows, cols = mat.stored_shape
    if contents.table.values.shape[1] == rows * cols + 1:
        return "remove the column that is no cell (a time or an index)"
    if contents.table.fits((cols, rows)):
        return "the array lies on its side: give --rotate 90 or 270"
    if contents.stated.grid is not None:
        return "leave out the rows, columns or mat that contradict the file"
    if contents.candidates:
        return f"the numbers fit {', '.join(contents.candidates)}; or give other --rows and --cols"
    return "check --rows and --cols against the file"
