"""The pose: what Matpose says about one person in one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from matpose.recording import Flag

NO_FLAGS = Flag(0)


@dataclass(frozen=True)
class Point:
    """A discovered point: it has a number, not an anatomical name.

    Args:
        xy_m: position in the mat's frame, metres.
        spread_m: root-mean-square radius of its heatmap, metres; small = sharply placed.
    """

    xy_m: tuple[float, float]
    spread_m: float


@dataclass(frozen=True)
class Keypoint:
    """A named joint.

    Args:
        xy_m: projection of the joint's centre in the mat's frame, metres.
        confidence: probability that it lies within the published tolerance, 0..1.
        contact: probability that the body presses on the mat there, 0..1.
    """

    xy_m: tuple[float, float]
    confidence: float
    contact: float


@dataclass(frozen=True)
class Pose:
    """One person in one frame.

    Args:
        frame: index in the source.
        time_s: seconds from the first frame.
        points: discovered points, None where not to be trusted.
        keypoints: named joints, None where not to be trusted; empty without a joint head.
        posture: one of ``POSTURES``.
        probabilities: posture to probability; empty without a posture head.
        flags: what is wrong with the frame.
        person: 0 for the first person on the mat.
        source: the file.

    Example:
        >>> Pose(frame=0, time_s=0.0, points=[Point((0.4, 1.0), 0.03)]).to_dict()["points"]
        [{'x_m': 0.4, 'y_m': 1.0, 'spread_m': 0.03}]
    """

    frame: int
    time_s: float
    points: list[Point | None] = field(default_factory=list)
    keypoints: Mapping[str, Keypoint | None] = field(default_factory=dict)
    posture: str = "unknown"
    probabilities: Mapping[str, float] = field(default_factory=dict)
    flags: Flag = NO_FLAGS
    person: int = 0
    source: str | None = None

    def to_dict(self) -> dict:
        """The object written to ``poses.jsonl``: plain types, null for what is not to be trusted."""
        return {
            "source": self.source,
            "frame": self.frame,
            "time_s": round(self.time_s, 6),
            "person": self.person,
            "points": [
                p and {"x_m": round(p.xy_m[0], 5), "y_m": round(p.xy_m[1], 5), "spread_m": round(p.spread_m, 5)}
                for p in self.points
            ],
            "keypoints": [
                {"name": name, "x_m": None, "y_m": None, "confidence": 0.0, "contact": None}
                if k is None
                else {
                    "name": name,
                    "x_m": round(k.xy_m[0], 5),
                    "y_m": round(k.xy_m[1], 5),
                    "confidence": round(k.confidence, 5),
                    "contact": round(k.contact, 5),
                }
                for name, k in self.keypoints.items()
            ],
            "posture": {
                "label": self.posture,
                "probabilities": {name: round(p, 5) for name, p in self.probabilities.items()},
            },
            "flags": self.flags.names,
        }
