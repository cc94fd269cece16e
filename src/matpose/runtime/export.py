"""Export to ONNX: decoding, confidence, contact and posture inside the graph; written only if it answers as torch does.

Source: torch.onnx, the exporter on torch.export ("dynamo").
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from matpose.atomic import atomic_path
from matpose.errors import ModelError
from matpose.nn.fold import folded
from matpose.runtime.found import Found
from matpose.runtime.onnx_backend import INPUT, OnnxBackend
from matpose.runtime.parity import check_parity

OPSET = 20  # read by onnxruntime 1.17 and later


class Exported(NamedTuple):
    """A written file.

    Args:
        path: the file.
        size_bytes: its size.
        parity: largest absolute difference from torch, of every output.
    """

    path: Path
    size_bytes: int
    parity: dict[str, float]


def export_onnx(
    module: nn.Module, maps: np.ndarray, path: str | PathLike[str], metadata: Mapping[str, str]
) -> Exported:
    """Write a module as an ONNX file that :class:`matpose.runtime.onnx_backend.OnnxBackend` runs.

    The same module and metadata give the same bytes, with the same versions of torch and its exporter.

    Args:
        module: (B, 1, H, W) pressure to tensors in the order of :class:`matpose.runtime.found.Found`.
        maps: (N, H, W) float32 pressure on the canvas, N >= 2: what torch and the file must agree on.
        path: the file; replaced, if all goes well.
        metadata: see :func:`matpose.runtime.card.card`.

    Raises:
        ModelError: answers that are not numbers, a module that the exporter cannot take, or a file that answers
            otherwise than torch; nothing is written then.
    """
    module = module.eval()
    pressure = torch.from_numpy(maps)[:, None]
    with torch.inference_mode():
        expected = Found(*(tensor.numpy() for tensor in module(pressure)))
    broken = [name for name, values in zip(Found._fields, expected, strict=True) if not np.isfinite(values).all()]
    if broken:
        raise ModelError(f"the model's {', '.join(broken)} are not finite numbers", mend="train it again")
    graph = onnx_graph(folded(module), pressure[:2], Found._fields)
    graph.model.metadata_props.update(metadata)
    with atomic_path(path) as temporary:
        graph.save(temporary, external_data=False)
        parity = check_parity(expected, OnnxBackend(temporary), maps)
    return Exported(Path(path), Path(path).stat().st_size, parity)


def onnx_graph(
    module: nn.Module, example: torch.Tensor, outputs: Sequence[str], *, any_number: bool = True
) -> torch.onnx.ONNXProgram:
    """A module as a graph with the input ``pressure``.

    Args:
        module: in eval mode.
        example: (B, 1, H, W) that it takes.
        outputs: names of what it gives.
        any_number: whether the graph takes any number of maps, or as many as the example.

    Raises:
        ModelError: a module that the exporter cannot take.
    """
    with _quiet():
        try:
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(outputs),
                dynamic_shapes=({0: torch.export.Dim("batch")},) if any_number else None,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"the model cannot be exported ({reason})", mend="report this as a bug") from error
    assert program is not None  # it is, with dynamo
    _forget_sources(program)
    return program


def _forget_sources(program: torch.onnx.ONNXProgram) -> None:
    """Every node remembers the source lines that made it, with this machine's folders."""
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of torchvision, which is not used, and of its own past."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
