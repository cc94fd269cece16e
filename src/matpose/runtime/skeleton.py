"""Which joints are joined by a line, and how a skeleton is drawn."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image, ImageDraw

from matpose.pose import Keypoint

LIMBS = (
    ("right_ankle", "right_knee"), ("right_knee", "right_hip"), ("right_hip", "left_hip"),
    ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
    ("right_wrist", "right_elbow"), ("right_elbow", "right_shoulder"), ("right_shoulder", "thorax"),
    ("thorax", "left_shoulder"), ("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist"),
    ("thorax", "head_top"), ("right_hip", "right_shoulder"), ("left_hip", "left_shoulder"),
)  # fmt: skip
"""Legs and hips, arms over the thorax, head, trunk."""

SIDE_RGB = {"left": (64, 196, 255), "right": (178, 255, 89)}
"""The person's own sides; blue and yellow-green, which those who see fewer hues tell apart."""
MIDDLE_RGB = (255, 255, 255)
FINE = 2  # drawn so many times too large and reduced: smooth edges


def skeleton(
    keypoints: Mapping[str, Keypoint | None], size: tuple[int, int], px_per_m: float, left_px: int, joint_px: int
) -> Image.Image:
    """Limbs and joints on a transparent picture, the fainter the less they are to be trusted.

    A joint that presses on the mat is a full disc, another one a ring.

    Args:
        keypoints: joints by name; those that are None are not drawn, nor are their limbs.
        size: (width, height) of the picture.
        px_per_m: pixels a metre.
        left_px: where the mat's left edge is.
        joint_px: diameter of a joint.

    Returns:
        An RGBA picture.
    """
    layer = Image.new("RGBA", (size[0] * FINE, size[1] * FINE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    found = {name: joint for name, joint in keypoints.items() if joint is not None}
    place = {
        name: (FINE * (left_px + joint.xy_m[0] * px_per_m), FINE * joint.xy_m[1] * px_per_m)
        for name, joint in found.items()
    }
    for one, other in LIMBS:
        if one in found and other in found:
            alpha = _alpha(min(found[one].confidence, found[other].confidence))
            draw.line((*place[one], *place[other]), fill=(*_rgb(one, other), alpha), width=FINE * joint_px // 3)
    for name, joint in found.items():
        (x, y), radius, alpha = place[name], FINE * joint_px / 2, _alpha(joint.confidence)
        inside = (*_rgb(name), alpha) if joint.contact >= 0.5 else (0, 0, 0, alpha)
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius),
            fill=inside,
            outline=(*_rgb(name), alpha),
            width=max(FINE * joint_px // 5, 1),
        )
    return layer.reduce(FINE)


def _rgb(*names: str) -> tuple[int, int, int]:
    """The side that the names share, if they lie on one; a line to the midline is its side's."""
    sides = {name.partition("_")[0] for name in names} & set(SIDE_RGB)
    return SIDE_RGB[sides.pop()] if len(sides) == 1 else MIDDLE_RGB


def _alpha(confidence: float) -> int:
    return round(255 * min(max(confidence, 0.0), 1.0))
