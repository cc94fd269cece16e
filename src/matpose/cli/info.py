"""`matpose info`: what a recipe or a trained model is, and what it costs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from matpose.cli.options import JsonOut


def info(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="A recipe's name (native, paper) or file, a run's folder or model file."),
    ],
    as_json: JsonOut = False,
) -> None:
    """Parameters and multiplications of a recipe or a trained model, and where a trained one comes from."""
    from pathlib import Path

    import torch

    from matpose.evaluation.cost import conv_macs, paper_convention, parameters
    from matpose.training.build import build_efd
    from matpose.training.model_file import load_model
    from matpose.training.recipe import load_recipe

    path, facts = Path(model), {}
    if path.is_dir() or path.suffix == ".safetensors":
        trained = load_model(path)
        recipe, efd = trained.recipe, trained.efd
        facts = {"postures": list(trained.postures), **trained.facts}
    else:
        recipe = load_recipe(model)
        efd = build_efd(recipe).eval()
    x = torch.zeros(1, 1, recipe.rows, recipe.cols)
    vector = torch.zeros(1, recipe.points, 2 * recipe.features)
    answer = {
        "name": recipe.name,
        "parameters": parameters(efd),
        "encoder": {
            "parameters": parameters(efd.encoder),
            "conv_macs": conv_macs(efd.encoder, x),
            "input": list(x.shape),
        },
        "fuser": {"parameters": parameters(efd.fuser)},
        "decoder": {"parameters": parameters(efd.decoder), "conv_macs": conv_macs(efd.decoder, vector)},
        "paper_convention": paper_convention(efd.encoder, x) if recipe.blocks == "paper" else None,
        **({"trained": facts} if facts else {}),
    }
    if as_json:
        typer.echo(json.dumps(answer))
        return
    _show(answer, recipe.model_dump())


def _show(answer: dict, recipe: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    costs = Table(
        "part",
        "parameters",
        "convolution MACs",
        title=f"{answer['name']}: input {answer['encoder']['input']}",
    )
    for part in ("encoder", "fuser", "decoder"):
        macs = answer[part].get("conv_macs")
        costs.add_row(part, f"{answer[part]['parameters']:,}", f"{macs:,}" if macs else "-")
    console.print(costs)
    console.print("The decoder serves training only. Research use; not a medical device.", style="dim")
    if answer["paper_convention"]:
        counted = answer["paper_convention"]
        console.print(f"As the paper counts: {counted['params']:,} params, {counted['flops'] / 1e9:.4f} GFLOPs")
    for title, values in (("recipe", recipe), ("trained", answer.get("trained", {}))):
        if values:
            table = Table("", "", title=title, show_header=False)
            for key, value in values.items():
                table.add_row(str(key), str(value))
            console.print(table)
