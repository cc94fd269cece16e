"""Let a body sink into a bed until it lies still: MuJoCo moves the segments, the bed's foundation bears them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matpose.errors import MatposeError
from matpose.simulate.bed import Bed
from matpose.simulate.body import Body
from matpose.simulate.ragdoll import TIMESTEP_S, ball_address, engine, ragdoll
from matpose.simulate.rotation import about, times

GRAVITY = 9.81
DRAG_S = 0.05  # pressure of the foam against speed, over its stiffness
GRIP = 6.0  # sideways force for each m/s, in shares of the force pressed with
ROLL_NM = 300.0  # per radian: the trunk keeps the side it was laid on
LONGEST_S = 1.5
STILL_M_S = 0.012
BALANCED, MOST_ROUNDS = 0.004, 4
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
        speed_m_s: root of its mean square over the mass, when it was taken.
    """

    body: Body
    bed: Bed
    origin_m: np.ndarray
    turn: np.ndarray
    speed_m_s: float

    def skin_m(self) -> np.ndarray:
        """(N, 3) where the skin is."""
        segment = self.body.segment
        return np.einsum("nij,nj->ni", self.turn[segment], self.body.skin_m) + self.origin_m[segment]


class Sinking:
    """A body on its way into a bed; :meth:`run` goes on, :meth:`hold` changes what it means to do."""

    def __init__(self, body: Body, bed: Bed, posture: Posture) -> None:
        self.body, self.bed = body, bed
        self.model = ragdoll(body)
        self.data = engine.MjData(self.model)
        self._spring = self.model.jnt_stiffness.copy()
        self._areas = body.area_m2 * 1000  # kPa m2 = kN; forces in N
        self._mass = np.array(self.model.body_mass[1:])
        self._upper = np.array([name in ("abdomen", "thorax", "head") or "arm" in name or "hand" in name
                                for name in body.mass_kg])  # fmt: skip
        self._near, self._steps, self._stride = np.zeros(0, int), 0, 1
        self.weight_n, self.load_n = GRAVITY * float(self._mass.sum()), 0.0
        self.hold(posture, at_once=True)

    def hold(self, posture: Posture, *, at_once: bool = False) -> None:
        """Mean to lie so; ``at_once`` puts the body there, just above the bed."""
        model, data = self.model, self.data
        self.posture = posture
        for name, rotation in posture.joints.items():
            at, _ = ball_address(model, name)
            if isinstance(rotation, np.ndarray):
                model.qpos_spring[at : at + 4] = rotation
            else:
                model.qpos_spring[at] = np.radians(rotation)
        model.jnt_stiffness[:] = self._spring
        for name, stiffer in posture.keep.items():
            model.jnt_stiffness[model.joint(name).id] *= stiffer
        if at_once:
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

    def lying(self) -> Lying:
        """The body as it is now."""
        engine.mj_kinematics(self.model, self.data)
        turn = self.data.xmat[1:].reshape(-1, 3, 3).copy()
        return Lying(self.body, self.bed, self.data.xpos[1:].copy(), turn, self.speed_m_s)

    def _heights(self, index: np.ndarray | slice = slice(None)) -> np.ndarray:
        segment = self.body.segment[index]
        up = self.data.xmat[1:, 6:9][segment]
        return np.einsum("nj,nj->n", up, self.body.skin_m[index]) + self.data.xpos[1:, 2][segment]

    def _places(self, index: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        segment, skin = self.body.segment[index], self.body.skin_m[index]
        x = np.einsum("nj,nj->n", self.data.xmat[1:, 0:3][segment], skin) + self.data.xpos[1:, 0][segment]
        y = np.einsum("nj,nj->n", self.data.xmat[1:, 3:6][segment], skin) + self.data.xpos[1:, 1][segment]
        return x, y

    def _push(self) -> None:
        """The bed's force on every segment, into ``xfrc_applied``."""
        data, body = self.data, self.body
        reach = self.bed.highest_m
        if self._steps % REFRESH == 0:
            some = slice(None, None, self._stride)
            self._near = np.flatnonzero(self._heights(some) < reach + NEAR_M) * self._stride
        self._steps += 1
        z = self._heights(self._near)
        low = z < reach
        touching, z = self._near[low], z[low]
        segment = body.segment[touching]
        facing = np.minimum(np.einsum("nj,nj->n", data.xmat[1:, 6:9][segment], body.normal[touching]), 0)
        x, y = self._places(touching)
        surface = self.bed.surface_m(x, y)
        depth = surface - z
        velocity, origin = data.cvel[1:], data.subtree_com[1]  # about the whole body's centre
        spin, drift = velocity[segment, :3], velocity[segment, 3:]
        rx, ry, rz = x - origin[0], y - origin[1], z - origin[2]
        vz = drift[:, 2] + spin[:, 0] * ry - spin[:, 1] * rx
        pressure = self.bed.pressure_kpa(
            depth - DRAG_S * np.clip(vz, -0.5, 0.5), body.firmness[touching], body.narrow[touching], surface
        )
        pressure[depth <= 0] = 0
        up = pressure * -facing * self._areas[touching] * self._stride  # N
        vx = drift[:, 0] + spin[:, 1] * rz - spin[:, 2] * ry
        vy = drift[:, 1] + spin[:, 2] * rx - spin[:, 0] * rz
        fx, fy = -GRIP * up * np.clip(vx, -0.1, 0.1), -GRIP * up * np.clip(vy, -0.1, 0.1)
        centre = data.xipos[1:][segment]
        ax, ay, az = x - centre[:, 0], y - centre[:, 1], z - centre[:, 2]
        wrench = np.stack([fx, fy, up, ay * up - az * fy, az * fx - ax * up, ax * fy - ay * fx])  # (6, n)
        force = np.stack([np.bincount(segment, row, 16) for row in wrench], axis=1)
        self.load_n = float(up.sum())
        for index in (0, 2):  # pelvis and thorax keep their side
            matrix = data.xmat[1 + index].reshape(3, 3)
            ahead = matrix[:, 1]  # the body's long axis
            side, front = matrix[2, 0], matrix[2, 2]
            roll = np.arctan2(-side, front)
            off = np.radians(self.posture.roll_deg) - roll
            off = (off + np.pi) % (2 * np.pi) - np.pi
            slowing = velocity[index, :3] @ ahead
            force[index, 3:] += ahead * np.clip(ROLL_NM * off - 20 * slowing, -150, 150)
        if self.bed.raised_deg:
            raised = np.radians(self.bed.raised_deg)
            weight = GRAVITY * self._mass * self._upper
            force[:, 2] += weight * (1 - np.cos(raised))  # only the part across the slope presses on it
            force[0, 2] -= weight.sum() * np.sin(raised) ** 2 * 0.5  # the rest: half by friction, half by the seat
        data.xfrc_applied[1:] = force


def settle(body: Body, bed: Bed, posture: Posture) -> Lying:
    """Lay a body down in a posture and let it sink until it is still."""
    sinking = Sinking(body, bed, posture)
    sinking.run(LONGEST_S, until_still=True, stride=COARSE)
    for _ in range(MOST_ROUNDS):
        sinking.run(FINE_S)
        if abs(sinking.load_n / sinking.weight_n - 1) < BALANCED:
            break
    return sinking.lying()
