"""Matpose: body keypoints, posture and pressure history from any pressure mat. Research use, not a medical device."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matpose.canvas import Canvas
    from matpose.errors import MatposeError
    from matpose.mat import Mat
    from matpose.pose import Pose
    from matpose.readers import read
    from matpose.recording import Recording
    from matpose.runtime import Detector

__version__ = "0.1.0"

_HOME = {
    "Canvas": "matpose.canvas",
    "Detector": "matpose.runtime",
    "Mat": "matpose.mat",
    "MatposeError": "matpose.errors",
    "Pose": "matpose.pose",
    "Recording": "matpose.recording",
    "read": "matpose.readers",
}
__all__ = ["Canvas", "Detector", "Mat", "MatposeError", "Pose", "Recording", "__version__", "read"]


def __getattr__(name: str):
    # names load on first use, so that `import matpose` and `matpose --help` stay instant
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'matpose' has no attribute {name!r}")
