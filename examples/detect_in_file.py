"""Find points and posture in one recording, and print the first frames.

python examples/detect_in_file.py new.csv runs/mine 64 32 27.8 mmHg
"""

from __future__ import annotations

import sys
from itertools import islice

import matpose


def main(path: str, model: str, rows: str, cols: str, pitch_mm: str, unit: str) -> None:
    recording = matpose.read(path, rows=int(rows), cols=int(cols), pitch_mm=pitch_mm, unit=unit)
    print(f"{len(recording)} frames over {recording.duration_s:.0f} s, in {recording.unit}")
    for pose in islice(matpose.Detector(model)(recording), 5):
        points = [point for point in pose.points if point is not None]
        flags = ", ".join(pose.flags.names) or "none"
        print(f"{pose.time_s:7.1f} s  {pose.posture:8}  {len(points)} points, flags: {flags}")
        for number, point in enumerate(points[:3]):
            x_m, y_m = point.xy_m
            print(f"    point {number}: {x_m:.2f} m across, {y_m:.2f} m from the head edge")


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except matpose.MatposeError as error:
        sys.exit(str(error))
