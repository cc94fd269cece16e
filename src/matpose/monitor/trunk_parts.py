"""The trunk as an elliptic cylinder, rolled as the body lies: how near cells are to it, and which skin lies there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matpose.monitor.body_build import ON_BACK, ON_FRONT, ON_SIDE, Build
from matpose.recording import JOINT_NAMES, PART_NAMES
from matpose.simulate.anthropometry import HIP_SPAN, SHOULDER_SPAN

_AT = {name: number for number, name in enumerate(JOINT_NAMES)}
_CODE = {name: code for code, name in enumerate(PART_NAMES)}
SHOULDERS_TELL = 0.65  # of the roll; the hips, which are closer together, tell the rest
LEAST_COS = 0.9  # of the roll of somebody on a side: 25 degrees


@dataclass(frozen=True)
class Trunk:
    """Where the trunk is and how it lies.

    Args:
        hips_m: (2,) midway between the hips.
        up, left: (2,) unit vectors: to the head, and to the left of somebody who lies on the back.
        length_m: from there to C7, as the mat sees it; NaN where the joints do not tell.
        facing: 1 lies on the left side and faces ``left``, -1 on the right side, 0 on back or front.
        roll: about the spine, radians: 0 on the back, pi on the front, positive onto the left side.
        stature_m: of the body.
        build: its shape in this posture.
    """

    hips_m: np.ndarray
    up: np.ndarray
    left: np.ndarray
    length_m: float
    facing: int
    roll: float
    stature_m: float
    build: Build

    @staticmethod
    def of(joints_m: np.ndarray, posture: str, stature_m: float) -> Trunk:
        """The trunk of a pose.

        Args:
            joints_m: (14, 2) in the order of ``JOINT_NAMES``; NaN where unknown.
            posture: of ``POSTURES``; other than lying ones are taken as the joints look.
            stature_m: of the body.
        """
        left_hip, right_hip, left_shoulder, right_shoulder = (
            joints_m[_AT[name]] for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
        )
        hips, neck = _middle(left_hip, right_hip), joints_m[_AT["thorax"]]
        spine = (neck if np.isfinite(neck[0]) else _middle(left_shoulder, right_shoulder)) - hips
        length = float(np.hypot(*spine))
        up = spine / max(length, 0.05)
        left = np.array([-up[1], up[0]])
        hip_span, shoulder_span = (
            min(max(float(np.nan_to_num((a - b) @ left)) / (share * stature_m), -1.0), 1.0)
            for a, b, share in ((left_hip, right_hip, HIP_SPAN), (left_shoulder, right_shoulder, SHOULDER_SPAN))
        )
        span = (1 - SHOULDERS_TELL) * hip_span + SHOULDERS_TELL * shoulder_span
        facing = {"left": 1, "right": -1}.get(posture, 0)
        if facing:
            build = ON_SIDE
            roll = facing * float(np.arccos(min(max(build.rolled * span, -LEAST_COS), LEAST_COS)))
        elif posture == "prone" or (posture != "supine" and span < 0):
            build, roll = ON_FRONT, np.pi
        else:
            build, roll = ON_BACK, 0.0
        return Trunk(hips, up, left, length, facing, roll, stature_m, build)

    def near(self, cells_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far cells are from the trunk, in radii and in metres, and its parts there.

        Args:
            cells_m: (N, 2) float32.

        Returns:
            (N,) and (N,) float32, from its middle line; (N,) uint8 codes of ``PART_NAMES``.
        """
        build, cos, sin = self.build, np.cos(self.roll), np.sin(self.roll)
        if not np.isfinite(self.length_m):
            nowhere = np.full(len(cells_m), np.inf, np.float32)
            return nowhere, nowhere, np.zeros(len(cells_m), np.uint8)
        length_m = max(self.length_m, 0.05)
        axes = np.column_stack([self.up / length_m, self.left / self.stature_m])
        height, aside = ((cells_m - self.hips_m.astype(np.float32)) @ axes.astype(np.float32)).T
        reach = float(np.hypot(build.half * cos, build.deep * sin))
        beyond = np.maximum(np.maximum(build.low - height, height - build.high), 0) * (length_m / self.stature_m)
        away = np.hypot(aside, beyond)
        # the underside of a rolled ellipse: aside = reach cos(angle - turn), below the middle
        turn = float(np.arctan2(build.deep * sin, build.half * cos))
        angle = turn - np.arccos(np.clip(aside / reach, -1, 1))
        code = self._codes(height, np.cos(angle), np.sin(angle))
        return (away / reach) ** build.power, away * self.stature_m, code

    def _codes(self, height: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
        """Parts of the skin at an angle around the cross-section, from the left over the front."""
        build = self.build
        code = np.where(height > build.lower, np.uint8(_CODE["lower_back"]), np.uint8(_CODE["sacrum"]))
        chest, aside = height > build.upper, np.abs(cos)
        code[chest] = _CODE["upper_back"]
        # the normal of an ellipse is along (cos / half, sin / deep)
        steep = [
            np.float32(front / (1 - front**2) ** 0.5 * build.deep / build.half) for front in (build.belly, build.chest)
        ]
        code[sin > np.where(chest, steep[1], steep[0]) * aside] = _CODE["chest_belly"]
        right = cos < 0
        hip = (height < build.hip_high) & (aside > build.hip_side / build.half)
        code[hip] = _CODE["left_hip"] + right[hip]
        shoulder = (height > build.shoulder_low) & (aside > build.shoulder_side / build.half)
        code[shoulder] = _CODE["left_shoulder"] + right[shoulder]
        return code


def _middle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Midway, or the one that is known."""
    return (np.where(np.isnan(a), b, a) + np.where(np.isnan(b), a, b)) / 2
