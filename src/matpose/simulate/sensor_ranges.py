"""How widely sensors vary: what we measured on real mats, and what is said of others.

Measured are static recordings of a resistive mat, PmatData experiment i, subjects 1 to 6; the comments give
what they gave. Blur, thresholds, full scales and chances of faults are assumed from other makers' mats.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from matpose.errors import MatposeError
from matpose.mat import KPA_PER_UNIT

Range = tuple[float, float]
CHANCES = ("dead_cell", "stuck_cell", "hot_cell", "dead_line")


@dataclass(frozen=True)
class SensorRanges:
    """How widely sensors vary; each range is (low, high), drawn uniformly once a sensor.

    Args:
        gain_sd: relative sd of the whole mat's gain between recordings.
        cell_gain_sd, line_gain_sd: relative sd of the gain of single cells, and of whole rows and columns.
        crosstalk: what a cell reads of the mean pressure of its row, and of its column; single lines vary
            around it by a factor of two.
        blur_cells: sd of the Gaussian that spreads a load over neighbouring cells.
        creep: relative rise of a steady load's reading in 30 minutes.
        noise_kpa: sd of an unloaded cell's readings.
        noise_root_kpa: growth of the noise with the load; its sd at 1 kPa, as the root of the pressure.
        offset_kpa: sd over cells of what is left of their zero readings.
        threshold_kpa: readings below come out as zero.
        full_scale_kpa: where cells saturate, on mats that do not say it themselves.
        bits: of the converter over the full scale, whole numbers.
        dead_cell, stuck_cell, hot_cell: chance of each cell.
        dead_line: chance of each row and column.

    Raises:
        MatposeError: a range that ends before it begins, or a value no sensor has.
    """

    gain_sd: float = 0.17  # force over weight varies by 15-20 % on one mat
    cell_gain_sd: Range = (0.03, 0.12)  # measured .085
    line_gain_sd: Range = (0.02, 0.12)  # measured rows .095, columns .055
    crosstalk: Range = (0.0, 0.035)  # measured rows .012, columns .008
    blur_cells: Range = (0.3, 0.8)
    creep: Range = (0.05, 0.40)  # measured .32, extrapolated from one minute
    noise_kpa: Range = (0.002, 0.03)  # measured .002; capacitive mats more
    noise_root_kpa: Range = (0.01, 0.03)  # measured .02, breathing included
    offset_kpa: Range = (0.0, 0.04)  # measured on experiment ii: .03 around its baseline
    threshold_kpa: Range = (0.0, 0.2)  # none measured; up to 1.5 mmHg by other makers
    full_scale_kpa: Range = (100 * KPA_PER_UNIT["mmHg"], 200 * KPA_PER_UNIT["mmHg"])
    bits: tuple[int, int] = (8, 12)  # measured 10
    dead_cell: float = 1e-4
    stuck_cell: float = 1e-4
    hot_cell: float = 5e-5  # measured: one map in eleven has one
    dead_line: float = 2e-4

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            low, high = value if isinstance(value, tuple) else (value, value)
            limits = {"bits": (1, 24), "full_scale_kpa": (0.001, 1e6), **dict.fromkeys(CHANCES, (0, 1))}
            lowest, highest = limits.get(field.name, (0, 1e6))
            if not lowest <= low <= high <= highest:
                raise MatposeError(
                    f"{field.name} is {value}", mend=f"give low, then high, from {lowest:g} to {highest:g}"
                )


SOFTFLEX = SensorRanges(
    cell_gain_sd=(0.08, 0.09),
    line_gain_sd=(0.05, 0.10),
    crosstalk=(0.008, 0.012),
    creep=(0.25, 0.40),
    noise_kpa=(0.002, 0.003),
    noise_root_kpa=(0.017, 0.022),
    offset_kpa=(0.0, 0.0),
    threshold_kpa=(0.0, 0.0),
    bits=(10, 10),
    dead_cell=0.0,
    stuck_cell=0.0,
    dead_line=0.0,
)
"""The mat of PmatData experiment i (Vista Medical FSA SoftFlex 2048), as measured on subjects 1 to 6."""
