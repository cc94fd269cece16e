"""The body as MuJoCo sees it: jointed masses that keep out of each other; the bed's forces come from outside."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.body import Body

engine: Any = mujoco  # its compiled names carry no types
TIMESTEP_S = 0.005
GIRDLE_N_M = 900.0  # of the shoulder against being pushed
PARENT = {
    "abdomen": "pelvis", "thorax": "abdomen", "head": "thorax",
    **{f"{side}_{name}": f"{side}_{above}" if above[0] != "*" else above[1:]
       for side in ("left", "right")
       for name, above in (("upper_arm", "*thorax"), ("forearm", "upper_arm"), ("hand", "forearm"),
                           ("thigh", "*pelvis"), ("shank", "thigh"), ("foot", "shank"))},
}  # fmt: skip

# Nm/rad towards the posture that somebody holds, and Nms/rad: limbs of a sleeper give way to their weight
_SPRING = {
    "abdomen": (120.0, 12.0), "thorax": (120.0, 12.0), "head": (6.0, 1.0),
    "upper_arm": (3.0, 0.6), "forearm": (1.5, 0.25), "hand": (0.6, 0.04),
    "thigh": (8.0, 3.0), "shank": (5.0, 1.2), "foot": (2.0, 0.15),
}  # fmt: skip
_HINGE = {"forearm": (-150, 5), "shank": (-5, 140), "foot": (-30, 70), "hand": (-70, 70)}  # degrees about x

# pieces that keep limbs out of the trunk and out of each other: (from, to, radius), at 1.75 m and 75 kg
_TRUNK_BITS, _ARM, _LEG = 1, 2, 4
_SOLID = {
    "pelvis": [((0.075, 0.02, -0.01), (-0.075, 0.02, -0.01), 0.095)],
    "abdomen": [((0.06, 0.08, 0.04), (-0.06, 0.08, 0.04), 0.085)],
    "thorax": [((0.06, 0.07, 0.02), (-0.06, 0.07, 0.02), 0.095), ((0.05, 0.20, 0.01), (-0.05, 0.20, 0.01), 0.09)],
    "head": [((0, 0.13, 0.02), (0, 0.17, 0.02), 0.075)],
    "upper_arm": [((0, -0.06, 0), (0, -0.30, 0), 0.042)],
    "forearm": [((0, 0, 0), (0, -0.24, 0), 0.034)],
    "hand": [((0, -0.03, 0), (0, -0.14, 0), 0.022)],
    "thigh": [((0, -0.12, 0), (0, -0.40, 0), 0.062)],
    "shank": [((0, 0, 0), (0, -0.40, 0), 0.045)],
    "foot": [((0, -0.03, 0), (0, -0.045, 0.14), 0.03)],
}
_BITS = {
    **dict.fromkeys(("pelvis", "abdomen", "thorax", "head"), _TRUNK_BITS),
    **dict.fromkeys(("upper_arm", "forearm", "hand"), _ARM),
    **dict.fromkeys(("thigh", "shank", "foot"), _LEG),
}
_AGAINST = {_TRUNK_BITS: _ARM, _ARM: _TRUNK_BITS | _LEG | _ARM, _LEG: _LEG | _ARM}


def ragdoll(body: Body) -> Any:
    """A body's MuJoCo model; its bodies 1 to 16 are the segments, in order, the first of them free."""
    return engine.MjModel.from_xml_string(_xml(body))


def joint_address(model: Any, segment: str) -> int:
    """Where a segment's joint stands in ``qpos``."""
    return int(model.jnt_qposadr[model.joint(segment).id])


def _xml(body: Body) -> str:
    children: dict[str, list[str]] = {name: [] for name in SEGMENTS}
    for name, parent in PARENT.items():
        children[parent].append(name)
    wide = float(np.sqrt(body.person.mass_kg / body.person.stature_m / (75 / 1.75)))
    return (
        f'<mujoco><option timestep="{TIMESTEP_S}" gravity="0 0 -9.81" integrator="implicitfast" cone="pyramidal" '
        'iterations="10" ls_iterations="10"><flag energy="disable"/></option>'
        '<compiler angle="degree" autolimits="true" balanceinertia="true"/>'
        '<default><geom solref="0.03 1" solimp="0.6 0.9 0.02" friction="0.3" mass="0"/></default>'
        f"<worldbody>{_element('pelvis', body, children, wide)}</worldbody></mujoco>"
    )


def _element(name: str, body: Body, children: dict[str, list[str]], wide: float) -> str:
    bare = name.removeprefix("left_").removeprefix("right_")
    at, centre, inertia = body.joint_m[name], body.centre_m[name], body.inertia_kgm2[name]
    if bare == "pelvis":
        joint = '<freejoint name="pelvis"/>'
    else:
        stiffness, damping = _SPRING[bare]
        size = body.person.mass_kg / 75
        kind = f'stiffness="{stiffness * size:.4g}" damping="{damping * size:.4g}"'
        if bare in _HINGE:
            low, high = _HINGE[bare]
            joint = f'<joint name="{name}" type="hinge" axis="1 0 0" range="{low} {high}" {kind}/>'
        else:
            joint = f'<joint name="{name}" type="ball" {kind}/>'
        if bare == "upper_arm":  # the shoulder girdle gives way towards the middle and to the front
            slides = (("girdle", "-1 0 0" if name.startswith("left") else "1 0 0", 0.07), ("round", "0 0 1", 0.05))
            joint = (
                "".join(
                    f'<joint name="{name}_{what}" type="slide" axis="{axis}" range="-0.01 {most}" '
                    f'stiffness="{GIRDLE_N_M * size:.4g}" damping="{GIRDLE_N_M * size / 15:.4g}"/>'
                    for what, axis, most in slides
                )
                + joint
            )
    long, bits = body.length_scale, _BITS[bare]
    mirror = np.array([-1 if name.startswith("right_") else 1, 1, 1])
    stretch = np.array([wide, long, wide]) * mirror
    solids = "".join(
        f'<geom type="capsule" fromto="{_numbers(np.array(a) * stretch)} {_numbers(np.array(b) * stretch)}" '
        f'size="{radius * wide:.4f}" contype="{bits}" conaffinity="{_AGAINST[bits]}"/>'
        for a, b, radius in _SOLID[bare]
    )
    inside = "".join(_element(child, body, children, wide) for child in children[name])
    return (
        f'<body name="{name}" pos="{_numbers(at)}">{joint}'
        f'<inertial pos="{_numbers(centre)}" mass="{body.mass_kg[name]:.5g}" diaginertia="{_numbers(inertia)}"/>'
        f"{solids}{inside}</body>"
    )


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:.5g}" for value in values)
