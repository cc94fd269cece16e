"""`matpose export`: a trained model as one ONNX file, which predicts without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matpose.cli.options import JsonOut

if TYPE_CHECKING:
    from matpose.runtime.export import Exported


def export(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A run's folder or its model file, or a system's folder of `matpose compare`."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.onnx", help="The file to write.")],
    as_json: JsonOut = False,
) -> None:
    """Write a trained model as one ONNX file, once it answers as the trained one does.

    The file holds all that prediction needs: matpose predict --model FILE.onnx runs it without torch. A system of
    matpose compare becomes a plain graph, pressure to places and scores, for an ONNX runtime.
    """
    from rich.console import Console

    from matpose.errors import MatposeError

    if output.suffix.lower() != ".onnx":
        raise MatposeError("the name of an exported model ends in .onnx", mend=f"use {output.stem}.onnx", path=output)
    with Console(stderr=True).status("writing the graph, and comparing it with the trained model"):
        exported = _exported(model, output)
    if as_json:
        answer = {"output": str(exported.path), "size_bytes": exported.size_bytes, "parity": exported.parity}
        typer.echo(json.dumps(answer))
        return
    typer.echo(f"{exported.path}: {exported.size_bytes / 1e6:.2f} MB")
    typer.echo("largest difference from the trained model, of maps of people, an empty bed, noise and faults:")
    for name, difference in exported.parity.items():
        typer.echo(f"  {name:18} {difference:.1e}")


def _exported(model: Path, output: Path) -> Exported:
    from matpose.compare.export import export_system, is_system

    if is_system(model):
        return export_system(model, output)
    from matpose.runtime.card import card
    from matpose.runtime.export import export_onnx
    from matpose.runtime.parity import parity_maps
    from matpose.runtime.pose_module import pose_module
    from matpose.training.model_file import load_model

    trained = load_model(model)
    module, joint_names = pose_module(trained)
    return export_onnx(module, parity_maps(trained.recipe.canvas), output, card(trained, joint_names))
