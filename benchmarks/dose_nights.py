"""The dose that the detector's joints give each part of the body over a night, beside that of the true part masks.

python benchmarks/dose_nights.py NIGHTS [--seed 70000] [--hours 8] [--mat pmatdata-i]

Nights are simulated at 1 Hz and go frame by frame through the path of the bedside: check, change gate, detector, part
map, readings, dose. The part map is asked about every fifth second. The same readings are also taken through the true
part masks, which are the truth here; through the part map of the true joints, which tells what the joints' errors
cost; and through a template that knows no joints: fixed shares of the loaded box.

An error is that of a night's dose of one part, relative to the true one. Parts count whose true dose is above 5 % of
the night's largest: the others bear next to nothing, and a few cells at their edge double them.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from record import record

from matpose import Detector
from matpose.mat import Mat, preset
from matpose.monitor.body_parts import part_map
from matpose.monitor.dose import Dose
from matpose.monitor.part_pressure import read_parts
from matpose.monitor.settings import Settings
from matpose.pose import Keypoint, Pose
from matpose.recording import JOINT_NAMES, PART_NAMES, Recording
from matpose.runtime.change_gate import ChangeGate
from matpose.runtime.frame_check import FrameCheck
from matpose.simulate.night import night

EVERY_S = 5
SHARE = 0.05  # of the night's largest dose
WAYS = ("truth", "joints", "true_joints", "template")
# rows of the box end at these shares of its length; Drillis and Contini 1966
BANDS = (
    (0.17, "head"), (0.34, "upper_back"), (0.44, "lower_back"), (0.53, "sacrum"), (0.68, "thigh"), (0.75, "knee"),
    (0.94, "calf"), (1.01, "heel_foot"),
)  # fmt: skip
CODE = {name: code for code, name in enumerate(PART_NAMES)}


def template(frame_kpa: np.ndarray) -> np.ndarray:
    """Parts by fixed shares of the box around all loaded cells: (rows, cols) uint8."""
    loaded = frame_kpa > 0.133
    parts = np.zeros(frame_kpa.shape, np.uint8)
    if not loaded.any():
        return parts
    row, col = np.nonzero(loaded)
    (top, bottom), (west, east) = ((line.min(), line.max() + 1) for line in (row, col))
    down, aside = (row + 0.5 - top) / (bottom - top), (col + 0.5 - west) / (east - west) - 0.5
    right = aside < 0  # of somebody on the back
    band = np.searchsorted([end for end, _ in BANDS], down)
    names = [name for _, name in BANDS]
    codes = np.array([CODE[name] if name in CODE else CODE[f"left_{name}"] for name in names])
    code = codes[band] + np.where(np.array([name not in CODE for name in names])[band], right, 0)
    trunk = (down >= BANDS[0][0]) & (down < BANDS[3][0])
    outer, edge = np.abs(aside) > 0.18, np.abs(aside) > 0.32
    code = np.where(trunk & outer & (down < 0.24), CODE["left_shoulder"] + right, code)
    code = np.where(outer & (down >= BANDS[2][0]) & (down < BANDS[3][0]), CODE["left_hip"] + right, code)
    code = np.where(trunk & edge & (down >= 0.24), CODE["left_upper_arm"] + right, code)
    code = np.where(trunk & edge & (down >= 0.36), CODE["left_forearm_hand"] + right, code)
    parts[row, col] = code
    return parts


def true_pose(chunk: Recording, index: int) -> Pose:
    """The pose that a detector without error would tell."""
    assert chunk.joints_m is not None
    assert chunk.joint_contact is not None
    assert chunk.posture is not None
    joints: dict[str, Keypoint | None] = {
        name: Keypoint((float(x), float(y)), 1.0, float(presses)) if np.isfinite(x) else None
        for name, (x, y, _), presses in zip(JOINT_NAMES, chunk.joints_m[index], chunk.joint_contact[index], strict=True)
    }
    return Pose(frame=0, time_s=0.0, keypoints=joints, posture=str(chunk.posture[index]))


def doses(seed: int, mat: Mat, hours: float, detector: Detector) -> tuple[dict[str, np.ndarray], int]:
    """Of one night, by each way: (22,) mmHg h; and how many poses the detector was asked for."""
    settings = Settings()
    check, gate = FrameCheck(mat, "kPa"), ChangeGate(settings.gate, settings.heartbeat_s)
    dose = {way: Dose() for way in WAYS}
    pose, asked = Pose(frame=0, time_s=0.0), 0
    for chunk in night(seed, mat, hours):
        assert chunk.parts is not None
        told = true_pose(chunk, 0)  # in a chunk nobody moves
        for index, (frame, time_s) in enumerate(zip(chunk.frames, chunk.time_s.tolist(), strict=True)):
            frame, flags = check.check(frame, time_s)
            if gate.opens(frame, time_s, flags):
                pose, asked = detector.see(frame, mat, flags=flags, time_s=time_s), asked + 1
            if round(time_s) % EVERY_S:
                continue
            parts = {
                "truth": chunk.parts[index],
                "joints": part_map(pose, frame, mat),
                "true_joints": part_map(told, frame, mat),
                "template": template(frame),
            }
            for way, mine in parts.items():
                dose[way].add(read_parts(frame, mine, mat), EVERY_S)
    return {way: one.mmhg_h for way, one in dose.items()}, asked


def summary(found: np.ndarray, truth: np.ndarray) -> dict:
    """Errors of doses (nights, 22) in %, over the parts that bear."""
    bears = truth > SHARE * truth.max(1, keepdims=True)
    signed = np.where(bears, 100 * (found - truth) / np.where(bears, truth, 1), np.nan)
    error = np.abs(signed)
    parts = {
        name: {
            "nights": int(bears[:, code].sum()),
            "median_pct": float(np.nanmedian(error[:, code])),
            "worst_night_pct": float(np.nanmax(error[:, code])),
            "bias_pct": float(np.nanmedian(signed[:, code])),
        }
        for code, name in enumerate(PART_NAMES)
        if bears[:, code].any()
    }
    worst = max(parts, key=lambda name: parts[name]["median_pct"])
    return {
        "median_pct": float(np.nanmedian(error)),
        "p90_pct": float(np.nanpercentile(error, 90)),
        "share_within_20_pct": float((error[bears] <= 20).mean()),
        "worst_part": {"name": worst, "median_pct": parts[worst]["median_pct"]},
        "worst_part_of_a_night_pct": {
            "median": float(np.median(np.nanmax(error, 1))),
            "highest": float(np.nanmax(error)),
        },
        "parts": parts,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("nights", type=int)
    options.add_argument("--seed", type=int, default=70_000, help="of the first night; development: 60000")
    options.add_argument("--hours", type=float, default=8.0)
    options.add_argument("--mat", default="pmatdata-i")
    given = options.parse_args()
    mat, detector = preset(given.mat), Detector()
    every, asked = [], []
    for seed in range(given.seed, given.seed + given.nights):
        start = time.time()
        of_night, poses = doses(seed, mat, given.hours, detector)
        every.append(of_night)
        asked.append(poses)
        print(f"night {seed}: {poses} poses, {time.time() - start:.0f} s", flush=True)
    truth = np.array([one["truth"] for one in every])
    record(
        "dose-nights" if given.seed >= 70_000 else "dose-nights-development",
        {
            "what": "dose of each part of the body over simulated nights, beside the dose by the true part masks",
            "nights": given.nights, "first_seed": given.seed, "hours": given.hours, "mat": given.mat,
            "counts": f"parts whose true dose is above {SHARE:.0%} of the night's largest",
            "poses_a_night": float(np.mean(asked)),
            **{way: summary(np.array([one[way] for one in every]), truth) for way in WAYS[1:]},
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
