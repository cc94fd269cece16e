"""From a recipe to its model."""

from __future__ import annotations

import torch

from matpose.errors import RecipeError
from matpose.nn.decoder import Decoder
from matpose.nn.efd import EFD
from matpose.nn.encoder import NATIVE_BLOCKS, PAPER_BLOCKS, Encoder
from matpose.nn.fuser import Fuser
from matpose.nn.joint_head import JointHead
from matpose.nn.pose_net import PoseNet
from matpose.nn.rebuildnet import RebuildNet
from matpose.training.recipe import Recipe


def build_efd(recipe: Recipe, *, outputs: int = 1) -> EFD:
    """The recipe's Encoder - Fuser - Decoder with fresh weights.

    Args:
        recipe: the choices.
        outputs: channels of the decoder's head: 2 for presence, 1 for pressure.

    Raises:
        RecipeError: choices that do not go together.

    Example:
        >>> from matpose.training.recipe import load_recipe
        >>> sum(p.numel() for p in build_efd(load_recipe("paper")).encoder.parameters())
        138400
    """
    if recipe.start != "fc" and recipe.positions != "homogeneous":
        raise RecipeError(
            f"start={recipe.start} needs to know where the points are",
            mend="use positions=homogeneous, or start=fc",
            path=recipe.name,
        )
    blocks, stem_stride = (PAPER_BLOCKS, 1) if recipe.blocks == "paper" else (NATIVE_BLOCKS, 2)
    try:
        encoder = Encoder(
            recipe.points,
            recipe.features,
            blocks,
            stem_stride=stem_stride,
            stride=recipe.stride,
            normalisation=recipe.normalisation,
            positions=recipe.positions,
            sharpness=recipe.sharpness,
        )
    except ValueError as error:
        raise RecipeError(
            f"{recipe.blocks} blocks: {error}", mend="choose another stride or other blocks", path=recipe.name
        ) from None
    rebuild = RebuildNet(
        recipe.widths,
        recipe.exchange_width,
        outputs=outputs,
        start_channels=recipe.start_channels * (recipe.start != "gaussian") + recipe.features * (recipe.start != "fc"),
        routes=recipe.routes,
        dilation=recipe.dilation,
        exchange=recipe.exchange,
    )
    fuser = Fuser(recipe.points, recipe.features, recipe.fully_connected)
    canvas = (recipe.rows, recipe.cols)
    decoder = Decoder(
        recipe.points, recipe.features, canvas, rebuild, start=recipe.start, standardise=recipe.standardise
    )
    return EFD(encoder, fuser, decoder, smooth=recipe.smooth)


def build_pose_net(efd: EFD, recipe: Recipe) -> PoseNet:
    """A fresh joint head on the encoder of a recipe's EFD."""
    encoder, canvas = efd.encoder, recipe.canvas
    coarse = encoder.head.in_channels
    fine = encoder.fine_head.in_channels if encoder.fine_block is not None else coarse
    net = PoseNet(efd, JointHead(coarse, fine, canvas.width_m / canvas.height_m), canvas.cell_m)
    return net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
