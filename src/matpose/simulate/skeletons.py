"""Jointed skeletons lying flat on a mat: where the 14 joints of a made-up person are in a posture."""

from __future__ import annotations

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.recording import JOINT_NAMES
from matpose.simulate import anthropometry as table
from matpose.simulate.person import Person

JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
HEAD_TOP, NECK, TRUNK = table.HEAD_TOP_UP, table.NECK_UP, table.SHOULDER_UP
HIP_SPAN, SHOULDER_SPAN = table.HIP_SPAN, table.SHOULDER_SPAN
UPPER_ARM, FOREARM, THIGH, SHANK = table.UPPER_ARM, table.FOREARM, table.THIGH, table.SHANK
FEET = 0.1  # share of the shank that toes lie beyond the ankle, turned sideways
FLANK = 0.06  # flesh beyond the joints of the trunk, in shares of stature
HANDS = 0.25  # share of the forearm that the hand lies beyond the wrist
LENGTH = HEAD_TOP + THIGH + (1 + FEET) * SHANK + 0.005  # of someone lying straight
MARGIN_M = 0.01  # hands and toes keep this far from the mat's edge

OUTER = [JOINT[f"{side}_{end}"] for side in ("left", "right") for end in ("wrist", "ankle")]
INNER = [JOINT[f"{side}_{end}"] for side in ("left", "right") for end in ("elbow", "knee")]
TRUNK_JOINTS = [JOINT[f"{side}_{end}"] for side in ("left", "right") for end in ("hip", "shoulder")] * 2
BEYOND = np.array([[HANDS], [FEET]] * 2)


def fitted(person: Person, mat: Mat) -> Person:
    """The same build, small enough to lie straight on the mat."""
    return person.scaled(min(1.0, (mat.height_m - 2 * MARGIN_M) / (LENGTH * person.stature_m)))


def lie_down(person: Person, posture: str, mat: Mat, rng: np.random.Generator) -> np.ndarray:
    """Joints of a person lying in a posture at a random place of the mat.

    Limb angles are drawn within limits, and drawn again, ever closer to the body, until everything fits.

    Args:
        person: who.
        posture: "supine", "prone", "left" or "right".
        mat: where; pitch known.
        rng: draws angles and place.

    Returns:
        (14, 3) joints in metres in the mat's frame, in the order of ``JOINT_NAMES``.

    Raises:
        MatposeError: a mat too narrow for anybody.

    Example:
        >>> from matpose.mat import preset
        >>> rng = np.random.default_rng(0)
        >>> joints = lie_down(Person(1.7, 70, "a"), "supine", preset("bpms"), rng)
        >>> bool(joints[JOINT["left_hip"], 0] > joints[JOINT["right_hip"], 0])
        True
    """
    draw = _on_side if posture in ("left", "right") else _flat
    room = np.array([mat.width_m, mat.height_m]) - 2 * MARGIN_M
    for spread in np.linspace(1, 0, 30):
        xy = draw(posture, rng, spread) * person.stature_m
        turn = np.radians(rng.normal(0, 6)) * spread
        xy = xy @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        tips = xy[OUTER] + BEYOND * (xy[OUTER] - xy[INNER])
        sides = xy[TRUNK_JOINTS] + person.stature_m * np.array([[-FLANK, 0]] * 4 + [[FLANK, 0]] * 4)
        reach = np.concatenate([xy, tips, sides])
        size = np.ptp(reach, axis=0)
        if (size <= room).all():
            # people lie near the middle and near the pillow
            share = np.array([rng.beta(4, 4), rng.beta(2, 3)])
            xy += MARGIN_M + share * (room - size) - reach.min(0)
            return np.column_stack([xy, _heights(posture) * person.stature_m])
    raise MatposeError(
        f"nobody fits on a mat of {mat.height_m:.2f} x {mat.width_m:.2f} m",
        mend="simulate on a wider or longer mat",
    )


def _along(angle_deg: float, length: float) -> np.ndarray:
    """A vector towards the foot edge, turned by the angle towards +x."""
    angle = np.radians(angle_deg)
    return length * np.array([np.sin(angle), np.cos(angle)])


