"""Poses as a COCO keypoints document, so that the field's viewers and scorers can read them.

Source: https://cocodataset.org/#format-data
"""

from __future__ import annotations

from pathlib import Path

from matpose import __version__
from matpose.pose import Pose
from matpose.recording import JOINT_NAMES, Recording
from matpose.runtime.skeleton import LIMBS

# one-based pairs into JOINT_NAMES, as COCO counts
_SKELETON = [[JOINT_NAMES.index(one) + 1, JOINT_NAMES.index(other) + 1] for one, other in LIMBS]


class Coco:
    """Collects poses; an image is a frame of the mat, a pixel one of its canonical cells.

    Coordinates are in cells from the outer corner of the first cell, x to the right and y from head to
    foot (a cell's centre lies at +0.5); times the pitch in ``info`` they are metres. Poses without any
    trusted point get no annotation; their frame is listed all the same.

    Args:
        recording: what the poses were found in; its mat needs a pitch.

    Raises:
        MatposeError: the mat's pitch is not known.
    """

    def __init__(self, recording: Recording) -> None:
        self._mat = recording.mat
        self._pitch_y_m, self._pitch_x_m = recording.mat.pitch_m
        self._source = Path(recording.source or recording.name or "recording").name
        self._images: dict[int, dict] = {}
        self._annotations: list[dict] = []
        self._points = 0
        self._named = False

    def add(self, pose: Pose) -> None:
        """Add one person in one frame; coordinates that are None become 0 0 0, as COCO writes them."""
        self._images.setdefault(
            pose.frame,
            {
                "id": pose.frame,
                "file_name": f"{self._source}#{pose.frame}",
                "width": self._mat.cols,
                "height": self._mat.rows,
                "time_s": round(pose.time_s, 6),
                "flags": pose.flags.names,
            },
        )
        self._points = max(self._points, len(pose.points))
        self._named = self._named or bool(pose.keypoints)
        where = [pose.keypoints.get(name) for name in JOINT_NAMES] if pose.keypoints else pose.points
        cells = [
            None if place is None else (place.xy_m[0] / self._pitch_x_m, place.xy_m[1] / self._pitch_y_m)
            for place in where
        ]
        found = [cell for cell in cells if cell is not None]
        if not found:
            return
        left, right = min(x for x, _ in found), max(x for x, _ in found)
        head, foot = min(y for _, y in found), max(y for _, y in found)
        self._annotations.append(
            {
                "id": len(self._annotations) + 1,
                "image_id": pose.frame,
                "category_id": 1,
                "iscrowd": 0,
                "keypoints": [v for cell in cells for v in ((0, 0, 0) if cell is None else (*_rounded(*cell), 2))],
                "num_keypoints": len(found),
                "bbox": _rounded(left, head, right - left, foot - head),
                "area": round((right - left) * (foot - head), 3),
                "person": pose.person,
                "posture": pose.posture,
            }
        )

    def to_dict(self) -> dict:
        """The document: plain types, no NaN. Without named joints, the points are called p00, p01, ..."""
        names = list(JOINT_NAMES) if self._named else [f"p{index:02d}" for index in range(self._points)]
        for annotation in self._annotations:  # a frame may carry fewer points than the category lists
            annotation["keypoints"] += [0] * (3 * len(names) - len(annotation["keypoints"]))
        return {
            "info": {
                "description": f"Matpose {__version__}: poses of {self._source}. Research use, not a medical device.",
                "coordinates": "canonical cells from the outer corner of cell (0, 0); metres = cells * pitch",
                "pitch_x_m": self._pitch_x_m,
                "pitch_y_m": self._pitch_y_m,
            },
            "images": list(self._images.values()),
            "annotations": self._annotations,
            "categories": [
                {
                    "id": 1,
                    "name": "person" if self._named else "points",
                    "supercategory": "person",
                    "keypoints": names,
                    "skeleton": _SKELETON if self._named else [],
                }
            ],
        }


def _rounded(*values: float) -> list[float]:
    return [round(value, 3) for value in values]
