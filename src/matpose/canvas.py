"""The canvas: one metric grid on which the network sees every mat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matpose.mat import Mat
from matpose.recording import Recording


@lru_cache(maxsize=64)  # a stream asks for the same every frame
def _overlap(cells: int, cell_m: float, origin_m: float, sensels: int, pitch_m: float) -> np.ndarray:
    """Share of each canvas cell (rows) covered by each sensel (columns) along one axis: (cells, sensels) float32."""
    cell_edge = origin_m + np.arange(cells + 1) * cell_m
    sensel_edge = np.arange(sensels + 1) * pitch_m
    start = np.maximum(cell_edge[:-1, None], sensel_edge[None, :-1])
    stop = np.minimum(cell_edge[1:, None], sensel_edge[None, 1:])
    share = (np.maximum(stop - start, 0.0) / cell_m).astype(np.float32)
    share.flags.writeable = False
    return share


@dataclass(frozen=True)
class Canvas:
    """A metric grid, head edge aligned with the mat's and centred across it.

    Args:
        rows, cols: cells from head to foot and across.
        cell_m: side of a cell, metres.

    Example:
        >>> Canvas().height_m, Canvas().width_m
        (2.048, 1.024)
    """

    rows: int = 64
    cols: int = 32
    cell_m: float = 0.032

    @property
    def height_m(self) -> float:
        """Head edge to foot edge, metres."""
        return self.rows * self.cell_m

    @property
    def width_m(self) -> float:
        """Across, metres."""
        return self.cols * self.cell_m

    def origin_m(self, mat: Mat, centre_xy_m: tuple[float, float] | None = None) -> tuple[float, float]:
        """(x, y) of the canvas's head-left corner in the mat's frame, metres.

        Args:
            mat: the mat beneath.
            centre_xy_m: where the person is; a mat larger than the canvas is cropped around it, never
                beyond its own edges.
        """
        x = (mat.width_m - self.width_m) / 2
        y = 0.0
        if centre_xy_m is not None:
            if mat.width_m > self.width_m:
                x = float(np.clip(centre_xy_m[0] - self.width_m / 2, 0, mat.width_m - self.width_m))
            if mat.height_m > self.height_m:
                y = float(np.clip(centre_xy_m[1] - self.height_m / 2, 0, mat.height_m - self.height_m))
        return x, y

    def origin_over(self, recording: Recording) -> tuple[float, float]:
        """Where the canvas lies on a recording's mat: a mat larger than it is cropped around the person.

        The person is where the recording's mean centre of pressure is, so a canvas does not move within one.

        Returns:
            (x, y) of the canvas's head-left corner in the mat's frame, metres.
        """
        mat = recording.mat
        if mat.height_m <= self.height_m and mat.width_m <= self.width_m:
            return self.origin_m(mat)
        load = np.nan_to_num(recording.frames, nan=0.0).clip(0).sum(0, dtype=np.float64)
        total = max(float(load.sum()), 1e-12)
        pitch_y_m, pitch_x_m = mat.pitch_m
        x = float(load.sum(0) @ (np.arange(mat.cols) + 0.5)) / total * pitch_x_m
        y = float(load.sum(1) @ (np.arange(mat.rows) + 0.5)) / total * pitch_y_m
        return self.origin_m(mat, (x, y))

    def resample(self, frames: np.ndarray, mat: Mat, origin_m: tuple[float, float] | None = None) -> np.ndarray:
        """Mean pressure over every canvas cell; force is preserved, cells beside the mat are zero.

        Args:
            frames: (T, rows, cols) pressure on the mat; NaN counts as no force.
            mat: the mat.
            origin_m: (x, y) of the canvas corner; by default :meth:`origin_m`.

        Returns:
            (T, self.rows, self.cols) float32, in the unit of ``frames``.

        Example:
            >>> mat = Mat(40, 20, 0.04, 0.04)
            >>> on_canvas = Canvas().resample(np.ones((1, 40, 20), np.float32), mat)
            >>> round(float(on_canvas.sum()) * 0.032**2, 4) == round(40 * 20 * 0.04**2, 4)
            True
        """
        along, across = self._weights(mat, origin_m)
        # einsum over batches would build (T, H, cols) twice; two matmuls reuse the fast kernels
        return np.matmul(np.matmul(along, np.nan_to_num(frames, nan=0.0)), across.T)

    def coverage(self, mat: Mat, origin_m: tuple[float, float] | None = None) -> np.ndarray:
        """Share of every canvas cell that lies on the mat: (rows, cols) float32 in 0..1."""
        along, across = self._weights(mat, origin_m)
        return np.outer(along.sum(1), across.sum(1)).astype(np.float32)

    def force_outside(self, frames: np.ndarray, mat: Mat, origin_m: tuple[float, float] | None = None) -> np.ndarray:
        """Share of each frame's force that falls outside the canvas: (T,) float32 in 0..1."""
        along, across = self._weights(mat, origin_m)
        pitch_y_m, pitch_x_m = mat.pitch_m
        inside = np.outer(along.sum(0) * self.cell_m / pitch_y_m, across.sum(0) * self.cell_m / pitch_x_m)
        force = np.clip(np.nan_to_num(frames, nan=0.0), 0.0, None)
        total = force.sum((1, 2))
        return 1.0 - np.divide((force * inside).sum((1, 2)), total, out=np.ones_like(total), where=total > 0)

    def xy_m(self, xy_norm: np.ndarray, mat: Mat, origin_m: tuple[float, float] | None = None) -> np.ndarray:
        """Canvas coordinates to metres in the mat's frame.

        Args:
            xy_norm: (..., 2), x and y in [-1, 1] over the canvas's outer edges.

        Returns:
            (..., 2) metres from the mat's head-left corner.
        """
        origin = np.asarray(self.origin_m(mat) if origin_m is None else origin_m)
        return (np.asarray(xy_norm) + 1) / 2 * (self.width_m, self.height_m) + origin

    def _weights(self, mat: Mat, origin_m: tuple[float, float] | None) -> tuple[np.ndarray, np.ndarray]:
        x, y = self.origin_m(mat) if origin_m is None else origin_m
        pitch_y_m, pitch_x_m = mat.pitch_m
        along = _overlap(self.rows, self.cell_m, y, mat.rows, pitch_y_m)
        return along, _overlap(self.cols, self.cell_m, x, mat.cols, pitch_x_m)


NATIVE = Canvas()
"""64 x 32 cells of 32 mm: holds every bed mat."""

PAPER = Canvas(256, 256, 0.010)
"""256 x 256 cells of 10 mm: the paper's input."""
