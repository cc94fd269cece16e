"""What a trained model is worth on some maps: label-free metrics, and presence beside its rivals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from matpose.errors import ModelError
from matpose.evaluation.label_free import label_free_metrics
from matpose.evaluation.presence import f_score, presence_rivals
from matpose.nn.efd import EFD, batches_that_fit
from matpose.nn.scaling import scale_free, scaled_level
from matpose.training.build import build_efd
from matpose.training.checkpoint import SafetensorsIO
from matpose.training.data import Maps
from matpose.training.recipe import Recipe


def label_free(efd: EFD, maps: Maps, count: int = 96) -> dict[str, float]:
    """Label-free metrics on up to ``count`` maps, as :mod:`matpose.evaluation.label_free` has them."""
    spaced = np.linspace(0, len(maps) - 1, min(count // 2, len(maps))).round().astype(int)
    # in pairs of neighbours, most of them of one recording, so that a spread within recordings can be told
    chosen = maps.select(np.unique((spaced, np.minimum(spaced + 1, len(maps) - 1))))
    return label_free_metrics(
        efd,
        chosen.pressure.to(next(efd.parameters()).device),
        subject=chosen.subject,
        recording=chosen.recording,
        posture=chosen.posture,
        canvas=chosen.canvas,
    )


def presence_model(folder: Path, recipe: Recipe) -> EFD:
    """The best model of CRWT's stage 1 in a run's folder.

    Raises:
        ModelError: none there, or one of another recipe.
    """
    checkpoint = folder / "checkpoints" / "presence-best.safetensors"
    state = SafetensorsIO().load_checkpoint(checkpoint)["state_dict"]
    model = build_efd(recipe, outputs=2)
    try:
        model.load_state_dict({key.removeprefix("model."): value for key, value in state.items()})
    except RuntimeError as error:
        raise ModelError("stage 1's checkpoint is of another recipe", mend="train again", path=checkpoint) from error
    return model.eval()


@torch.inference_mode()
def predicted_presence(model: EFD, maps: Maps) -> np.ndarray:
    """(N, H, W) bool: where a stage 1 model says that there is pressure."""
    out = torch.cat([model(part) for part in batches_that_fit(maps.pressure)])
    return (out[:, 1] > out[:, 0]).numpy()


@torch.inference_mode()
def rebuilt_presence(efd: EFD, maps: Maps) -> np.ndarray:
    """(N, H, W) bool: where the rebuilt pressure reaches the map's own presence threshold."""
    out = torch.cat([efd(part) for part in batches_that_fit(maps.pressure)])
    return (out >= scaled_level(maps.threshold, maps.pressure))[:, 0].numpy()


def presence_f(predicted: np.ndarray, maps: Maps) -> float:
    """F-score of (N, H, W) bool answers on the cells of the mat, all maps together."""
    return f_score(predicted, maps.present()[:, 0].numpy(), maps.on_mat()[:, 0].numpy())


def presence_scores(model: EFD, recipe: Recipe, train: Maps, test: Maps) -> dict[str, float]:
    """F-scores on the cells of the mat: ``model``, and ``all_ones``, ``mean_map`` and ``pca`` fitted on ``train``."""
    seen = [scale_free(maps.pressure)[:, 0].numpy() for maps in (train, test)]
    present = [maps.present()[:, 0].numpy() for maps in (train, test)]
    on_mat = test.on_mat()[:, 0].numpy()
    numbers = recipe.points * (2 + recipe.features)
    return {
        "model": f_score(predicted_presence(model, test), present[1], on_mat),
        **presence_rivals(seen[0], present[0], seen[1], present[1], on_mat, numbers=numbers),
        "pca_numbers": min(numbers, len(train) - 1),
    }
