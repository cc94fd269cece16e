"""The report of a run: points on the maps, reconstruction beside input, curves, presence, posture, and the figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from matpose.evaluation.charts import confusion, loss_curves
from matpose.evaluation.figures import heatmaps, maps_with_points
from matpose.evaluation.posture_fit import FittedPosture
from matpose.evaluation.report import Section, write_report
from matpose.evaluation.variant_curves import LAST, variant_curves
from matpose.training.data import Maps
from matpose.training.encode import encode
from matpose.training.measure import (
    label_free,
    predicted_presence,
    presence_f,
    presence_model,
    presence_scores,
    rebuilt_presence,
)
from matpose.training.module import LABEL_FREE_MAPS
from matpose.training.pictures import presence, reconstruction, save_pictures, spread_over_postures, titles
from matpose.training.run import Run

SHOWN = 6


def report_run(run: Run, path: Path, *, test: Maps | None = None, title: str = "Matpose: training report") -> dict:
    """Write a self-contained HTML report, and its pictures as PNG into ``figures/`` beside it.

    Args:
        run: a finished training; of one read back the presence scores have no rivals, which are fitted on the
            training maps.
        path: the HTML file.
        test: maps of people who took no part in the training; else the validation people are shown, and said to
            be those who chose the best epoch.
        title: of the page.

    Returns:
        The figures: ``{"label_free": {...}, "presence": {...} | None, "rebuilt_presence_f": float,
        "posture": {...} | None}``.
    """
    shown = run.val if test is None else test
    whose = "people the training never saw" if test is not None else "the validation people, who chose the best epoch"
    metrics = label_free(run.model.efd, shown)
    picked = spread_over_postures(shown, SHOWN)
    few = picked.select(np.arange(min(4, len(picked))))
    scores, rebuilt_f = _presence_scores(run, shown), presence_f(rebuilt_presence(run.model.efd, shown), shown)
    posture, posture_section = _posture(run, shown)
    sections = [
        _points(run, picked),
        Section("Reconstruction", _RECONSTRUCTION, figure=reconstruction(run.model.efd, few)),
        *([posture_section] if posture_section else []),
        Section(
            "Presence", _PRESENCE, figure=presence({"": run}, few), table=_rows((scores or {}) | {"rebuilt": rebuilt_f})
        ),
        Section("How it learned", "Losses and label-free measures by epoch.", figure=loss_curves(run.history)),
        Section("Curves", _CURVES, figure=variant_curves({run.model.recipe.name: [run.history]})),
    ]
    sections.append(_one_persons_heatmaps(run, picked))
    sections.append(Section("Label-free measures", _HOW_TO_READ, table=_rows(metrics)))
    sections.append(Section("Recipe", table=_rows(run.model.recipe.model_dump())))
    save_pictures(
        {section.heading.lower().replace(" ", "-"): section.figure for section in sections if section.figure},
        path.parent / "figures",
    )
    known = run.model.facts
    groups = (known["train_subjects"], known["validation_subjects"], test.subjects if test else [])
    facts = [
        ("people", " + ".join(str(len(people)) for people in groups if people)),
        ("maps", f"{known['train_maps'] + known['validation_maps'] + (len(test) if test else 0):,}"),
        ("equivariance error", f"{metrics['equivariance_median_pct']:.1f} % of height"),
    ]
    if posture:
        facts.append(("posture, recordings right", f"{posture['accuracy_recordings']:.1%}"))
    write_report(
        path,
        title=title,
        lead=f"Self-supervised keypoints on pressure maps. All figures are of {whose}.",
        facts=facts,
        sections=sections,
    )
    return {"label_free": metrics, "presence": scores, "rebuilt_presence_f": rebuilt_f, "posture": posture}


_RECONSTRUCTION = (
    "Left the pressure, then what the decoder made of its points, both relative to the map. Lighter is more."
)
_PRESENCE = (
    "Is there pressure on a cell? White says yes. F-score over the cells of the mat: of stage 1 of CRWT (model), "
    "beside simple rivals, and of the rebuilt pressure where it reaches the threshold. A stage 1 below all its "
    "rivals was too short."
)
_CURVES = f"The last {LAST} epochs of stage 2, on up to {LABEL_FREE_MAPS} maps of the validation people."
_HOW_TO_READ = (
    "Equivariance: how far the points stay behind when the map is turned, shifted and bent; a centimetre is good, "
    "tens say the points do not follow the body. Swap and feature-shuffle ratio: how much worse the reconstruction "
    "gets with another person's coordinates or features; near 1 that input is ignored. Points without names "
    "are not joints: no label took part."
)


def _rows(values: dict) -> list[dict]:
    return [
        {"name": name, "value": f"{value:.4g}" if isinstance(value, float) else str(value)}
        for name, value in values.items()
    ]


@torch.inference_mode()
def _points(run: Run, maps: Maps) -> Section:
    found = run.model.efd.points(maps.pressure)
    figure = maps_with_points(
        maps.pressure[:, 0].numpy(), found.xy_norm.numpy(), cell_m=maps.canvas.cell_m, titles=titles(maps)
    )
    return Section("Points on the maps", "Every colour is one discovered point, the same on all maps.", figure=figure)


@torch.inference_mode()
def _one_persons_heatmaps(run: Run, maps: Maps) -> Section:
    found = run.model.efd.points(maps.pressure[:1])
    figure = heatmaps(maps.pressure[0, 0].numpy(), found.heatmaps[0].numpy(), found.xy_norm[0].numpy())
    return Section("Heatmaps", f"Where each point looks, on {titles(maps)[0]}.", figure=figure)


def _presence_scores(run: Run, maps: Maps) -> dict | None:
    if not run.model.recipe.crwt:
        return None
    model = presence_model(run.folder, run.model.recipe)
    if run.train is not None:
        return presence_scores(model, run.model.recipe, run.train, maps)
    return {"model": presence_f(predicted_presence(model, maps), maps)}


def _posture(run: Run, maps: Maps) -> tuple[dict | None, Section | None]:
    head, postures = run.model.posture, run.model.postures
    labelled = maps.select(np.isin(maps.posture, postures))
    if head is None or not len(labelled):
        return None, None
    xy, features = encode(run.model.efd, labelled.pressure, labelled.canvas)
    chances = FittedPosture(head).predict_proba(xy, features)
    truth = np.array([postures.index(name) for name in labelled.posture])
    answer = chances.argmax(1)
    matrix = np.zeros((len(postures), len(postures)), int)
    np.add.at(matrix, (truth, answer), 1)
    names, of_recording = np.unique(labelled.recording, return_inverse=True)
    votes = np.zeros((len(names), len(postures)))
    np.add.at(votes, of_recording, chances)
    true_of = truth[np.unique(of_recording, return_index=True)[1]]
    wrong = names[votes.argmax(1) != true_of].tolist()
    figures = {
        "accuracy": float((answer == truth).mean()),
        "accuracy_recordings": 1 - len(wrong) / len(names),
        "wrong_recordings": wrong,
        "recordings": len(names),
    }
    text = f"GraphSAGE on the points. {len(names) - len(wrong)} of {len(names)} recordings right" + (
        f"; wrong: {', '.join(wrong)}." if wrong else "."
    )
    return figures, Section("Posture", text, figure=confusion(matrix, postures))
