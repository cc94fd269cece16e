"""Where on a mat somebody may lie: anywhere, or on one half of it beside a partner."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matpose.mat import Mat
from matpose.simulate.contact import Place
from matpose.simulate.scene import WEIGHT, draw_place
from matpose.simulate.settle import Lying

APART_M = 0.05  # between the bounding boxes of two people, where the mat is wide enough
TOUCH_M = 0.01  # between their skins, where it is not
STRIP_M = 0.03  # of the mat's length, in which two people are kept from each other
BEYOND_M = 1.0  # of these strips before the head edge and behind the foot edge
COUPLE_STYLES = tuple(name for name in WEIGHT if name != "starfish" and "roll" not in name)
"""Nobody sprawls beside a partner, or puts a wedge between."""


@dataclass(frozen=True)
class Alone:
    """The whole mat for one."""

    mat: Mat
    styles: tuple[str, ...] = tuple(WEIGHT)

    def place(self, lying: Lying, before: Place | None, rng: np.random.Generator) -> Place:
        """Where they were before, else somewhere."""
        return before or draw_place(lying, self.mat, rng)

    def excess_m(self, lying: Lying, place: Place) -> float:
        """Who is alone is never in the way."""
        return 0.0

    def take(self, lying: Lying, place: Place) -> None:
        """Nobody asks for it."""

    def leave(self) -> None:
        """Nobody waits for it."""


@dataclass
class Half:
    """One half of a mat for two; it knows how far its own sleeper reaches.

    Lengths are measured inwards from the half's own outer edge, so that left and right are one.

    Args:
        mat: the whole.
        right: which half.
    """

    mat: Mat
    right: bool
    styles: tuple[str, ...] = COUPLE_STYLES

    def __post_init__(self) -> None:
        self._partner: Half | None = None
        self._reach_m = self._nobody()

    @staticmethod
    def pair(mat: Mat, right: bool) -> tuple[Half, Half]:
        """Both halves of a mat, the right one or the left one first."""
        one, other = Half(mat, right), Half(mat, not right)
        one._partner, other._partner = other, one
        return one, other

    def place(self, lying: Lying, before: Place | None, rng: np.random.Generator) -> Place:
        """About where they were or in the middle of the half: kept to it, on the mat, and off the partner.

        Of these three the last outweighs the second, and that the first: who is too wide for the room that the
        partner leaves hangs over the edge.
        """
        if before is None:
            drawn = draw_place(lying, self.mat.with_changes(cols=self.mat.cols // 2), rng)
            before = replace(drawn, mat=self.mat, x_m=drawn.x_m + self.right * self.mat.width_m / 2)
        inwards_m, reach_m = self._extent(lying, before)
        theirs_m = self._nobody() if self._partner is None else self._partner._reach_m
        over_middle_m = inwards_m.max() - (self.mat.width_m - APART_M) / 2
        too_near_m = inwards_m.max() + theirs_m.max() - (self.mat.width_m - APART_M)
        outwards_m = min(max(0.0, over_middle_m, too_near_m), inwards_m.min())
        outwards_m = max(outwards_m, (reach_m + theirs_m).max() - (self.mat.width_m - TOUCH_M))
        return replace(before, x_m=before.x_m + (outwards_m if self.right else -outwards_m))

    def excess_m(self, lying: Lying, place: Place) -> float:
        """How far they reach beyond the half, over its two edges."""
        inwards_m, _ = self._extent(lying, place)
        return max(-float(inwards_m.min()), 0) + max(float(inwards_m.max()) - self.mat.width_m / 2, 0)

    def take(self, lying: Lying, place: Place) -> None:
        """From now on they lie here."""
        self._reach_m = self._extent(lying, place)[1]

    def leave(self) -> None:
        """From now on nobody does."""
        self._reach_m = self._nobody()

    def _nobody(self) -> np.ndarray:
        return np.full(int((self.mat.height_m + 2 * BEYOND_M) / STRIP_M), -np.inf)

    def _extent(self, lying: Lying, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """How far inwards every point of the skin is, (N,), and the farthest of each strip, (strips,); metres."""
        at = place.to_mat(lying.skin_m())
        inwards_m = self.mat.width_m - at[:, 0] if self.right else at[:, 0]
        reach_m = self._nobody()
        strip = np.clip(((at[:, 1] + BEYOND_M) / STRIP_M).astype(int), 0, len(reach_m) - 1)
        for near in (-1, 0, 1):  # points of skin are two centimetres apart: a strip between two of them is theirs
            np.maximum.at(reach_m, np.clip(strip + near, 0, len(reach_m) - 1), inwards_m)
        return inwards_m, reach_m
