"""What the bytes of a file say before anybody has said which mat made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from matpose.errors import UnreadableFile
from matpose.mat import PRESETS, Mat
from matpose.readers.files import MAX_ABS_VALUE
from matpose.recording import Recording


@dataclass(frozen=True)
class Table:
    """Lines of numbers, which a grid turns into frames.

    A line is a row of the mat, or a whole frame; only the grid can tell.

    Args:
        values: (lines, cells) float32, NaN = no reading.
        starts: index of the first line of every block; blank lines, or an array's frames, part the blocks.
        framed: whether the format itself says that every block is one frame (arrays, pictures).
        last_cell_empty: whether every line ended with a separator, so that there may be one more, empty cell.

    Example:
        >>> table = Table(np.zeros((4, 3), np.float32), np.array([0, 2]))
        >>> table.grid, table.fits((2, 3)), table.fits((1, 3)), table.fits((4, 3))
        ((2, 3), True, True, False)
    """

    values: np.ndarray
    starts: np.ndarray
    framed: bool = False
    last_cell_empty: bool = False

    @property
    def heights(self) -> np.ndarray:
        """Lines in every block: (blocks,) int."""
        return np.diff(self.starts, append=len(self.values))

    @property
    def grid(self) -> tuple[int, int] | None:
        """Stored rows and columns, where the file itself says them."""
        heights = self.heights
        parted = self.framed or (len(heights) > 1 and heights[0] > 1)
        return (int(heights[0]), self.values.shape[1]) if parted and (heights == heights[0]).all() else None

    def fits(self, shape: tuple[int, int]) -> bool:
        """Whether frames of that stored shape can be cut from the lines."""
        return self.frames(shape) is not None

    def frames(self, shape: tuple[int, int]) -> np.ndarray | Sequence[np.ndarray] | None:
        """The frames of that stored shape, or None where the lines do not fit it.

        Args:
            shape: stored rows and columns.

        Returns:
            (T, rows, cols); or a sequence of frames, some of which have too few or too many rows.
        """
        rows, cols = shape
        values, heights = self.values, self.heights
        if self.last_cell_empty and values.shape[1] + 1 in (cols, rows * cols):
            values = np.pad(values, ((0, 0), (0, 1)), constant_values=np.nan)
        if values.shape[1] == rows * cols and heights.all():  # a block without lines is a frame without cells
            return values.reshape(-1, rows, cols)
        if values.shape[1] != cols:
            return None
        if (heights == rows).all() or (len(heights) == 1 and heights[0] % rows == 0):
            return values.reshape(-1, rows, cols)
        if len(heights) > 1 and (heights == rows).any():
            return np.split(values, self.starts[1:])
        return None


@dataclass(frozen=True)
class Stated:
    """What a maker's export says next to its numbers, each part open.

    Args:
        grid: rows and columns as stored.
        pitch_m: distance of the centres of stored rows, and of stored columns, metres.
        unit: a key of ``KPA_PER_UNIT``, or "raw".
        full_scale: value at which a cell is saturated, in the file's unit.
        time_s: (T,) float64, seconds from the first frame.
        start_time: ISO 8601.
        meta: facts worth keeping: the sensor's type, a threshold, comments.
    """

    grid: tuple[int, int] | None = None
    pitch_m: tuple[float, float] | None = None
    unit: str | None = None
    full_scale: float | None = None
    time_s: np.ndarray | None = None
    start_time: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """A file's format and numbers, and what it says about its mat.

    Args:
        path: the file.
        format: name of the format.
        table: its numbers, for formats that leave the mat open.
        mat: the mat, where the bytes prove it.
        stated: what the file says next to its numbers.
        recording: the recording, for formats that say everything.
        notes: sentences a person should know (a header was skipped; whose counts these look like).
    """

    path: Path
    format: str
    table: Table | None = None
    mat: Mat | None = None
    stated: Stated = field(default_factory=Stated)
    recording: Recording | None = None
    notes: tuple[str, ...] = ()

    @property
    def candidates(self) -> tuple[str, ...]:
        """Presets whose stored grid fits the numbers."""
        if self.table is None:
            return ()
        return tuple(name for name, mat in PRESETS.items() if self.table.fits(mat.stored_shape))

    @property
    def guessed_grid(self) -> tuple[int, int] | None:
        """Stored rows and columns that the numbers suggest but do not prove, for showing only."""
        if self.table is None:
            return None
        if self.table.grid or self.candidates:
            return self.table.grid or PRESETS[self.candidates[0]].stored_shape
        lines, cells = self.table.values.shape
        alike = max(lines, cells) <= 4 * min(lines, cells)  # no mat is five times as long as it is wide
        return (lines, cells) if len(self.table.starts) == 1 and alike else None


def array_contents(path: Path, format: str, array: np.ndarray, *, framed: bool) -> Contents:
    """Contents of an array that is already in memory.

    Args:
        array: (T, rows, cols) or (lines, cells).
        framed: whether the last two axes are one frame beyond doubt.

    Raises:
        UnreadableFile: no cells at all, or values that no sensor gives.
    """
    if not array.size:
        raise UnreadableFile("there are no frames in it", mend="export or fetch it again", path=path)
    height, width = array.shape[-2:]
    values = array.reshape(-1, width)
    if (missing := np.isnan(values)).any():  # a signalling NaN would warn at every sum
        values = np.where(missing, values.dtype.type(np.nan), values)
    limit = np.float64(MAX_ABS_VALUE)  # a typed scalar: half floats would round a bare one to infinity
    absurd = ((values > limit) | (values < -limit)).any(axis=1)
    if absurd.any():
        row = int(np.argmax(absurd))
        raise UnreadableFile(
            "holds a value that no sensor gives",
            mend=f"remove infinities and values beyond {MAX_ABS_VALUE:g}",
            path=path,
            place=f"frame {row // height}, row {row % height}" if framed else f"row {row}",
        )
    starts = np.arange(0, len(values), height)
    return Contents(path, format, Table(values.astype(np.float32, copy=False), starts, framed))
