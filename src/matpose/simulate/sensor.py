"""The sensor: what a real mat reads of the pressure that lies on it.

In the order of the physics: the cover spreads the load, cells of unlike gain turn it into a signal that creeps
and leaks along rows and columns, and electronics of limited range and resolution read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.simulate.sensor_ranges import SensorRanges

CREEP_ONSET_S = 10.0  # measured: 1 + c log(1 + t / 10 s) follows the first minute within .1 %
CREEP_FULL_S = 1800.0
HOT = 4.095  # a hot cell may read the converter's ceiling, this many times the full scale
BLOCK_CELLS = 1 << 19  # frames go through in blocks that stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Sensor:
    """One mat's sensor: its errors, fixed for a recording.

    Args:
        mat: the mat.
        gain: (rows, cols) float32, reading over pressure.
        row_crosstalk, col_crosstalk: (rows,), (cols,) float32, share of the line's mean that each of its
            cells reads besides its own load.
        blur_cells: sd of the spread over neighbouring cells.
        creep: relative rise of a steady load's reading in 30 minutes.
        noise_kpa, noise_root_kpa: sd of the noise of an unloaded cell, and its growth with the load.
        offset_kpa: (rows, cols) float32, reading of an unloaded cell.
        threshold_kpa: readings below come out as zero.
        full_scale_kpa: readings above come out as this.
        step_kpa: of the quantised readings; 0 for none.
        fault_kpa: (rows, cols) float32, what a faulty cell reads whatever lies on it; NaN where sound.

    Example:
        >>> from matpose.mat import preset
        >>> rng = np.random.default_rng(0)
        >>> sensor = Sensor.drawn(preset("pmatdata-i"), rng)
        >>> sensor.read(np.ones((5, 64, 32), np.float32), np.arange(5.0), rng).shape
        (5, 64, 32)
    """

    mat: Mat
    gain: np.ndarray
    row_crosstalk: np.ndarray
    col_crosstalk: np.ndarray
    offset_kpa: np.ndarray
    fault_kpa: np.ndarray
    blur_cells: float = 0.0
    creep: float = 0.0
    noise_kpa: float = 0.0
    noise_root_kpa: float = 0.0
    threshold_kpa: float = 0.0
    full_scale_kpa: float = inf
    step_kpa: float = 0.0

    @staticmethod
    def ideal(mat: Mat) -> Sensor:
        """A sensor that reads the true pressure."""
        grid = (mat.rows, mat.cols)
        return Sensor(
            mat=mat,
            gain=np.ones(grid, np.float32),
            row_crosstalk=np.zeros(mat.rows, np.float32),
            col_crosstalk=np.zeros(mat.cols, np.float32),
            offset_kpa=np.zeros(grid, np.float32),
            fault_kpa=np.full(grid, np.nan, np.float32),
        )

    @staticmethod
    def drawn(mat: Mat, rng: np.random.Generator, ranges: SensorRanges = SensorRanges()) -> Sensor:
        """A sensor of the population.

        Args:
            mat: the mat; the full scale is its own where it says one.
            rng: the only source of chance.
            ranges: the population.
        """
        rows, cols = mat.rows, mat.cols
        line_gain_sd = rng.uniform(*ranges.line_gain_sd)
        gain = _gains(rng, ranges.gain_sd, ()) * _gains(rng, rng.uniform(*ranges.cell_gain_sd), (rows, cols))
        gain = gain * _gains(rng, line_gain_sd, (rows, 1)) * _gains(rng, line_gain_sd, (1, cols))
        row_crosstalk, col_crosstalk = (
            rng.uniform(*ranges.crosstalk) * _gains(rng, 0.6, (lines,)) for lines in (rows, cols)
        )
        full_scale_kpa = rng.uniform(*ranges.full_scale_kpa)
        if mat.counts is not None:
            full_scale_kpa = mat.counts.full_scale_kpa
        bits = rng.integers(*ranges.bits, endpoint=True)
        return Sensor(
            mat=mat,
            gain=gain.astype(np.float32),
            row_crosstalk=row_crosstalk.astype(np.float32),
            col_crosstalk=col_crosstalk.astype(np.float32),
            blur_cells=rng.uniform(*ranges.blur_cells),
            creep=rng.uniform(*ranges.creep),
            noise_kpa=rng.uniform(*ranges.noise_kpa),
            noise_root_kpa=rng.uniform(*ranges.noise_root_kpa),
            offset_kpa=rng.normal(0, rng.uniform(*ranges.offset_kpa), (rows, cols)).astype(np.float32),
            threshold_kpa=rng.uniform(*ranges.threshold_kpa),
            full_scale_kpa=full_scale_kpa,
            step_kpa=full_scale_kpa / (2**bits - 1),
            fault_kpa=_faults(mat, rng, ranges, full_scale_kpa),
        )

    def read(self, true_kpa: np.ndarray, time_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What the mat reads.

        The creep has no memory: it is a function of ``time_s``, so count the time from when the load came to
        lie, anew after each turn. A recording may be read in chunks of any length: with the same ``rng``
        passed on they give what one call gives.

        Args:
            true_kpa: (T, rows, cols) pressure on every cell, not negative.
            time_s: (T,) seconds since the load came to lie.
            rng: of the noise.

        Returns:
            (T, rows, cols) float32 in kPa, not negative.

        Raises:
            MatposeError: frames that do not fit the mat or the times, or pressures or times below zero or
                not finite.
        """
        true_kpa, grid = np.asarray(true_kpa), (self.mat.rows, self.mat.cols)
        if true_kpa.shape != (len(time_s), *grid):
            raise MatposeError(
                f"pressure of shape {true_kpa.shape} at {len(time_s)} times on a mat of {grid[0]} x {grid[1]} cells",
                mend="give one frame a time, on the mat's own grid",
            )
        creep = self.creep_at(time_s).astype(np.float32)
        reading = np.empty(true_kpa.shape, np.float32)
        block = max(1, BLOCK_CELLS // self.gain.size)
        for start in range(0, len(reading), block):
            part = slice(start, start + block)
            reading[part] = self._converted(self._loaded(true_kpa[part], creep[part]), rng)
        return reading

    def creep_at(self, time_s: np.ndarray) -> np.ndarray:
        """Reading of a steady load over its first: ``1 + creep log(1 + t / 10 s) / log(1 + 1800 s / 10 s)``.

        Args:
            time_s: (T,) seconds since the load came to lie.

        Returns:
            (T,) float64, from 1.

        Raises:
            MatposeError: times below zero or not finite.
        """
        time_s = np.asarray(time_s, np.float64)
        if not ((time_s >= 0) & (time_s < inf)).all():
            raise MatposeError("a time is below zero or not finite", mend="give seconds since the load came to lie")
        return 1 + self.creep * np.log1p(time_s / CREEP_ONSET_S) / np.log1p(CREEP_FULL_S / CREEP_ONSET_S)

    def _loaded(self, true_kpa: np.ndarray, creep: np.ndarray) -> np.ndarray:
        """What the load does to the cells, without chance: blur, gain, creep, cross-talk; (T, rows, cols)."""
        if not (true_kpa.min() >= 0 and true_kpa.max() < inf):
            raise MatposeError("a pressure is below zero or not finite", mend="give the true pressure of every cell")
        felt = true_kpa.astype(np.float32, copy=False)
        if self.blur_cells:
            felt = np.matmul(_spread(self.mat.rows, self.blur_cells), felt)
            felt = np.matmul(felt, _spread(self.mat.cols, self.blur_cells))
        felt = felt * self.gain
        felt *= creep[:, None, None]
        from_row = felt.mean(2, keepdims=True) * self.row_crosstalk[:, None]
        from_col = felt.mean(1, keepdims=True) * self.col_crosstalk
        felt += from_row
        felt += from_col
        return felt

    def _converted(self, felt: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What the electronics make of it: noise, offset, threshold, saturation, faults, steps. Changes ``felt``."""
        if self.noise_kpa or self.noise_root_kpa:
            sd_kpa = np.sqrt(felt * np.float32(self.noise_root_kpa**2) + np.float32(self.noise_kpa**2))
            felt += rng.standard_normal(felt.shape, np.float32) * sd_kpa
        felt += self.offset_kpa
        felt[felt < self.threshold_kpa] = 0
        np.minimum(felt, np.float32(self.full_scale_kpa), out=felt)
        faulty = np.isfinite(self.fault_kpa)
        felt[:, faulty] = self.fault_kpa[faulty]
        if self.step_kpa:
            np.rint(felt / np.float32(self.step_kpa), out=felt)
            felt *= np.float32(self.step_kpa)
        return felt


@lru_cache(maxsize=64)  # a sensor is read in many chunks
def _spread(cells: int, blur_cells: float) -> np.ndarray:
    """Share of each cell's load that each cell along the line feels: (cells, cells) float32, symmetric.

    The heat kernel of a line with closed ends, from its cosine modes: its variance is exact where a sampled
    Gaussian's is not at this width, an even load stays even, and no force is lost at the edges.
    """
    wave = np.pi * np.arange(cells) / cells
    mode = np.cos(np.outer(np.arange(cells) + 0.5, wave)) * np.sqrt(2 / cells)
    mode[:, 0] = np.sqrt(1 / cells)
    kernel = (mode * np.exp(blur_cells**2 * (np.cos(wave) - 1))) @ mode.T
    kernel = np.maximum(kernel, 0).astype(np.float32)  # rounding leaves -1e-17 far away
    kernel.flags.writeable = False
    return kernel


def _gains(rng: np.random.Generator, sd: float, shape: tuple[int, ...]) -> np.ndarray:
    """Log-normal gains of mean 1 and relative sd ``sd``."""
    log_sd = np.sqrt(np.log1p(sd**2))
    return rng.lognormal(-(log_sd**2) / 2, log_sd, shape)


def _faults(mat: Mat, rng: np.random.Generator, ranges: SensorRanges, full_scale_kpa: float) -> np.ndarray:
    """What faulty cells read: (rows, cols) float32, NaN where sound."""
    grid = (mat.rows, mat.cols)
    fault_kpa = np.full(grid, np.nan)
    stuck, hot = (rng.random(grid) < chance for chance in (ranges.stuck_cell, ranges.hot_cell))
    fault_kpa[stuck] = full_scale_kpa * rng.uniform(0.05, 0.5, stuck.sum())
    fault_kpa[hot] = full_scale_kpa * rng.uniform(1, HOT, hot.sum())
    dead = rng.random(grid) < ranges.dead_cell
    dead |= rng.random((mat.rows, 1)) < ranges.dead_line
    dead |= rng.random((1, mat.cols)) < ranges.dead_line
    fault_kpa[dead] = 0
    return fault_kpa.astype(np.float32)
