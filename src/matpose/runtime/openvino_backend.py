"""The OpenVINO backend of the detector: the same exported file, by Intel's runtime."""

from __future__ import annotations

import sys
from os import PathLike
from types import ModuleType
from typing import Any

import numpy as np

from matpose.errors import ModelError
from matpose.runtime.found import Found
from matpose.runtime.onnx_backend import OnnxBackend

SETTINGS = {
    "INFERENCE_PRECISION_HINT": "f32",  # where a processor has bfloat16 OpenVINO would take it, and points would move
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
}


class OpenVinoBackend:
    """An exported model behind the detector; see :class:`matpose.runtime.found.Backend`.

    It computes in float32 on one thread, and tells nobody of its use.

    Args:
        path: a file of `matpose export`.

    Raises:
        ModelError: not there, not whole, or another program's; or OpenVINO is not installed, or cannot run it.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        openvino = _openvino()
        checked = OnnxBackend(path)  # says in one line what is wrong with a file, which OpenVINO does not
        self.card, self.mats = checked.card, checked.mats
        self.canvas, self.points = checked.canvas, checked.points
        self.joint_names, self.postures = checked.joint_names, checked.postures
        try:
            core = openvino.Core()
            model = core.read_model(str(path))
            self._many = core.compile_model(model, "CPU", SETTINGS).create_infer_request()
            model.reshape([1, 1, self.canvas.rows, self.canvas.cols])
            self._one = core.compile_model(model, "CPU", SETTINGS).create_infer_request()
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ModelError(
                f"OpenVINO cannot run this model ({reason})", mend="use the backend onnxruntime", path=path
            ) from None

    def __call__(self, maps: np.ndarray) -> Found:
        """(B, H, W) float32 pressure on the canvas to :class:`Found`."""
        request = self._one if len(maps) == 1 else self._many
        found: Any = request.infer([np.ascontiguousarray(maps[:, None])], share_inputs=True)
        return Found(*(np.asarray(found[name]) for name in Found._fields))


def _openvino() -> ModuleType:
    """The package, without the one that reports its use to its maker: that one is not even loaded."""
    telemetry = "openvino_telemetry"
    hide = telemetry not in sys.modules
    if hide:
        sys.modules[telemetry] = None  # pyright: ignore[reportArgumentType]
    try:
        import openvino
    except ModuleNotFoundError:
        raise ModelError(
            "the backend openvino needs the package 'openvino'", mend="pip install 'matpose[openvino]'"
        ) from None
    finally:
        if hide:
            del sys.modules[telemetry]
    return openvino