def _flat(posture: str, rng: np.random.Generator, spread: float) -> np.ndarray:
    """Supine or prone, in shares of stature around the hips' middle: (14, 2)."""
    xy = np.zeros((len(JOINT_NAMES), 2))
    xy[JOINT["thorax"]] = rng.normal(0, 0.004), -NECK
    xy[JOINT["head_top"]] = rng.normal(0, 0.02) * spread, -HEAD_TOP
    left_at = 1 if posture == "supine" else -1  # turned over, the left changes sides
    for side, x in (("left", left_at), ("right", -left_at)):
        hip, shoulder = np.array([x * HIP_SPAN / 2, 0.0]), np.array([x * SHOULDER_SPAN / 2, -TRUNK])
        raised = rng.random() < (0.6 if posture == "prone" else 0.12)
        abduction = (rng.uniform(95, 160) if raised else rng.uniform(4, 45)) * spread + 4
        elbow_bend = rng.uniform(0, 90) * (1 if raised else rng.choice([0.25, -0.6])) * spread
        thigh = rng.uniform(-2, 16) * spread
        shank = thigh - rng.uniform(-6, 18) * spread
        # a raised knee shortens the thigh and the shank seen from above
        raised_knee = posture == "supine" and rng.random() < 0.12 * spread
        short = np.cos(np.radians(rng.uniform(30, 60))) if raised_knee else 1.0
        xy[JOINT[f"{side}_hip"]], xy[JOINT[f"{side}_shoulder"]] = hip, shoulder
        xy[JOINT[f"{side}_knee"]] = knee = hip + _along(x * thigh, THIGH * short)
        xy[JOINT[f"{side}_ankle"]] = knee + _along(x * shank, SHANK * short)
        xy[JOINT[f"{side}_elbow"]] = elbow = shoulder + _along(x * abduction, UPPER_ARM)
        xy[JOINT[f"{side}_wrist"]] = elbow + _along(x * (abduction + elbow_bend), FOREARM)
    return xy


def _on_side(posture: str, rng: np.random.Generator, spread: float) -> np.ndarray:
    """Lying on a side, in shares of stature around the lower hip: (14, 2)."""
    faces = 1 if posture == "left" else -1
    xy = np.zeros((len(JOINT_NAMES), 2))
    lean = rng.uniform(-4, 14) * spread
    roll = np.sin(np.radians(rng.normal(0, 8)))  # the upper side a little before or behind the lower one
    trunk = -_along(-faces * lean, 1)
    xy[JOINT["thorax"]] = NECK * trunk + (-faces * 0.01, 0)
    xy[JOINT["head_top"]] = NECK * trunk - _along(-faces * (lean + rng.uniform(0, 20) * spread), HEAD_TOP - NECK)
    hip_flexion, knee_flexion = rng.uniform(8, 75) * spread, rng.uniform(15, 105) * spread
    arm, elbow_flexion = rng.uniform(15, 100) * spread, rng.uniform(15, 120) * spread
    upper = "right" if posture == "left" else "left"
    for side in ("left", "right"):
        above = side == upper
        hip = np.array([faces * roll * HIP_SPAN * above, 0.0])
        shoulder = TRUNK * trunk + (faces * (0.015 + roll * SHOULDER_SPAN * above), 0)
        more = rng.normal(12, 14) * spread * above
        thigh = np.clip(hip_flexion + more, 0, 100)
        shank = thigh - np.clip(knee_flexion + rng.normal(0, 10) * spread * above, 0, 125)
        upper_arm = arm + rng.normal(0, 25) * spread * above
        forearm = upper_arm + elbow_flexion * (rng.uniform(0.3, 1) if above else 1)
        xy[JOINT[f"{side}_hip"]], xy[JOINT[f"{side}_shoulder"]] = hip, shoulder
        xy[JOINT[f"{side}_knee"]] = knee = hip + _along(faces * thigh, THIGH)
        xy[JOINT[f"{side}_ankle"]] = knee + _along(faces * shank, SHANK)
        xy[JOINT[f"{side}_elbow"]] = elbow = shoulder + _along(faces * upper_arm, UPPER_ARM)
        xy[JOINT[f"{side}_wrist"]] = elbow + _along(faces * forearm, FOREARM)
    return xy


def _heights(posture: str) -> np.ndarray:
    """Joint centres above the mat, in shares of stature: (14,)."""
    z = np.full(len(JOINT_NAMES), 0.025)
    for name in ("hip", "shoulder"):
        for side in ("left", "right"):
            z[JOINT[f"{side}_{name}"]] = 0.05
    z[JOINT["thorax"]], z[JOINT["head_top"]] = 0.06, 0.06
    if posture in ("left", "right"):
        upper = "right" if posture == "left" else "left"
        above = {"hip": HIP_SPAN, "shoulder": SHOULDER_SPAN, "knee": 0.05, "ankle": 0.04, "elbow": 0.08}
        for name, rise in above.items():
            z[JOINT[f"{upper}_{name}"]] += rise
        z[JOINT["thorax"]] = z[JOINT["head_top"]] = SHOULDER_SPAN / 2
    return z
