"""The shape of a body as it presses on a mat: on the back, on a side, on the front."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Build:
    """Sizes of the pieces that compete for a cell: of upper arm, forearm, thigh, shank and foot where there are five.

    They are fitted, not measured: cells are counted in the radii of each piece, so radii say how far its claim reaches,
    which is further than its flesh where no other piece is near. Radii and lengths are shares of stature, places along
    a bone or the spine are shares of its length, penalties are in radii.

    Args:
        head: from and to along the way from C7 to the vertex, and radius.
        begin: where a limb's bone begins to press, along it; of the foot, in shares of stature along the shank.
        near, far: radii at the first and the second joint.
        first: a part that belongs to the first joint ends here: shoulder, hip, and knee.
        knee: begins here along the thigh.
        hand: how far forearm and hand reach beyond the wrist, in lengths of the forearm.
        foot: along the shank; and outwards of those on the back, to the front of those on a side.
        lifted: penalty of a limb that does not press.
        unsure: penalty of a limb whose joints are uncertain.
        arm: penalty of arms, which lie on the trunk more often than under it.
        above: penalty of the limbs on the side that does not lie on the mat.
        half, deep: semi-axes of the trunk's cross-section, across and front to back.
        power: how the trunk's claim grows from its middle line to its radius, where it is 1.
        low, high: ends of the trunk along the spine, from the hips to C7.
        upper, lower: where upper and lower back begin.
        hip_high, hip_side: hips are lower and further aside.
        shoulder_low, shoulder_side: shoulders are higher and further aside.
        chest, belly: skin is of the front where the front's share of its normal is above, on upper and on lower trunk.
        rolled: how far the spans of shoulders and hips are believed to tell the roll of those on a side.
    """

    head: tuple[float, float, float]
    begin: tuple[float, ...]
    near: tuple[float, ...]
    far: tuple[float, ...]
    first: tuple[float, ...]
    knee: float
    hand: float
    foot: tuple[float, float]
    lifted: float
    unsure: float
    arm: float
    above: float
    half: float
    deep: float
    power: float
    low: float
    high: float
    upper: float
    lower: float
    hip_high: float
    hip_side: float
    shoulder_low: float
    shoulder_side: float
    chest: float
    belly: float
    rolled: float

    @cached_property
    def bones(self) -> tuple[np.ndarray, ...]:
        """Of the head, the left limbs and the right: begin, near, far, first, last, penalty; (11,) each."""
        begin, _, radius = self.head
        beyond = 2.0  # the end of a bone that ends in no other part
        last = (beyond, beyond, self.knee, beyond, beyond)
        of_head_and_limb = (
            (begin, (*self.begin[:4], 0.0)), (radius, self.near), (radius, self.far), (0.0, self.first),
            (beyond, last), (0.0, (self.arm, self.arm, 0.0, 0.0, 0.0)),
        )  # fmt: skip
        return tuple(np.array((head, *limb, *limb)) for head, limb in of_head_and_limb)


# fitted to the true part masks of simulated nights and bodies, by the peak pressures and forces of every part
ON_BACK = Build(
    head=(0.148, 1.227, 0.106), begin=(-0.044, 0.03, 0.209, 0.0, -0.007),
    near=(0.092, 0.054, 0.073, 0.04, 0.034), far=(0.032, 0.026, 0.024, 0.024, 0.085),
    first=(0.201, 0.0, 0.018, 0.11, 0.0), knee=0.819, hand=0.14, foot=(0.004, 0.003), lifted=1.027,
    unsure=0.017, arm=0.193, above=0.0, half=0.137, deep=0.054, power=1.996, low=-0.001, high=0.88, upper=0.542,
    lower=0.199, hip_high=0.267, hip_side=0.068, shoulder_low=0.855, shoulder_side=0.074, chest=0.159,
    belly=0.159, rolled=0.0,
)  # fmt: skip
ON_SIDE = Build(
    head=(0.709, 0.636, 0.055), begin=(0.024, 0.003, 0.098, 0.004, 0.01),
    near=(0.083, 0.062, 0.095, 0.051, 0.071), far=(0.016, 0.151, 0.044, 0.024, 0.021),
    first=(0.186, 0.0, 0.074, 0.115, 0.0), knee=0.811, hand=0.49, foot=(-0.021, 0.097), lifted=0.755,
    unsure=0.007, arm=0.182, above=0.235, half=0.107, deep=0.102, power=0.989, low=-0.004, high=0.763,
    upper=0.551, lower=0.172, hip_high=0.23, hip_side=0.068, shoulder_low=0.824, shoulder_side=0.071,
    chest=0.309, belly=0.368, rolled=0.963,
)  # fmt: skip
ON_FRONT = Build(
    head=(0.176, 1.263, 0.082), begin=(0.001, 0.013, 0.109, -0.009, -0.012),
    near=(0.061, 0.047, 0.079, 0.083, 0.01), far=(0.033, 0.082, 0.075, 0.057, 0.05),
    first=(0.174, 0.0, 0.023, 0.148, 0.0), knee=0.829, hand=0.639, foot=(0.06, 0.002), lifted=0.692,
    unsure=0.014, arm=0.117, above=0.0, half=0.117, deep=0.017, power=1.207, low=0.057, high=0.916, upper=0.937,
    lower=0.151, hip_high=0.243, hip_side=0.065, shoulder_low=1.137, shoulder_side=0.067, chest=-0.99,
    belly=-0.99, rolled=0.0,
)  # fmt: skip
