"""Let a body sink into a bed until it lies still: MuJoCo moves the segments, the bed's foundation bears them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matpose.errors import MatposeError
from matpose.simulate.anthropometry import SEGMENTS
from matpose.simulate.bed import Bed
from matpose.simulate.body import Body
from matpose.simulate.ragdoll import TIMESTEP_S, engine, joint_address, ragdoll
from matpose.simulate.rotation import about, times

GRAVITY = 9.81
LEGS = ("thigh", "shank", "foot")
DRAG_S = 0.05  # pressure of the foam against speed, over its stiffness
GRIP = 6.0  # sideways force for each m/s, in shares of the force pressed with
SLIP_M_S = 0.1  # faster, the grip grows no more
ROLL_NM, ROLL_DRAG, MOST_NM = 300.0, 20.0, 150.0  # per radian, per radian a second: the trunk keeps its side
SEAT = 1.0  # of what slides down a raised bed, less what friction bears
LONGEST_S = 1.3
STILL_M_S = 0.02
BALANCED, MOST_ROUNDS = 0.004, 8
COARSE, FINE_S = 3, 0.25  # a body falls on every third point of its skin, and comes to rest on all of them
NEAR_M, REFRESH = 0.04, 8  # skin higher than this above the bed is looked at every few steps only


@dataclass(frozen=True)
class Posture:
    """How somebody means to lie.

    Args:
        name: one of ``matpose.recording.POSTURES``.
        roll_deg: of the trunk about its long axis: 0 on the back, 90 on the left side, -90 on the right, 180 prone.
        heading_deg: turn on the mat, clockwise seen from above.
        joints: segment to the rotation it is held at: a quaternion (w, x, y, z), or degrees for a hinge.
        keep: segment to how many times its spring is stiffer than a sleeper's: limbs that are held up.
    """

    name: str
    roll_deg: float
    heading_deg: float
    joints: dict[str, np.ndarray | float]
    keep: dict[str, float]


@dataclass(frozen=True)
class Lying:
    """A body at rest, in the engine's frame: x to the right, y towards the head, z up from the unloaded bed.

    Args:
        body: the body.
        bed: under it.
        origin_m: (16, 3) of the segments' frames.
        turn: (16, 3, 3) rotation matrices of the segments.
    """

    body: Body
    bed: Bed
    origin_m: np.ndarray
    turn: np.ndarray

    def skin_m(self) -> np.ndarray:
        """(N, 3) where the skin is."""
        segment = self.body.segment
        return np.einsum("nij,nj->ni", self.turn[segment], self.body.skin_m) + self.origin_m[segment]


@dataclass(frozen=True)
class _Skin:
    """Some points of a body's skin, with the area that each stands for."""

    segment: np.ndarray
    skin_m: np.ndarray
    normal: np.ndarray
    area_m2: np.ndarray
    firmness: np.ndarray
    narrow: np.ndarray

    @staticmethod
    def of(body: Body, index: np.ndarray, stride: int) -> _Skin:
        return _Skin(
            body.segment[index], body.skin_m[index], body.normal[index], body.area_m2[index] * stride,
            body.firmness[index], body.narrow[index],
        )  # fmt: skip


