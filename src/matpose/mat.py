"""The mat: a grid of pressure cells of known pitch, and how its stored arrays are turned to the canonical view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from matpose.errors import MatposeError

KPA_PER_UNIT = {
    "kPa": 1.0, "mmHg": 0.133322, "psi": 0.133322 * 51.715, "N/cm2": 10.0, "Pa": 1e-3, "MPa": 1e3,
    "bar": 100.0, "mbar": 0.1, "kgf/cm2": 98.0665, "gf/cm2": 0.0980665, "cmH2O": 0.0980665, "inH2O": 0.249089,
}  # fmt: skip


@dataclass(frozen=True)
class CountScale:
    """How a sensor's counts become pressure: ``kPa = (count - zero_count) * kpa_per_count``.

    Args:
        kpa_per_count: pressure of one count, kPa.
        zero_count: count of an unloaded cell.
        full_scale_kpa: pressure above which a cell is saturated, kPa.

    Raises:
        MatposeError: numbers that no sensor has.
    """

    kpa_per_count: float
    zero_count: float
    full_scale_kpa: float

    def __post_init__(self) -> None:
        if not (0 < self.kpa_per_count < inf and abs(self.zero_count) < inf and 0 < self.full_scale_kpa < inf):
            raise MatposeError(
                f"counts of {self.kpa_per_count:g} kPa from {self.zero_count:g} up to {self.full_scale_kpa:g} kPa",
                mend="give finite numbers, the scale and the full scale above 0",
            )


@dataclass(frozen=True)
class Mat:
    """A pressure mat: grid, pitch, and the way from its stored array to the canonical view.

    Canonical frames have the head edge at row 0 and are seen from above. ``rotate`` (clockwise degrees)
    is applied to the stored array, then ``mirror`` flips the columns; ``rows``, ``cols`` and the pitches
    describe the result.

    Args:
        rows, cols: cells from head to foot and across, in the canonical view.
        pitch_y_m, pitch_x_m: distance of cell centres along and across the mat, metres; both or neither.
        rotate: 0, 90, 180 or 270.
        mirror: whether the turned array is seen from below.
        name: the preset's name, if it is one.
        counts: how counts become pressure, where the maker or the literature says so.
        assumed: what of this is inferred, not stated by a source; shown to the user.

    Raises:
        MatposeError: a size, pitch or angle that no mat has.

    Example:
        >>> mat = Mat(64, 32, 0.0278, 0.0278)
        >>> round(mat.height_m, 3), round(mat.width_m, 3)
        (1.779, 0.89)
    """

    rows: int
    cols: int
    pitch_y_m: float | None
    pitch_x_m: float | None
    rotate: int = 0
    mirror: bool = False
    name: str | None = None
    counts: CountScale | None = None
    assumed: str | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= 4096 and 1 <= self.cols <= 4096):
            raise MatposeError(f"a mat of {self.rows} x {self.cols} cells", mend="give rows and columns from 1 to 4096")
        if self.rotate not in (0, 90, 180, 270):
            raise MatposeError(f"rotate is {self.rotate}", mend="use 0, 90, 180 or 270 degrees clockwise")
        for pitch in (self.pitch_y_m, self.pitch_x_m):
            if pitch is not None and not 0.0005 <= pitch <= 0.5:
                raise MatposeError(
                    f"a pitch of {pitch * 1000:g} mm", mend="give the distance of cell centres, 0.5 to 500 mm"
                )
        if (self.pitch_y_m is None) != (self.pitch_x_m is None):
            raise MatposeError("only one of the two pitches is known", mend="give both or neither")

    @property
    def pitch_m(self) -> tuple[float, float]:
        """(pitch_y_m, pitch_x_m), for work that needs metres.

        Raises:
            MatposeError: the pitch is not known.
        """
        if self.pitch_y_m is None or self.pitch_x_m is None:
            raise MatposeError(
                f"the pitch of this {self.rows} x {self.cols} mat is not known",
                mend="give --pitch-mm Y[xX], or --mat with a preset",
            )
        return self.pitch_y_m, self.pitch_x_m

    @property
    def height_m(self) -> float:
        """Head edge to foot edge, metres."""
        return self.rows * self.pitch_m[0]

    @property
    def width_m(self) -> float:
        """Across, metres."""
        return self.cols * self.pitch_m[1]

    @property
    def stored_shape(self) -> tuple[int, int]:
        """Rows and columns of the array as the file stores it."""
        return (self.cols, self.rows) if self.rotate in (90, 270) else (self.rows, self.cols)

    def canonical(self, stored: np.ndarray) -> np.ndarray:
        """Turn stored frames to the canonical view: head edge at row 0, seen from above.

        Args:
            stored: (..., stored rows, stored cols), as the file has them.

        Returns:
            (..., rows, cols) view of the same values.

        Example:
            >>> Mat(1, 2, None, None, rotate=90).canonical(np.array([[1], [2]]))
            array([[2, 1]])
        """
        turned = np.rot90(stored, k=-(self.rotate // 90), axes=(-2, -1))
        return turned[..., ::-1] if self.mirror else turned

    def stored(self, canonical: np.ndarray) -> np.ndarray:
        """Undo :meth:`canonical`: (..., rows, cols) back to the array as a file stores it."""
        turned = canonical[..., ::-1] if self.mirror else canonical
        return np.rot90(turned, k=self.rotate // 90, axes=(-2, -1))

    def with_changes(self, **changes) -> Mat:
        """A copy with some fields replaced; it is no longer the preset it came from."""
        return replace(self, **({"name": None} | changes))


_MMHG = KPA_PER_UNIT["mmHg"]

PRESETS: dict[str, Mat] = {
    mat.name: mat
    for mat in (
        # Vista Medical FSA SoftFlex 2048: 0-100 mmHg over 0-1000 counts; stored as seen from below.
        Mat(
            64, 32, 0.0278, 0.0278, mirror=True, name="pmatdata-i",
            counts=CountScale(0.1 * _MMHG, 0.0, 100 * _MMHG),
            assumed="pitch 27.8 mm, fitted to the subjects' stature and weight",
        ),
        # Vista BodiTrak BT3510: 0-100 mmHg over 0-500 counts above a baseline; a half turn and a mirror off.
        Mat(
            64, 27, 0.0286, 0.0275, rotate=180, mirror=True, name="pmatdata-ii",
            counts=CountScale(0.2 * _MMHG, 44.0, 100 * _MMHG),
            assumed="baseline of 44 counts, read off unloaded cells",
        ),
        Mat(192, 84, 0.01016, 0.01016, name="bpms"),  # Tekscan Body Pressure Measurement System
        Mat(192, 84, 0.01016, 0.01016, name="slp"),  # the BPMS mat of the SLP dataset
        Mat(64, 27, 0.0286, 0.0275, name="bt3510"),  # BodiTrak BT3510, already canonical
        Mat(56, 40, 0.0311, 0.0195, name="tip"),  # PIMesh's TIP mat
        Mat(
            30, 11, 0.060, 0.075, name="hlppdat",
            assumed="pitch 60 x 75 mm, chosen so that the subjects' statures and widths fit",
        ),
        Mat(
            96, 96, 0.01905, 0.01905, name="carpet",
            assumed="pitch 19.05 mm: 36 square feet over 96 x 96 cells",
        ),
    )
    if mat.name
}  # fmt: skip


def preset(name: str) -> Mat:
    """The mat preset of that name.

    Raises:
        MatposeError: no such preset; names the ones there are.

    Example:
        >>> preset("bpms").rows
        192
    """
    if name not in PRESETS:
        raise MatposeError(f"no mat preset is called {name!r}", mend=f"choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def presets_of_grid(stored_rows: int, stored_cols: int) -> tuple[str, ...]:
    """Names of the presets whose files store arrays of this shape.

    Example:
        >>> presets_of_grid(64, 27)
        ('pmatdata-ii', 'bt3510')
    """
    return tuple(name for name, mat in PRESETS.items() if mat.stored_shape == (stored_rows, stored_cols))
