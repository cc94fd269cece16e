"""One core, one frame: from a mat's frame to points with `native`, exported or not, against the `paper` encoder alone.

python benchmarks/speed.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from record import record

from matpose.mat import preset
from matpose.nn.efd import EFD
from matpose.nn.fold import folded
from matpose.runtime.card import card
from matpose.runtime.export import export_onnx
from matpose.runtime.onnx_backend import OnnxBackend
from matpose.runtime.parity import parity_maps
from matpose.runtime.pose_module import pose_module
from matpose.training.build import build_efd
from matpose.training.model_file import TrainedModel
from matpose.training.recipe import Recipe, load_recipe

ROUNDS = 60


def times_ms(*tasks: Callable[[], object]) -> list[np.ndarray]:
    """Wall times of each task over interleaved rounds, milliseconds, so that a busy machine slows all alike."""
    for task in tasks:
        for _ in range(5):
            task()
    spent = np.empty((len(tasks), ROUNDS))
    for turn in range(ROUNDS):
        for index, task in enumerate(tasks):
            start = time.perf_counter()
            task()
            spent[index, turn] = 1e3 * (time.perf_counter() - start)
    return list(spent)


def exported(efd: EFD, recipe: Recipe) -> OnnxBackend:
    """The model as `matpose export` writes it, in onnxruntime."""
    trained = TrainedModel(efd, recipe)
    module, joint_names = pose_module(trained)
    with TemporaryDirectory() as folder:
        done = export_onnx(module, parity_maps(recipe.canvas), Path(folder) / "m.onnx", card(trained, joint_names))
        return OnnxBackend(done.path)


def main() -> None:
    torch.set_num_threads(1)
    native, paper = load_recipe("native"), load_recipe("paper")
    efd = build_efd(native).eval()
    backend = exported(efd, native)
    model = folded(efd).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    encoder = folded(build_efd(paper).encoder.eval()).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    mat = preset("pmatdata-i")
    frame = np.random.default_rng(0).gamma(0.5, 2.0, (1, mat.rows, mat.cols)).astype(np.float32)
    x = torch.rand(1, 1, paper.rows, paper.cols)

    def frame_to_points() -> torch.Tensor:
        canvas = native.canvas.resample(frame, mat)
        return model.points(torch.from_numpy(canvas)[:, None]).xy_norm

    def frame_to_points_onnx() -> np.ndarray:
        return backend(native.canvas.resample(frame, mat)).points_xy_norm

    with torch.inference_mode():
        ours, onnx, theirs = times_ms(frame_to_points, frame_to_points_onnx, lambda: encoder(x))
    record(
        "speed",
        {
            "native_frame_to_points_ms": {f"p{q}": float(np.percentile(ours, q)) for q in (50, 95, 99)},
            "native_onnx_frame_to_points_ms": {f"p{q}": float(np.percentile(onnx, q)) for q in (50, 95, 99)},
            "paper_encoder_ms": {f"p{q}": float(np.percentile(theirs, q)) for q in (50, 95, 99)},
            "ratio_p50": float(np.median(theirs) / np.median(ours)),
            "rounds": ROUNDS,
        },
    )


if __name__ == "__main__":
    main()
