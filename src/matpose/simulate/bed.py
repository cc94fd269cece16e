"""The bed: how it pushes back, what lies on it, and how far it is raised.

An elastic foundation: pressure follows from how deep the skin is pressed in at that place, and foam stiffens as it is
squeezed flat. What the foundation lacks, foam's and cover's stiffness in bending and shear, is a blur of the pressure:
a narrow one, and a wide faint one from the stretched cover.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GAP_M, GAP_AT_M, GAP_WIDE_M = 0.045, 0.20, 0.10  # lost under the small of the back with the head raised by 60 degrees
FOAM_NU = 1.346  # (1 - nu) / ((1 + nu) (1 - 2 nu)) of foam with nu = .3


@dataclass(frozen=True)
class Block:
    """A pillow, a cushion or a wedge on the bed: soft, and between the body and the mat.

    Args:
        centre_m: (x, y) in the engine's frame.
        size_m: (across, along).
        height_m: of its unloaded top where it is highest.
        rises: 0 for a plateau with smooth edges; 1 or -1 for a wedge that rises from nothing towards +x or -x.
        edge_m: over which a plateau falls to the bed.
        even: share of what it bears that reaches the mat evenly over its base, as under a firm wedge.
    """

    centre_m: tuple[float, float]
    size_m: tuple[float, float]
    height_m: float
    rises: int = 0
    edge_m: float = 0.05
    even: float = 0.0

    def top_m(self, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
        """Height of its unloaded top at places on the bed; 0 beside it.

        Example:
            >>> wedge = Block((0.2, 0.0), (0.4, 1.0), 0.2, rises=1)
            >>> wedge.top_m(np.array([-0.1, 0.1, 0.3]), np.zeros(3)).round(6).tolist()
            [0.0, 0.05, 0.15]
        """
        beyond_x = np.abs(x_m - self.centre_m[0]) - self.size_m[0] / 2
        beyond_y = np.abs(y_m - self.centre_m[1]) - self.size_m[1] / 2
        inside = np.clip(1 - np.maximum(np.maximum(beyond_x, beyond_y), 0) / self.edge_m, 0, 1)
        if self.rises:
            share = self.rises * (x_m - self.centre_m[0]) / self.size_m[0] + 0.5
            return self.height_m * np.where(inside >= 1, np.clip(share, 0, 1), 0.0)
        return self.height_m * inside * inside * (3 - 2 * inside)


@dataclass(frozen=True)
class Bed:
    """What somebody lies on.

    Args:
        stiffness_kpa_m: pressure for each metre pressed in, at small depths.
        thickness_m: at which it is squeezed flat.
        spread_m: standard deviation of the narrow blur.
        faint: share of the pressure in the wide blur.
        faint_spread_m: its standard deviation.
        tissue_kpa_m: of flesh in series with the foam; bony places are firmer.
        raised_deg: how far the part under the trunk is raised.
        blocks: what lies on it.
        block_kpa_m: stiffness of those.
        block_spread_m: how far they spread what lies on them.
        wrinkles: standard deviation of what folds of sheet and clothing make of a cell's pressure, as a share.
        wrinkle_seed: of those.
    """

    stiffness_kpa_m: float = 90.0
    thickness_m: float = 0.13
    spread_m: float = 0.012
    faint: float = 0.12
    faint_spread_m: float = 0.045
    tissue_kpa_m: float = 300.0
    raised_deg: float = 0.0
    blocks: tuple[Block, ...] = ()
    block_kpa_m: float = 60.0
    block_spread_m: float = 0.02
    wrinkles: float = 0.0
    wrinkle_seed: int = 0

    @staticmethod
    def drawn(rng: np.random.Generator) -> Bed:
        """A bare flat bed at random: foam of 1.5 to 6 kPa, 10 to 16 cm thick."""
        thickness_m = rng.uniform(0.10, 0.16)
        return Bed(
            stiffness_kpa_m=FOAM_NU * np.exp(rng.uniform(np.log(1.5), np.log(6))) / thickness_m,
            thickness_m=thickness_m,
            spread_m=rng.uniform(0.004, 0.014),
            faint=rng.uniform(0.08, 0.32),
            faint_spread_m=rng.uniform(0.02, 0.055),
            tissue_kpa_m=rng.uniform(150, 500),
            block_kpa_m=rng.uniform(60, 300),
            block_spread_m=rng.uniform(0.004, 0.02),
            wrinkles=rng.uniform(0.10, 0.45),
            wrinkle_seed=int(rng.integers(2**31)),
        )

    @property
    def highest_m(self) -> float:
        """Of the unloaded surface."""
        return max((block.height_m for block in self.blocks), default=0.0)

    def surface_m(self, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
        """Height of the unloaded surface at places."""
        surface = np.zeros_like(x_m)
        if self.raised_deg:  # behind the bend the back stands clear
            surface -= GAP_M * self.raised_deg / 60 * np.exp(-(((y_m - GAP_AT_M) / GAP_WIDE_M) ** 2))
        for block in self.blocks:
            top = block.top_m(x_m, y_m)
            surface = np.where(top > 0, np.maximum(surface, top), surface)
        return surface

    def pressure_kpa(
        self, depth_m: np.ndarray, firmness: np.ndarray, narrow: np.ndarray, surface_m: np.ndarray
    ) -> np.ndarray:
        """Pressure on skin pressed in so deep; 0 where it is not.

        Args:
            depth_m: (n,) below the unloaded surface, negative above it.
            firmness: (n,) of the tissue there, 1 for flesh.
            narrow: (n,) how much more stiffly foam answers so narrow a piece.
            surface_m: (n,) height of the unloaded surface there.
        """
        foam = self.stiffness_kpa_m
        if self.blocks:
            foam = np.where(surface_m > 0.01, self.block_kpa_m, foam)
        foam = foam * narrow
        tissue = self.tissue_kpa_m * firmness
        series = foam * tissue / (foam + tissue)
        depth_m = np.maximum(depth_m, 0)
        return series * depth_m * (1 + 5 * (depth_m / self.thickness_m) ** 2)
