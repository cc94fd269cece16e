"""A picture of one frame with its pose, drawn fast enough for a live page."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from matpose.errors import MatposeError
from matpose.evaluation.palette import MISSING_RGB, brightness, full_scale, point_rgb, pressure_rgb
from matpose.mat import Mat
from matpose.pose import Pose
from matpose.runtime.skeleton import skeleton

BAND_RGB = (24, 27, 31)
WARNING_RGB = (255, 193, 7)


def overlay(
    frame: np.ndarray, mat: Mat, pose: Pose, *, height_px: int = 640, scale: float | None = None
) -> Image.Image:
    """The pressure map in its true proportions, the pose upon it, posture and warnings beneath.

    Named joints are drawn as a skeleton, the fainter the less they are to be trusted; without any, numbered points.

    Args:
        frame: (rows, cols) pressure, canonical view; NaN = no reading, drawn grey.
        mat: the mat; its pitch gives the proportions.
        pose: what was found; flags are shown as a warning.
        height_px: height of the picture, caption included; at least 160.
        scale: pressure of the brightest colour, so that a film does not flicker; by default this
            frame's own, see :func:`matpose.evaluation.palette.full_scale`.

    Returns:
        An RGB picture; its size depends on the mat and ``height_px`` alone.

    Raises:
        MatposeError: the mat's pitch is not known, the frame is not of its grid, or the height too small.

    Example:
        >>> overlay(np.zeros((64, 32)), Mat(64, 32, 0.0278, 0.0278), Pose(0, 0.0)).size
        (291, 640)
    """
    if frame.shape != (mat.rows, mat.cols):
        raise MatposeError(
            f"a frame of shape {frame.shape} on a {mat.rows} x {mat.cols} mat",
            mend="give the mat of the frame",
        )
    if height_px < 160:
        raise MatposeError(f"a picture {height_px} pixels high", mend="give at least 160")
    text_px = height_px // 32
    map_px = height_px - round(2.9 * text_px)
    px_per_m = min(map_px / mat.height_m, 3 * height_px / mat.width_m)  # a ribbon must not fill the memory
    drawn = max(round(mat.width_m * px_per_m), 1), max(round(mat.height_m * px_per_m), 1)
    picture = Image.new("RGB", (max(drawn[0], 8 * text_px), height_px), BAND_RGB)
    left = (picture.width - drawn[0]) // 2
    picture.paste(_pressure(frame, scale or full_scale(frame), drawn), (left, 0))
    if pose.keypoints:
        drawn_pose = skeleton(pose.keypoints, (picture.width, map_px), px_per_m, left, max(text_px // 2, 5))
        picture.paste(drawn_pose, (0, 0), drawn_pose)
    else:
        _numbered(picture, pose, px_per_m, left, max(text_px, 12))
    _caption(picture, pose, map_px, text_px)
    return picture


def _pressure(frame: np.ndarray, scale: float, size: tuple[int, int]) -> Image.Image:
    """Cells as they were measured, not smoothed into a sharpness that the mat does not have."""
    shade = brightness(frame, scale)
    colours = pressure_rgb()[np.nan_to_num(shade * 255).astype(np.uint8)]
    colours[np.isnan(shade)] = MISSING_RGB
    return Image.fromarray(colours).resize(size, Image.Resampling.NEAREST)


def _numbered(picture: Image.Image, pose: Pose, px_per_m: float, left_px: int, diameter_px: int) -> None:
    for index, point in enumerate(pose.points):
        if point is not None:
            disc = _disc(index, diameter_px)
            x = left_px + point.xy_m[0] * px_per_m - disc.width / 2
            y = point.xy_m[1] * px_per_m - disc.height / 2
            picture.paste(disc, (round(x), round(y)), disc)


@cache
def _disc(index: int, diameter_px: int) -> Image.Image:
    """A numbered disc, drawn four times too large and reduced: smooth edges, once for all frames."""
    side = 4 * diameter_px
    disc = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(disc)
    draw.ellipse((1, 1, side - 2, side - 2), fill=point_rgb(index), outline=(0, 0, 0), width=side // 14)
    size = 0.62 if index < 100 else 0.48
    draw.text((side / 2, side / 2), str(index), fill=(0, 0, 0), font=_font(round(size * side)), anchor="mm")
    return disc.resize((diameter_px, diameter_px), Image.Resampling.LANCZOS)


def _caption(picture: Image.Image, pose: Pose, top_px: int, text_px: int) -> None:
    draw = ImageDraw.Draw(picture)
    margin = text_px // 2
    font = _font(text_px)
    chance = pose.probabilities.get(pose.posture)
    time = f"{pose.time_s:.1f} s"
    draw.text((margin, top_px + 0.25 * text_px), time, fill=(160, 168, 176), font=font)
    posture = pose.posture if chance is None else f"{pose.posture} {100 * chance:.0f} %"
    draw.text((picture.width - margin, top_px + 0.25 * text_px), posture, fill="white", font=font, anchor="ra")
    if pose.flags:
        strip = top_px + round(1.55 * text_px)
        draw.rectangle((0, strip, picture.width, picture.height), fill=WARNING_RGB)
        words = _fitted([name.replace("_", " ") for name in pose.flags.names], font, picture.width - 2 * margin)
        draw.text((margin, strip + 0.05 * text_px), words, fill="black", font=font)


def _fitted(names: list[str], font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: float) -> str:
    for shown in range(len(names), 0, -1):
        rest = len(names) - shown
        words = ", ".join(names[:shown]) + (f" +{rest}" if rest else "")
        if font.getlength(words) <= width_px:
            return words
    return f"{len(names)} warnings"


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)
