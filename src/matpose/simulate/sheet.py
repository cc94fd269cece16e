"""A sheet of simulated maps with their joints: to see at one glance what a file holds."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import h5py
import numpy as np
from PIL import Image, ImageDraw

from matpose.atomic import atomic_path
from matpose.mat import Mat
from matpose.recording import JOINT_NAMES

MOST = 48
COLUMNS = 12
MAP_PX = 240  # height of one map
GAP_PX = 6
# black, violet, red, orange, pale yellow: evenly brighter
_COLOURS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], float)
_SIDE_RGB = {"left": (64, 224, 255), "right": (120, 255, 120)}
_MIDDLE_RGB = (255, 255, 255)
_BONES = (
    ("ankle", "knee"), ("knee", "hip"), ("hip", "shoulder"), ("shoulder", "elbow"), ("elbow", "wrist"),
)  # fmt: skip


def draw_sheet(frames_kpa: np.ndarray, joints_m: np.ndarray, mat: Mat) -> Image.Image:
    """Maps side by side, head edge up, in true proportions, each with its skeleton: left blue, right green.

    Args:
        frames_kpa: (T, rows, cols) pressure; each map has its own scale.
        joints_m: (T, 14, 3), or (T, people, 14, 3), in the mat's frame; NaN where nobody is there.
        mat: the mat.

    Returns:
        An RGB picture of ``COLUMNS`` maps to a row.

    Example:
        >>> mat = Mat(64, 32, 0.03, 0.03)
        >>> draw_sheet(np.zeros((13, 64, 32)), np.zeros((13, 14, 3)), mat).size
        (1518, 498)
    """
    px_per_m = MAP_PX / max(mat.height_m, mat.width_m / 2)  # a ribbon must not fill the memory
    size = max(round(mat.width_m * px_per_m), 1), max(round(mat.height_m * px_per_m), 1)
    columns = min(COLUMNS, len(frames_kpa))
    rows = -(-len(frames_kpa) // COLUMNS)
    step = size[0] + GAP_PX, size[1] + GAP_PX
    sheet = Image.new("RGB", (columns * step[0] + GAP_PX, rows * step[1] + GAP_PX), (24, 27, 31))
    for index, (frame, joints) in enumerate(zip(frames_kpa, joints_m, strict=True)):
        corner = GAP_PX + index % COLUMNS * step[0], GAP_PX + index // COLUMNS * step[1]
        picture = _pressure(frame).resize(size, Image.Resampling.NEAREST)
        for one in joints.reshape(-1, len(JOINT_NAMES), 3):
            if np.isfinite(one[:, :2]).all():  # else nobody is there
                _skeleton(ImageDraw.Draw(picture), one[:, :2] * px_per_m)
        sheet.paste(picture, corner)
    return sheet


def write_sheet(path: str | PathLike[str], recording: str | PathLike[str], mat: Mat) -> None:
    """Draw up to ``MOST`` frames, evenly spread over a file that was just simulated.

    Args:
        path: the picture, PNG.
        recording: the ``*.h5``, written by this program: it is read without the guards that a stranger's needs.
        mat: its mat.
    """
    with h5py.File(Path(recording), "r") as file:  # not all of it: it may hold a night
        columns = [file[name] for name in ("frames", "joints_m", "partner_joints_m") if name in file]
        found = [column for column in columns if isinstance(column, h5py.Dataset)]
        chosen = np.unique(np.linspace(0, len(found[0]) - 1, MOST).round().astype(int))
        frames, *joints = (column[chosen] for column in found)
    picture = draw_sheet(frames, np.stack(joints, 1), mat)
    with atomic_path(path) as temporary:
        picture.save(temporary, "PNG")


def _pressure(frame_kpa: np.ndarray) -> Image.Image:
    """Square root of pressure over the loaded cells' 99.5th centile, so that limbs show beside hips."""
    loaded = frame_kpa[frame_kpa > 0]
    scale = float(np.percentile(loaded, 99.5)) if loaded.size else 1.0
    shade = np.sqrt(np.clip(np.nan_to_num(frame_kpa) / scale, 0, 1))
    steps = np.linspace(0, 1, len(_COLOURS))
    return Image.fromarray(np.stack([np.interp(shade, steps, c) for c in _COLOURS.T], -1).round().astype(np.uint8))


def _skeleton(draw: ImageDraw.ImageDraw, joints_px: np.ndarray) -> None:
    at = {name: tuple(map(float, xy)) for name, xy in zip(JOINT_NAMES, joints_px, strict=True)}
    draw.line((at["head_top"], at["thorax"]), fill=_MIDDLE_RGB)
    for side, colour in _SIDE_RGB.items():
        draw.line((at["thorax"], at[f"{side}_shoulder"]), fill=_MIDDLE_RGB)
        for one, other in _BONES:
            draw.line((at[f"{side}_{one}"], at[f"{side}_{other}"]), fill=colour)
    for name, (x, y) in at.items():
        colour = _SIDE_RGB.get(name.partition("_")[0], _MIDDLE_RGB)
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour, outline=(0, 0, 0))
