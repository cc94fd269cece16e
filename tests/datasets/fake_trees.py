"""Tiny dataset trees with known answers, in the layouts of the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_pmatdata_i(root: Path, number: int, codes=(1,), frames=12) -> Path:
    folder = root / "experiment-i" / f"S{number}"
    folder.mkdir(parents=True)
    counts = np.zeros((frames, 64, 32), int)
    counts[:, 20:40, 10:20] = 100 + np.arange(10)  # stored columns rise to the right
    for code in codes:
        lines = ("\t".join(map(str, frame.ravel())) + "\t\r\n" for frame in counts)
        (folder / f"{code}.txt").write_text("".join(lines), newline="")
    return root


def write_pmatdata_ii(root: Path, number: int, codes=("B1",)) -> Path:
    for mattress in ("Air", "Sponge"):
        folder = root / "experiment-ii" / f"S{number}" / f"{mattress}_Mat"
        folder.mkdir(parents=True)
        counts = np.full((64, 27), 44)
        counts[50:60, 5:10] = 144  # stored near the bottom: near the head, once the rows are flipped
        for code in codes:
            np.savetxt(folder / f"Matrix_{mattress}_{code}.txt", counts, fmt="%d")
    return root


def write_hlppdat(root: Path) -> Path:
    (root / "maps").mkdir(parents=True)
    lines = ["FileName,Class,SubClass,SubjectId"]
    for index, (kind, subject) in enumerate([(1, 1), (2, 1), (3, 2), (4, 10)], 1):
        picture = np.full((30, 11), 12, np.uint8)
        picture[5:20, 3:8] = 60 + 10 * index
        Image.fromarray(picture).save(root / "maps" / f"{index:04d}.png")
        lines.append(f"{index:04d},{kind},7,{subject}")
    (root / "targets.csv").write_text("\n".join(lines) + "\n")
    return root


HOMOGRAPHY = np.array([[0.3, 0.02, -5.0], [-0.01, 0.35, 3.0], [1e-4, -2e-4, 1.0]])


def slp_cell(joint: int, pose: int) -> tuple[float, float]:
    """(x, y) in cells of the pressure map at which the fake tree puts a joint of a pose, both from 0."""
    return 20.0 + 3 * joint, 30.0 + 2 * pose + joint


def write_slp(root: Path, number: int, covers=("uncover", "cover1", "cover2")) -> Path:
    from scipy.io import savemat

    folder = root / "danaLab" / f"{number:05d}"
    for index, cover in enumerate(covers):
        (folder / "PMarray" / cover).mkdir(parents=True)
        for pose in range(45):
            counts = np.zeros((192, 84), np.uint8)
            counts[30:160, 20:60] = 10 * (index + 1) + pose
            np.save(folder / "PMarray" / cover / f"{pose + 1:06d}.npy", counts)
    np.save(folder / "PMcali.npy", 0.01 * np.arange(1, 136).reshape(3, 45))
    np.save(folder / "align_PTr_RGB.npy", HOMOGRAPHY)
    stored = np.zeros((3, 14, 45))
    inverse = np.linalg.inv(HOMOGRAPHY)
    for pose in range(45):
        for joint in range(14):
            x, y, w = inverse @ (*slp_cell(joint, pose), 1.0)
            stored[:, joint, pose] = x / w + 1, y / w + 1, 0  # Matlab counts from 1
    savemat(folder / "joints_gt_RGB.mat", {"joints_gt": stored})
    return root


def write_smal(root: Path, labels=(0, 1, 2, 1)) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        maps = np.zeros((len(labels), 224, 224), np.float32)
        maps[:, 60:150, 90:130] = np.arange(1, len(labels) + 1)[:, None, None]
        np.save(root / f"PM_{part}.npy", maps)
        np.save(root / f"label_{part}.npy", np.array(labels)[:, None])
    return root


TIP_LEFT_LOW_M = (-0.4, -1.1)
"""Where the fake tree's world has the centre of the lower left sensor."""


def tip_cell(joint: int, frame: int) -> tuple[float, float]:
    """(column, row) of the cell in whose centre the fake tree puts a COCO joint."""
    return 2.0 + joint, 5.0 + 2 * joint + frame


def write_tip(root: Path, subject: int, group: int, frames=3) -> Path:
    folder = root / str(subject) / str(group)
    folder.mkdir(parents=True)
    counts = np.zeros((frames, 56, 40))
    counts[:, 10:40, 10:30] = 100
    counts[1, 20, 20] = 600
    np.save(folder / "pressure_correct.npy", counts)
    world = np.empty((frames, 17, 2))
    for frame in range(frames):
        for joint in range(17):
            col, row = tip_cell(joint, frame)
            world[frame, joint] = TIP_LEFT_LOW_M[0] + col * 0.0195, TIP_LEFT_LOW_M[1] + (55 - row) * 0.0311
    np.savez_compressed(
        folder / "labels.npz", keypoints_meter=world, weight=55.5, height=166.0, gender="female",
        posture_index=np.array({"supine": [0, 2]}, dtype=object),
    )  # fmt: skip
    corners = np.array([TIP_LEFT_LOW_M, (-0.4, 0.6), (0.4, 0.6), (0.4, -1.1)])
    np.savez(folder / "camera_params.npz", infer_sensor_position=corners)
    return root
