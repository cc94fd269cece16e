"""`matpose info`: what a recipe or a trained model is, and what it costs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from matpose.cli.options import JsonOut


def info(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A recipe's name (native, plain, paper) or file, a run's folder or model file, or an exported *.onnx.",
        ),
    ],
    as_json: JsonOut = False,
) -> None:
    """Parameters and multiplications of a recipe or a trained model, and where a trained one comes from."""
    answer, recipe = _exported(model) if model.lower().endswith(".onnx") else _of_torch(model)
    if as_json:
        typer.echo(json.dumps(answer))
        return
    _show(answer, recipe)


def _exported(model: str) -> tuple[dict, dict]:
    """What an exported file says of itself; needs no torch."""
    from matpose.errors import ModelError
    from matpose.runtime.onnx_backend import OnnxBackend

    card = OnnxBackend(model).card
    words = {key: card[key] for key in ("version", "created", "licence", "notice") if key in card}
    try:
        read = {key: json.loads(card[key]) for key in ("joint_names", "postures", "mats", "facts", "cost", "recipe")}
    except (KeyError, ValueError) as error:
        raise ModelError(f"what it says of itself is damaged ({error})", mend="export it again", path=model) from None
    recipe, facts = read.pop("recipe"), read.pop("facts")
    return {**read.pop("cost"), "trained": {**words, **read, **facts}}, recipe


def _of_torch(model: str) -> tuple[dict, dict]:
    """A recipe, with fresh weights, or a trained model."""
    from pathlib import Path

    from matpose.runtime.card import costs
    from matpose.training.build import build_efd
    from matpose.training.model_file import load_model
    from matpose.training.recipe import load_recipe

    path = Path(model)
    if path.is_dir() or path.suffix == ".safetensors":
        trained = load_model(path)
        facts = {"postures": list(trained.postures), **trained.facts}
        return {**costs(trained.efd, trained.recipe, trained.joints), "trained": facts}, trained.recipe.model_dump()
    recipe = load_recipe(model)
    return costs(build_efd(recipe).eval(), recipe), recipe.model_dump()


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
    for part in ("encoder", "fuser", "decoder", "joints"):
        if part not in answer:
            continue
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