class Sinking:
    """A body on its way into a bed; :meth:`run` goes on."""

    def __init__(self, body: Body, bed: Bed, posture: Posture) -> None:
        self.body, self.bed, self.posture = body, bed, posture
        self.model = ragdoll(body)
        self.data = engine.MjData(self.model)
        self._mass = np.array(self.model.body_mass[1:])
        self._eased_n = _eased_n(bed, self._mass)
        self._near, self._steps, self._stride = _Skin.of(body, np.zeros(0, int), 1), 0, 1
        self.weight_n = GRAVITY * float(self._mass.sum()) - float(self._eased_n.sum())
        self._lay_down()

    def _lay_down(self) -> None:
        """Put the body just above the bed, as it means to lie."""
        model, data, posture = self.model, self.data, self.posture
        for name, rotation in posture.joints.items():
            at = joint_address(model, name)
            if isinstance(rotation, np.ndarray):
                model.qpos_spring[at : at + 4] = rotation
            else:
                model.qpos_spring[at] = np.radians(rotation)
        for name, stiffer in posture.keep.items():
            model.jnt_stiffness[model.joint(name).id] *= stiffer
        data.qpos[7:] = model.qpos_spring[7:]
        roll, heading = np.radians([posture.roll_deg, posture.heading_deg])
        data.qpos[3:7] = times(about(2, -heading), about(1, roll))
        data.qpos[:3] = 0
        engine.mj_kinematics(model, data)
        lowest = (self._heights() - self.bed.surface_m(*self._places())).min()
        data.qpos[2] -= lowest + 0.015

    def run(self, seconds: float, *, until_still: bool = False, stride: int = 1) -> None:
        """Go on for some time, or until nothing moves; on all points of the skin, or on every so many.

        Raises:
            MatposeError: the body flew apart.
        """
        model, data = self.model, self.data
        self._stride, self._steps = stride, 0
        for step in range(round(seconds / TIMESTEP_S)):
            engine.mj_step1(model, data)
            self._push()
            engine.mj_step2(model, data)
            if until_still and step % 10 == 9 and step > 50 and self.speed_m_s < STILL_M_S:
                break
        if not np.isfinite(data.qpos).all() or np.abs(data.qpos[:3]).max() > 5:
            raise MatposeError("the simulated body did not come to rest", mend="use another seed")

    @property
    def speed_m_s(self) -> float:
        """Of the mass as a whole: root of the mean square."""
        square = (self.data.cvel[1:, 3:] ** 2).sum(1)
        return float(np.sqrt((square * self._mass).sum() / self._mass.sum()))

    def load_n(self) -> float:
        """What the bed bears if all stands still from now on: what still sinks is borne by the foam's drag as well."""
        body, bed = self.body, self.bed
        surface = bed.surface_m(*self._places())
        facing = np.minimum(_dot(self.data.xmat[1:, 6:9][body.segment], body.normal), 0)
        pressure = bed.pressure_kpa(surface - self._heights(), body.firmness, body.narrow, surface)
        return float((pressure * -facing * body.area_m2).sum() * 1000)

    def lying(self) -> Lying:
        """The body as it is now."""
        engine.mj_kinematics(self.model, self.data)
        turn = self.data.xmat[1:].reshape(-1, 3, 3).copy()
        return Lying(self.body, self.bed, self.data.xpos[1:].copy(), turn)

    def _heights(self, stride: int = 1) -> np.ndarray:
        """Of all points of the skin, or of every so many: (n,) metres."""
        segment = self.body.segment[::stride]
        return _dot(self.data.xmat[1:, 6:9][segment], self.body.skin_m[::stride]) + self.data.xpos[1:, 2][segment]

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y of all points of the skin: (N,) each."""
        segment, skin_m = self.body.segment, self.body.skin_m
        x = _dot(self.data.xmat[1:, 0:3][segment], skin_m) + self.data.xpos[1:, 0][segment]
        y = _dot(self.data.xmat[1:, 3:6][segment], skin_m) + self.data.xpos[1:, 1][segment]
        return x, y

    def _push(self) -> None:
        """All that bears and holds the body, into ``xfrc_applied``."""
        if self._steps % REFRESH == 0:
            heights = self._heights(self._stride)
            self._near = _Skin.of(
                self.body, np.flatnonzero(heights < self.bed.highest_m + NEAR_M) * self._stride, self._stride
            )
        self._steps += 1
        force = self._borne()
        self._keep_side(force)
        force[:, 2] += self._eased_n
        self.data.xfrc_applied[1:] = force

    def _borne(self) -> np.ndarray:
        """The bed's force and torque on every segment: (16, 6), N and Nm."""
        data, near = self.data, self._near
        turn, at = data.xmat[1:][near.segment], data.xpos[1:][near.segment]  # (n, 9), (n, 3)
        z = _dot(turn[:, 6:9], near.skin_m) + at[:, 2]
        low = np.flatnonzero(z < self.bed.highest_m)
        z, turn, at, segment, skin_m = z[low], turn[low], at[low], near.segment[low], near.skin_m[low]
        facing = np.minimum(_dot(turn[:, 6:9], near.normal[low]), 0)
        x, y = _dot(turn[:, 0:3], skin_m) + at[:, 0], _dot(turn[:, 3:6], skin_m) + at[:, 1]
        surface = self.bed.surface_m(x, y)
        depth = surface - z
        # velocities are about the whole body's centre of mass
        moving, origin = data.cvel[1:][segment], data.subtree_com[1]
        rx, ry, rz = x - origin[0], y - origin[1], z - origin[2]
        vx = moving[:, 3] + moving[:, 1] * rz - moving[:, 2] * ry
        vy = moving[:, 4] + moving[:, 2] * rx - moving[:, 0] * rz
        vz = moving[:, 5] + moving[:, 0] * ry - moving[:, 1] * rx
        damped = depth - DRAG_S * np.minimum(np.maximum(vz, -0.5), 0.5)
        pressure = self.bed.pressure_kpa(damped, near.firmness[low], near.narrow[low], surface)
        up = np.where(depth > 0, pressure, 0) * -facing * near.area_m2[low] * 1000  # N
        fx = -GRIP * up * np.minimum(np.maximum(vx, -SLIP_M_S), SLIP_M_S)
        fy = -GRIP * up * np.minimum(np.maximum(vy, -SLIP_M_S), SLIP_M_S)
        ax, ay, az = np.stack([x, y, z]) - data.xipos[1:][segment].T
        rows = (fx, fy, up, ay * up - az * fy, az * fx - ax * up, ax * fy - ay * fx)
        # of no points at all, bincount would count whole numbers
        return np.stack([np.bincount(segment, row, len(data.xpos) - 1) for row in rows], axis=1).astype(float)

    def _keep_side(self, force: np.ndarray) -> None:
        """Torques that keep pelvis and thorax rolled as meant."""
        for index in (0, 2):
            turn = self.data.xmat[1 + index].reshape(3, 3)
            along = turn[:, 1]
            off = np.radians(self.posture.roll_deg) - np.arctan2(-turn[2, 0], turn[2, 2])
            off = (off + np.pi) % (2 * np.pi) - np.pi
            torque = ROLL_NM * off - ROLL_DRAG * float(self.data.cvel[1 + index, :3] @ along)
            force[index, 3:] += along * min(max(torque, -MOST_NM), MOST_NM)


def settle(body: Body, bed: Bed, posture: Posture) -> Lying:
    """Lay a body down in a posture and let it sink until it is still."""
    sinking = Sinking(body, bed, posture)
    sinking.run(LONGEST_S, until_still=True, stride=COARSE)
    for _ in range(MOST_ROUNDS):
        sinking.run(FINE_S)
        if abs(sinking.load_n() / sinking.weight_n - 1) < BALANCED:
            break
    return sinking.lying()


def _eased_n(bed: Bed, mass_kg: np.ndarray) -> np.ndarray:
    """(16,) N by which a raised bed eases a segment's weight: only its part across the slope presses on the mat.

    What slides down the slope is borne by friction, and by the seat.
    """
    raised = np.radians(bed.raised_deg)
    weight = GRAVITY * mass_kg * np.array(["pelvis" not in name and not name.endswith(LEGS) for name in SEGMENTS])
    eased = weight * (1 - np.cos(raised))
    eased[0] -= SEAT * weight.sum() * np.sin(raised) ** 2
    return eased


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("nj,nj->n", a, b)
