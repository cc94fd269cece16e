"""What presses on an uncalibrated mat while somebody lies wholly on it, and what speaks against trusting it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matpose.quality import clean
from matpose.recording import Flag, Recording

WHOLLY = 0.7  # of the upper quartile of the force: supine to lateral is .84, half a body .5
NOT_LYING = Flag.EMPTY_BED | Flag.CORRUPTED
MOST = 4000  # frames; a night of more says no more

# shares of the force beyond which doubt is due; 102 recordings of PmatData reach .11, .06, 0 and 0
SPREAD, BORDER, BELOW_ZERO, FLOOR = 0.2, 0.08, 0.1, 0.1
SATURATED = 0.1  # there .03 in the median, up to .17 on the side


@dataclass(frozen=True)
class Load:
    """What presses on the mat, in counts above zero.

    Args:
        frames: those in which somebody lies wholly on the mat.
        quartiles: lower quartile, median and upper quartile over these, each frame summed over its cells.
        saturated: share of the median that saturated cells carry.
        border: share that the outermost cells carry.
        below_zero: share that readings below zero take away.
        floor_count: count of the least loaded cells, the 5th percentile.
        floor: share of the median if every cell carried that.
    """

    frames: int
    quartiles: tuple[float, float, float]
    saturated: float
    border: float
    below_zero: float
    floor_count: float
    floor: float

    @property
    def spread(self) -> float:
        """Interquartile range as a share of the median."""
        return (self.quartiles[2] - self.quartiles[0]) / self.quartiles[1]

    def doubts(self) -> tuple[str, ...]:
        """Sentences on what makes the sum a poor measure of a person; none if all is as usual."""
        found = (
            (self.spread > SPREAD, f"the force varies by {self.spread:.0%}: take a recording of somebody lying still"),
            (
                self.saturated > SATURATED,
                f"saturated cells carry {self.saturated:.0%} of the force and hide what is above their full scale",
            ),
            (
                self.border > BORDER,
                f"{self.border:.0%} of the force is at the mat's border: somebody may lie partly beside it",
            ),
            (
                self.below_zero > BELOW_ZERO,
                f"readings below zero take away {self.below_zero:.0%} of the force: "
                "the zero may be too high, or the empty mat not empty",
            ),
            (
                self.floor > FLOOR,
                f"the least loaded cells read {self.floor_count:g} counts above zero, over the whole mat "
                f"{self.floor:.0%} of the force; if nothing lies on them, give --zero-count or --zero",
            ),
        )
        return tuple(doubt for holds, doubt in found if holds)


def weigh(zeroed: Recording, full_scale: np.ndarray | float) -> Load | None:
    """Sum what presses on the mat, over the frames in which somebody lies wholly on it.

    Those frames are neither empty nor corrupted, and their sum is no more than 30 % below the upper quartile
    or as much above it, which leaves out who comes, goes or sits at the edge. Of many, at most 4000 evenly
    spaced ones are taken. Hot, dead and stuck cells count as :func:`matpose.quality.clean` mends them; cells
    without a reading otherwise carry nothing.

    Args:
        zeroed: counts above zero, flagged.
        full_scale: count above zero of a saturated cell: one number, or (rows, cols); infinite where unknown.

    Returns:
        The load, or None where nobody lies.

    Example:
        >>> from matpose.mat import Mat
        >>> counts = np.zeros((4, 50, 20), np.float32)
        >>> counts[:3, 10:40, 5:15] = 500
        >>> recording = Recording(counts, Mat(50, 20, 0.04, 0.04), "raw", np.arange(4.0), np.array([0, 0, 0, 128]))
        >>> load = weigh(recording, np.inf)
        >>> load.frames, load.quartiles, load.doubts()
        (3, (150000.0, 150000.0, 150000.0), ())
    """
    indices = np.flatnonzero((zeroed.flags & NOT_LYING) == 0)
    if not len(indices):
        return None
    lying = zeroed.select(indices[:: -(-len(indices) // MOST)])
    mended = _known(clean(lying)[0].frames)
    # cleaning lifts noise below zero, which would give every unloaded cell a weight
    below = _per_frame(np.minimum(_known(lying.frames), 0))
    total = _per_frame(mended) + below
    upper = np.percentile(total, 75)
    used = (total >= WHOLLY * upper) & (total <= upper / WHOLLY)
    if upper <= 0 or not used.any():
        return None
    low, median, high = (float(count) for count in np.percentile(total[used], (25, 50, 75)))
    cells = mended[used]
    floor_count = float(np.nanpercentile(lying.frames[used], 5))
    return Load(
        frames=len(cells),
        quartiles=(low, median, high),
        saturated=float(np.median(_per_frame(cells * (lying.frames[used] >= full_scale)))) / median,
        border=float(np.median(_per_frame(cells) - _per_frame(cells[:, 1:-1, 1:-1]))) / median,
        below_zero=-float(np.median(below[used])) / median,
        floor_count=floor_count,
        floor=floor_count * cells[0].size / median,
    )


def _known(frames: np.ndarray) -> np.ndarray:
    """Cells without a reading carry nothing."""
    return np.where(np.isfinite(frames), frames, np.float32(0))


def _per_frame(cells: np.ndarray) -> np.ndarray:
    """Sum over the cells of every frame: (T,) float64."""
    return cells.sum((1, 2), dtype=np.float64)
