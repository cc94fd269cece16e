"""The pictures of trained runs that the report of one and the comparison of several share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap

import numpy as np
import torch
from matplotlib.figure import Figure

from matpose.atomic import atomic_path, remove_unfinished
from matpose.evaluation.figures import reconstruction_pairs
from matpose.evaluation.presence_figure import presence_beside_truth
from matpose.nn.efd import EFD
from matpose.nn.scaling import scale_free
from matpose.training.data import Maps
from matpose.training.measure import predicted_presence, presence_model, rebuilt_presence
from matpose.training.run import Run


def spread_over_postures(maps: Maps, count: int) -> Maps:
    """Some maps, of as many postures as there are, none of them twice from one recording if that can be."""
    _, first = np.unique(maps.recording, return_index=True)
    by_posture = [first[maps.posture[first] == name] for name in sorted(set(maps.posture[first].tolist()))]
    # deal them out like cards: one of each posture in turn
    dealt = [group[turn] for turn in range(max(map(len, by_posture))) for group in by_posture if turn < len(group)]
    return maps.select(np.array(dealt[:count]))


def titles(maps: Maps) -> list[str]:
    """Recording and posture of every map, short lines."""
    return [
        "\n".join(wrap(name, 16) + ([] if posture == "unknown" else [posture]))
        for name, posture in zip(maps.recording.tolist(), maps.posture.tolist(), strict=True)
    ]


@torch.inference_mode()
def reconstruction(efd: EFD, maps: Maps) -> Figure:
    """Pressure beside what the decoder makes of its points (the paper's Fig. 6); lighter is more."""
    seen, rebuilt = scale_free(maps.pressure), efd(maps.pressure).clamp(0, 1)
    # squared, for the network's scale is the root of relative pressure
    return reconstruction_pairs(seen.square()[:, 0].numpy(), rebuilt.square()[:, 0].numpy(), titles(maps))


def presence(runs: Mapping[str, Run], maps: Maps) -> Figure:
    """Presence as measured, as stage 1 of CRWT answers, and of the rebuilt pressure (the paper's Fig. 4).

    Args:
        runs: name to run; a single one needs no name in the picture.
        maps: a few maps on the runs' canvas.
    """
    answers = {}
    for name, run in runs.items():
        prefix = f"{name}:\n" if len(runs) > 1 else ""
        if run.model.recipe.crwt:
            answers[f"{prefix}stage 1"] = predicted_presence(presence_model(run.folder, run.model.recipe), maps)
        answers[f"{prefix}rebuilt"] = rebuilt_presence(run.model.efd, maps)
    return presence_beside_truth(maps.present()[:, 0].numpy(), answers, maps.on_mat()[:, 0].numpy(), titles(maps))


def save_pictures(pictures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write each picture as ``folder/NAME.png``, small enough for a page; returns the files."""
    remove_unfinished(folder)
    paths = [folder / f"{name}.png" for name in pictures]
    for path, figure in zip(paths, pictures.values(), strict=True):
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=120)
    return paths
