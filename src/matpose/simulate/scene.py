"""One moment, drawn whole: a person, a bed, a posture and a place on the mat, settled, and read by a sensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from matpose.errors import MatposeError
from matpose.mat import Mat
from matpose.simulate.anny_body import anny_body
from matpose.simulate.bed import Bed, Block
from matpose.simulate.body import Body, light_body
from matpose.simulate.contact import Place, contact, pressure_kpa
from matpose.simulate.labels import joint_contact, joints_m, landmarks_m
from matpose.simulate.person import Person
from matpose.simulate.postures import STYLES, draw_posture
from matpose.simulate.sample import Sample
from matpose.simulate.sensor import Sensor
from matpose.simulate.settle import Lying, Posture, settle

# how often: sleepers lie on the side 54 %, on the back 37.5 %, prone 7.3 % of the time
WEIGHT = {
    "supine": 14.0, "starfish": 4.0, "hands-on-belly": 5.0, "hands-behind-head": 4.0,
    "left-leg-over": 2.5, "right-leg-over": 2.5, "knees-up": 2.5, "left-knee-up": 2.0, "right-knee-up": 2.0,
    "crossed-legs": 3.0, "left-figure-four": 2.0, "right-figure-four": 2.0, "prone": 9.0,
    **{f"{side}-{style}": share for side in ("left", "right") for style, share in (
        ("side", 10.0), ("log", 4.0), ("yearner", 4.0), ("foetal", 5.0), ("roll-30", 5.0), ("roll-60", 5.0))},
}  # fmt: skip
HEAD_ROOM_M = (-0.10, 0.14)  # between the mat's head edge and the vertex, where the mat is long enough
RAISED = 0.3  # of those on their backs
GIRTHS_SD = (0.05, 0.08, 0.06)  # of the logarithms of hips', belly's and limbs' girth
BODIES = ("light", "anny")


def draw_sample(
    index: int,
    *,
    seed: int,
    mat: Mat,
    posture: str | None = None,
    style: str | None = None,
    person: int | None = None,
    sensor: bool = True,
    raised_deg: float | None = None,
    bodies: str = "light",
) -> Sample:
    """One simulated moment; the same numbers give the same moment, whatever else is drawn.

    Args:
        index: which moment.
        seed: of the whole population.
        mat: what they lie on.
        posture: "supine", "prone", "left" or "right"; else as sleepers choose.
        style: a key of :data:`matpose.simulate.postures.STYLES`, in place of a posture.
        person: whose body; by default another one at every index.
        sensor: read by a sensor with a sensor's faults, else the true pressure.
        raised_deg: how far the head of the bed is raised; else now and then, of those on their backs.
        bodies: as for :func:`draw_body`.

    Raises:
        MatposeError: a posture, style or body that there is none of, or a mat without pitch.
    """
    rng = np.random.default_rng((seed, 2, index))
    lying, name, style = draw_lying(
        index, rng, seed=seed, posture=posture, style=style, person=person, raised_deg=raised_deg, bodies=bodies
    )
    place = draw_place(lying, mat, rng)
    sample = seen(lying, place, name)
    if sensor:
        sample = sensed(sample, mat, rng)
    return replace(sample, facts={**sample.facts, "style": style})


def draw_readings(
    index: int, *, seed: int, mats: Sequence[Mat], posture: str | None = None, bodies: str = "light"
) -> list[Sample]:
    """One person at rest, read by several mats, each somewhere else under the body and with a sensor of its own.

    To come to rest is nearly all the work, so a network gets several maps of it.

    Args:
        index: which moment, of another person each.
        seed: of the whole population.
        mats: one reading each; a mat may come several times.
        posture, bodies: as for :func:`draw_sample`.
    """
    rng = np.random.default_rng((seed, 3, index))
    lying, name, style = draw_lying(index, rng, seed=seed, posture=posture, bodies=bodies)
    found = [sensed(seen(lying, draw_place(lying, mat, rng), name), mat, rng) for mat in mats]
    return [replace(sample, facts={**sample.facts, "style": style}) for sample in found]


def draw_lying(
    index: int,
    rng: np.random.Generator,
    *,
    seed: int,
    posture: str | None = None,
    style: str | None = None,
    person: int | None = None,
    raised_deg: float | None = None,
    bodies: str = "light",
) -> tuple[Lying, str, str]:
    """A body at rest, its posture and its style of lying; arguments as for :func:`draw_sample`."""
    number = index if person is None else person
    body = draw_body(np.random.default_rng((seed, 1, number)), f"simulated/{number}", bodies)
    if style is None:
        choices = [name for name in WEIGHT if posture in (None, STYLES[name])]
        if not choices:
            raise MatposeError(f"nobody is simulated {posture!r}", mend="use supine, prone, left or right")
        style = draw_style(choices, rng)
    held = draw_posture(style, rng)
    bed = furnished(Bed.drawn(rng), body, style, held, rng)
    if raised_deg is not None:
        bed = replace(bed, raised_deg=raised_deg)
    return settle(body, bed, held), held.name, style


def sensed(sample: Sample, mat: Mat, rng: np.random.Generator) -> Sample:
    """A sample as a sensor of the population reads it."""
    reading = Sensor.drawn(mat, rng).read(sample.pressure_kpa[None], np.zeros(1), rng)[0]
    return replace(sample, pressure_kpa=reading)


def draw_style(choices: Sequence[str], rng: np.random.Generator) -> str:
    """One of some styles, as often as sleepers lie so."""
    weight = np.array([WEIGHT[name] for name in choices])
    return str(rng.choice(choices, p=weight / weight.sum()))


def draw_girths(rng: np.random.Generator) -> tuple[float, float, float]:
    """Of hips, belly and limbs, beyond what mass says: factors about 1."""
    hips, belly, limbs = np.exp(rng.normal(0, GIRTHS_SD)).tolist()
    return hips, belly, limbs


def draw_body(rng: np.random.Generator, name: str, bodies: str = "light") -> Body:
    """A body at random; the same seed gives the same stature and mass, whatever the body.

    Args:
        rng: draws it.
        name: subject name.
        bodies: "light" for the tables' body with girths of its own, "anny" for a realistic one.

    Raises:
        MatposeError: other bodies, or anny is not installed.
    """
    if bodies not in BODIES:
        raise MatposeError(f"there are no bodies {bodies!r}", mend=f"use {' or '.join(BODIES)}")
    hip_width, belly, limbs = draw_girths(rng)
    person = Person.drawn(rng, name)
    if bodies == "anny":
        return anny_body(person, rng)
    return light_body(person, hip_width=hip_width, belly=belly, limbs=limbs)


def furnished(bed: Bed, body: Body, style: str, posture: Posture, rng: np.random.Generator) -> Bed:
    """The bed with what people put on it: a pillow under every head, a wedge behind a rolled back, a raised head."""
    stature_m = body.person.stature_m
    heading = np.radians(posture.heading_deg)
    along = stature_m * rng.normal(0.42, 0.015)
    blocks = [
        Block(
            (along * np.sin(heading) + rng.normal(0, 0.03), along * np.cos(heading)),
            (rng.uniform(0.45, 0.7), rng.uniform(0.30, 0.42)),
            rng.uniform(0.03, 0.10),
        )
    ]
    if "roll" in style:
        behind = -1 if posture.name == "left" else 1  # the wedge under the back rises away from the face
        width = rng.uniform(0.40, 0.65)
        slope = np.tan(np.radians(np.clip(abs(posture.roll_deg) * rng.uniform(0.35, 0.9), 6, 34)))
        blocks.append(
            Block(
                (behind * (width / 2 - rng.uniform(0.02, 0.16)), rng.uniform(0.00, 0.14) * stature_m),
                (width, rng.uniform(0.6, 1.2)),
                width * slope,
                rises=behind,
                even=rng.uniform(0.3, 0.8),
            )
        )
    raised = rng.uniform(10, 65) if posture.name == "supine" and rng.random() < RAISED else 0.0
    return replace(bed, blocks=tuple(blocks), raised_deg=raised)


def draw_place(lying: Lying, mat: Mat, rng: np.random.Generator) -> Place:
    """Somewhere on the mat: near the middle across it, the head near the head edge."""
    skin = lying.skin_m()
    low, high = skin.min(0), skin.max(0)
    trunk = lying.origin_m[:3, 0].mean()
    spare_m = mat.height_m - (high[1] - low[1])
    # who is too long for the mat has head or feet beyond it
    low_m, high_m = (HEAD_ROOM_M[0], min(HEAD_ROOM_M[1], spare_m)) if spare_m > 0 else (spare_m, 0.0)
    top = rng.uniform(low_m, high_m)
    middle = (low[0] + high[0]) / 2
    centre = 0.6 * trunk + 0.4 * middle  # people centre their bulk, limbs included
    room = max(mat.width_m - (high[0] - low[0]), 0.0)
    aside = rng.normal(0, 0.04 + 0.25 * room / 2)
    return Place(mat, mat.width_m / 2 - centre + float(np.clip(aside, -0.25, 0.25)), top + high[1])


def seen(lying: Lying, place: Place, posture: str) -> Sample:
    """What an ideal mat reads of a body at rest, with all labels."""
    found = contact(lying)
    kpa, parts = pressure_kpa(lying, found, place)
    person = lying.body.person
    return Sample(
        pressure_kpa=kpa,
        posture=posture,
        joints_m=place.to_mat(joints_m(lying)).astype(np.float32),
        joint_contact=joint_contact(lying, found),
        landmarks_m=place.to_mat(landmarks_m(lying)).astype(np.float32),
        parts=parts,
        facts={
            "stature_m": f"{person.stature_m:.3f}",
            "mass_kg": f"{person.mass_kg:.1f}",
            "sex": person.sex,
            "raised_deg": f"{lying.bed.raised_deg:.0f}",
        },
    )
