"""The ONNX backend of the detector: one file, no torch."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

import numpy as np
import onnxruntime as ort

from matpose.canvas import Canvas
from matpose.errors import ModelError
from matpose.runtime.found import Found

FORMAT = "matpose-onnx/1"
INPUT = "pressure"
OUTPUTS = list(Found._fields)


class OnnxBackend:
    """An exported model behind the detector; see :class:`matpose.runtime.found.Backend`.

    It computes on one thread, which does not spin while it waits: beside a bed the other cores have other work. A map
    alone goes through a copy of the graph that is laid out for one, which takes a quarter less time.

    Args:
        path: a file of `matpose export`.

    Raises:
        ModelError: not there, not whole, or another program's.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._session = _session(Path(path))
        self.card: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        if self.card.get("format") != FORMAT:
            raise ModelError(
                f"an ONNX model, but not of format {FORMAT}", mend="give a file that matpose export wrote", path=path
            )
        try:
            grid = json.loads(self.card["canvas"])
            self.canvas = Canvas(grid["rows"], grid["cols"], grid["cell_m"])
            self.points = int(json.loads(self.card["points"]))
            self.joint_names = tuple(json.loads(self.card["joint_names"]))
            self.postures = tuple(json.loads(self.card["postures"]))
            self.mats: list[dict] = json.loads(self.card["mats"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"what the model says of itself is damaged ({error})", mend="export it again", path=path
            ) from None
        self._check_shapes(path)
        self._one = _session(Path(path), batch=self._session.get_inputs()[0].shape[0])

    def __call__(self, maps: np.ndarray) -> Found:
        """(B, H, W) float32 pressure on the canvas to :class:`Found`."""
        session = self._one if len(maps) == 1 else self._session
        return Found(*(np.asarray(values) for values in session.run(OUTPUTS, {INPUT: maps[:, None]})))

    def _check_shapes(self, path: str | PathLike[str]) -> None:
        """The graph must be the one that its card describes, for any number of maps."""
        points, joints = self.points, len(self.joint_names)
        outputs = ([points, 2], [points], [joints, 2], [joints], [joints], [len(self.postures)])
        said = {INPUT: [1, self.canvas.rows, self.canvas.cols], **dict(zip(Found._fields, outputs, strict=True))}
        nodes = (*self._session.get_inputs(), *self._session.get_outputs())
        if {node.name: node.shape[1:] for node in nodes} != said:
            raise ModelError("its graph is not what its metadata say", mend="export it again", path=path)
        if any(isinstance(node.shape[0], int) for node in nodes):
            raise ModelError("its graph takes one number of maps only", mend="export it again", path=path)


def _session(path: Path, batch: str | None = None) -> ort.InferenceSession:
    """The model in a file; with the name of its batch's dimension, for one map only."""
    if not path.is_file():
        raise ModelError("there is no model here", mend="make one: matpose export RUN -o FILE.onnx", path=path)
    ort.disable_telemetry_events()  # some builds report their use
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if batch is not None:
        options.add_free_dimension_override_by_name(batch, 1)
    options.log_severity_level = 4  # what is wrong is said below, once
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base of its errors
        reason = str(error).splitlines()[0]
        raise ModelError(f"not a whole ONNX model ({reason})", mend="copy or export it again", path=path) from None
