"""The detector: recordings in, poses out."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from os import PathLike
from pathlib import Path

import numpy as np

from matpose.errors import MatposeError, ModelError
from matpose.mat import Mat
from matpose.pose import Pose
from matpose.quality import clean
from matpose.recording import Flag, Recording
from matpose.runtime.decode import MISSING, OUTSIDE, UNTRUSTED, covers, decoded
from matpose.runtime.found import Backend

__all__ = ["BACKENDS", "MISSING", "OUTSIDE", "SHIPPED", "UNTRUSTED", "Detector"]

SHIPPED = Path(str(files("matpose"))) / "weights" / "matpose.onnx"
"""The model that comes with the package."""

BACKENDS = ("onnxruntime", "openvino", "torch")
"""What can compute: onnxruntime and openvino run exported files, torch runs a run's folder or its model file."""


class Detector:
    """Points, joints and posture for every frame of a recording.

    Args:
        model: a file of `matpose export`, which needs no torch; a run's folder or its model file, which does; by
            default the model that comes with the package.
        batch: frames computed together; a frame alone gets the same answer.
        backend: what computes: one of ``BACKENDS``; by default torch for a run, onnxruntime for an exported file.

    Raises:
        ModelError: no model there, or one that the backend does not take, or the backend is not installed.

    Example:
        ``for pose in Detector("mine.onnx")(matpose.read("night.csv", mat="bpms")): print(pose.points[0])``
    """

    def __init__(
        self, model: str | PathLike[str] | None = None, *, batch: int = 64, backend: str | None = None
    ) -> None:
        self.backend = _backend(model, backend)
        self.batch = batch

    def remarks(self, recording: Recording) -> list[str]:
        """Sentences for a user who may have read a recording otherwise than the model's training did."""
        mat = recording.mat
        like = [m for m in self.backend.mats if (m["rows"], m["cols"]) == (mat.rows, mat.cols)]
        if not like or any((m["rotate"], m["mirror"]) == (mat.rotate, mat.mirror) for m in like):
            return []
        turns = " or ".join(f"--rotate {m['rotate']}{' --mirror' if m['mirror'] else ''}" for m in like)
        return [f"in training, files of this grid were read with {turns}; read otherwise, postures may be wrong"]

    def __call__(self, recording: Recording) -> Iterator[Pose]:
        """One pose a frame, in order; frames not to be trusted have None for every point and joint.

        Every other joint is there, however low its confidence: whoever uses it decides.

        Raises:
            MatposeError: the mat's pitch is not known.
        """
        recording, _ = clean(recording)  # the flags stay, so the user learns of it
        sound = recording.select((recording.flags & np.uint16(UNTRUSTED)) == 0)
        origin_m = self.backend.canvas.origin_over(sound)  # a garbled frame must not move it
        for start in range(0, len(recording), self.batch):
            part = slice(start, start + self.batch)
            yield from self._poses(
                recording.frames[part],
                recording.mat,
                origin_m,
                flags=[Flag(bits) for bits in recording.flags[part].tolist()],
                time_s=recording.time_s[part].tolist(),
                first=start,
                source=recording.source,
            )

    def _poses(
        self,
        frames: np.ndarray,
        mat: Mat,
        origin_m: tuple[float, float],
        *,
        flags: list[Flag],
        time_s: list[float],
        first: int,
        source: str | None = None,
    ) -> Iterator[Pose]:
        """Poses of a few cleaned frames; see :func:`matpose.runtime.decode.decoded`."""
        return decoded(self.backend, frames, mat, origin_m, flags=flags, time_s=time_s, first=first, source=source)

    def see(
        self,
        frame: np.ndarray,
        mat: Mat,
        *,
        flags: Flag,
        time_s: float,
        frame_index: int = 0,
        origin_m: tuple[float, float] | None = None,
    ) -> Pose:
        """The pose of one frame of a stream, fast: the frame has been checked and cleaned already.

        A frame not to be trusted is not computed, and has None for every point and joint.

        Args:
            frame: (rows, cols) float32, canonical, as :class:`matpose.runtime.frame_check.FrameCheck` gives it.
            mat: that made it.
            flags: what was wrong with it.
            time_s: seconds since the first frame.
            frame_index: its number in the stream.
            origin_m: where the canvas lies on a mat larger than it; by default over this frame's centre of pressure.

        Raises:
            MatposeError: the frame has not the mat's grid, or the mat's pitch is not known.
        """
        if frame.shape != (mat.rows, mat.cols):
            raise MatposeError(
                f"a frame of {' x '.join(map(str, frame.shape))} cells from a mat of {mat.rows} x {mat.cols}",
                mend="say the mat's own rows and columns",
            )
        frames, canvas = frame[None], self.backend.canvas
        if origin_m is None:
            origin_m = canvas.origin_m(mat)
            if not covers(canvas, mat, origin_m):
                origin_m = canvas.origin_over(Recording(frames, mat, "raw", np.zeros(1), np.zeros(1, int)))
        return next(self._poses(frames, mat, origin_m, flags=[flags], time_s=[time_s], first=frame_index))


def _backend(model: str | PathLike[str] | None, name: str | None) -> Backend:
    if name not in (None, *BACKENDS):
        raise ModelError(f"there is no backend {name!r}", mend=f"use {', '.join(BACKENDS)}")
    path = SHIPPED if model is None else Path(model)
    if model is None and not path.is_file():
        raise ModelError(
            "no trained model comes with this version", mend="train one: matpose train DATA -o RUN, and give it"
        )
    exported = path.suffix.lower() == ".onnx"
    if name is None:
        name = "onnxruntime" if exported else "torch"
    if exported and name == "torch":
        raise ModelError(
            "the backend torch does not run exported files",
            mend="give the run's folder, or use the backend onnxruntime or openvino",
            path=path,
        )
    if not exported and name != "torch":
        raise ModelError(
            f"the backend {name} runs exported files only",
            mend=f"make one: matpose export {path} -o FILE.onnx, or use the backend torch",
            path=path,
        )
    if name == "openvino":
        from matpose.runtime.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(path)
    if name == "onnxruntime":
        from matpose.runtime.onnx_backend import OnnxBackend

        return OnnxBackend(path)
    try:
        from matpose.runtime.torch_backend import TorchBackend
    except ModuleNotFoundError as error:
        raise ModelError(
            f"this model needs the package {error.name!r}",
            mend="pip install 'matpose[train]', or give a file that matpose export made of it",
            path=path,
        ) from None
    return TorchBackend(path)
