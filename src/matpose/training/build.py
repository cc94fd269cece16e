"""From a recipe to its model."""

from __future__ import annotations

from matpose.errors import RecipeError
from matpose.nn.decoder import Decoder
from matpose.nn.efd import EFD
from matpose.nn.encoder import NATIVE_BLOCKS, PAPER_BLOCKS, Encoder
from matpose.nn.fuser import Fuser
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
        start_channels=recipe.start_channels,
        routes=recipe.routes,
        dilation=recipe.dilation,
        exchange=recipe.exchange,
    )
    fuser = Fuser(recipe.points, recipe.features, recipe.fully_connected)
    canvas = (recipe.rows, recipe.cols)
    decoder = Decoder(recipe.points, recipe.features, canvas, rebuild, standardise=recipe.standardise)
    return EFD(encoder, fuser, decoder, smooth=recipe.smooth)
