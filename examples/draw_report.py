"""Draw one report of a recording: its flags, and the points on a few of its frames.

python examples/draw_report.py night.h5 runs/mine report.html
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

import matpose
from matpose.evaluation.figures import maps_with_points
from matpose.evaluation.report import Section, write_report


def main(path: str, model: str, report: str) -> None:
    recording = matpose.read(path)
    detector = matpose.Detector(model)
    poses = list(detector(recording))
    sound = [pose for pose in poses if None not in pose.points][:: max(1, len(poses) // 6)][:6]
    if not sound:
        raise matpose.MatposeError("no frame can be trusted", mend="look at it with matpose inspect", path=path)
    canvas, origin_m = detector.backend.canvas, detector.backend.canvas.origin_over(recording)
    maps = canvas.resample(recording.frames[[pose.frame for pose in sound]], recording.mat, origin_m)
    xy_m = np.array([[point.xy_m for point in pose.points if point] for pose in sound])
    xy_norm = (xy_m - origin_m) / (canvas.width_m, canvas.height_m) * 2 - 1
    titles = [f"{pose.time_s:.0f} s: {pose.posture}" for pose in sound]
    figure = maps_with_points(maps, xy_norm, cell_m=canvas.cell_m, titles=titles)
    flags = Counter(flag for pose in poses for flag in pose.flags.names)
    write_report(
        report,
        title=f"Points in {path}",
        lead=f"{len(poses)} frames over {recording.duration_s:.0f} s.",
        facts=[(name, str(count)) for name, count in flags.items()],
        sections=[Section("Points", "Every colour is one discovered point.", figure=figure)],
    )


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except matpose.MatposeError as error:
        sys.exit(str(error))
