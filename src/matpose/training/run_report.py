"""The report of a run: points on the maps, reconstruction beside input, curves, presence, posture, and the figures."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

import numpy as np
import torch
from matplotlib.figure import Figure

from matpose.evaluation.charts import confusion, loss_curves
from matpose.evaluation.figures import heatmaps, maps_with_points, presence_pairs, reconstruction_pairs
from matpose.evaluation.posture_fit import FittedPosture
from matpose.evaluation.report import Section, write_report
from matpose.nn.scaling import scale_free
from matpose.training.data import Maps
from matpose.training.encode import encode
from matpose.training.measure import label_free, predicted_presence, presence_model, presence_scores
from matpose.training.run import Run

SHOWN = 6


def report_run(run: Run, path: Path, *, test: Maps | None = None, title: str = "Matpose: training report") -> dict:
    """Write a self-contained HTML report, and its pictures as PNG into ``pictures/`` beside it.

    Args:
        run: a finished training.
        path: the HTML file.
        test: maps of people who took no part in the training; else the validation people are shown, and said to
            be those who chose the best epoch.
        title: of the page.

    Returns:
        The figures: ``{"label_free": {...}, "presence": {...} | None, "posture": {...} | None}``.
    """
    shown = run.val if test is None else test
    whose = "people the training never saw" if test is not None else "the validation people, who chose the best epoch"
    metrics = label_free(run.model.efd, shown)
    picked = _spread_over_postures(shown)
    sections = [_points(run, picked), _reconstruction(run, picked)]
    presence, presence_section = _presence(run, shown, picked)
    posture, posture_section = _posture(run, shown)
    sections += [section for section in (posture_section, presence_section) if section]
    sections.append(
        Section("How it learned", "Losses and label-free measures by epoch.", figure=loss_curves(run.history))
    )
    sections.append(_one_persons_heatmaps(run, picked))
    sections.append(Section("Label-free measures", _HOW_TO_READ, table=_rows(metrics)))
    sections.append(Section("Recipe", table=_rows(run.model.recipe.model_dump())))
    pictures = path.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for section in sections:
        if isinstance(section.figure, Figure):
            section.figure.savefig(pictures / f"{section.heading.lower().replace(' ', '-')}.png", dpi=120)
    facts = [
        (
            "people",
            f"{len(run.train.subjects)} + {len(run.val.subjects)}" + (f" + {len(test.subjects)}" if test else ""),
        ),
        ("maps", f"{len(run.train) + len(run.val) + (len(test) if test else 0):,}"),
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
    return {"label_free": metrics, "presence": presence, "posture": posture}


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


def _spread_over_postures(maps: Maps) -> Maps:
    """Some maps, of as many postures as there are, none of them twice from one recording if that can be."""
    _, first = np.unique(maps.recording, return_index=True)
    by_posture = [first[maps.posture[first] == name] for name in sorted(set(maps.posture[first].tolist()))]
    # deal them out like cards: one of each posture in turn
    dealt = [group[turn] for turn in range(max(map(len, by_posture))) for group in by_posture if turn < len(group)]
    return maps.select(np.array(dealt[:SHOWN]))


def _titles(maps: Maps) -> list[str]:
    return [
        "\n".join(wrap(name, 16) + ([] if posture == "unknown" else [posture]))
        for name, posture in zip(maps.recording.tolist(), maps.posture.tolist(), strict=True)
    ]


@torch.inference_mode()
def _points(run: Run, maps: Maps) -> Section:
    found = run.model.efd.points(maps.pressure)
    figure = maps_with_points(
        maps.pressure[:, 0].numpy(), found.xy_norm.numpy(), cell_m=maps.canvas.cell_m, titles=_titles(maps)
    )
    return Section("Points on the maps", "Every colour is one discovered point, the same on all maps.", figure=figure)


@torch.inference_mode()
def _reconstruction(run: Run, maps: Maps) -> Section:
    x = scale_free(maps.pressure)
    rebuilt = run.model.efd(maps.pressure).clamp(0, 1)
    figure = reconstruction_pairs(x[:4, 0].numpy(), rebuilt[:4, 0].numpy(), _titles(maps)[:4])
    text = "Left the map (square root of relative pressure), then what the decoder made of its points."
    return Section("Reconstruction", text, figure=figure)


@torch.inference_mode()
def _one_persons_heatmaps(run: Run, maps: Maps) -> Section:
    found = run.model.efd.points(maps.pressure[:1])
    figure = heatmaps(maps.pressure[0, 0].numpy(), found.heatmaps[0].numpy(), found.xy_norm[0].numpy())
    return Section("Heatmaps", f"Where each point looks, on {_titles(maps)[0]}.", figure=figure)


def _presence(run: Run, maps: Maps, picked: Maps) -> tuple[dict | None, Section | None]:
    recipe = run.model.recipe
    if not recipe.crwt:
        return None, None
    model = presence_model(run.folder, recipe)
    scores = presence_scores(model, recipe, run.train, maps)
    few = picked.select(np.arange(min(4, len(picked))))
    figure = presence_pairs(
        few.present()[:, 0].numpy(), predicted_presence(model, few) & few.on_mat()[:, 0].numpy(), _titles(few)
    )
    text = "Stage 1 of CRWT: is there pressure on a cell? F-score over the cells of the mat, beside simple rivals. "
    text += "A score below all of them says that stage 1 was too short."
    return scores, Section("Presence", text, figure=figure, table=_rows(scores))


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
