"""A page for a posture table: every classifier with its interval, who was taken for whom, and the points' own worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from matpose.evaluation.charts import confusion
from matpose.evaluation.report import Section, write_report

PRIMARY, METHOD, RIVAL = "#1f5fa8", "#8fb3d9", "#b9bfc6"
INK = "#20262e"


def posture_report(answer: Mapping, path: Path) -> Path:
    """Write the page.

    Args:
        answer: what :func:`matpose.training.protocol.run_protocol` returned.
        path: the HTML file.
    """
    rows = answer["rows"]
    primary = next(row for row in rows if row["primary"])
    majority = next((row for row in rows if row["name"] == "majority class"), None)
    facts = [
        ("frames right", f"{primary['accuracy']:.1%}"),
        ("recordings right", f"{primary['accuracy_recordings']:.1%}"),
        ("balanced", f"{primary['balanced_accuracy']:.1%}"),
        ("people", str(primary["n_subjects"])),
        ("recordings", str(primary["n_recordings"])),
    ]
    lead = f"{answer['protocol']} with {answer['model']} ({answer['variant']}). "
    if majority:
        lead += f"Always answering the commonest class would be right for {majority['accuracy']:.1%} of the frames. "
    sections = [
        Section(
            "Every classifier",
            "Share of frames answered rightly; the line is the 95 % interval over people. Dark: the primary row, "
            "fixed beforehand; light: others on the discovered points; grey: rivals that use no points.",
            figure=row_chart(rows),
            table=[_line(row) for row in rows],
        ),
        Section(
            "Who was taken for whom",
            f"Frames of the primary row, {primary['name']}, summed over {len(answer['seeds'])} seeds.",
            figure=confusion(np.array(answer["confusion"]), answer["classes"]),
        ),
        Section("The points themselves", "Of people whom the encoder never saw.", table=_figures(answer["keypoints"])),
    ]
    if answer["presence_f"]:
        sections.append(Section("Presence, stage 1 of CRWT", "F-score.", table=_figures(answer["presence_f"])))
    about = {
        "train": ", ".join(answer["train_subjects"]),
        "test": ", ".join(answer["test_subjects"]),
        "groups that share an encoder": "; ".join(", ".join(group) for group in answer["groups"]),
        "date": answer["date"],
    } | answer["versions"]
    sections.append(Section("How it was made", table=[{"what": key, "value": value} for key, value in about.items()]))
    return write_report(path, title=f"Posture: {answer['protocol']}", lead=lead, facts=facts, sections=sections)


def row_chart(rows: Sequence[Mapping]) -> Figure:
    """Accuracy by frame as bars, with the subject bootstrap's interval.

    Args:
        rows: mappings with ``name``, ``primary``, ``uses_points``, ``accuracy`` and ``ci95`` (two numbers or None).
    """
    figure = Figure(figsize=(7.2, 0.6 + 0.32 * len(rows)), layout="constrained", dpi=160)
    panel = figure.subplots()
    for place, row in enumerate(rows):
        colour = PRIMARY if row["primary"] else METHOD if row["uses_points"] else RIVAL
        panel.barh(place, row["accuracy"], color=colour, height=0.7)
        if row["ci95"]:
            panel.plot(row["ci95"], (place, place), color=INK, linewidth=1.2)
        panel.text(0.005, place, f"{row['accuracy']:.1%}", va="center", fontsize=8, color=INK)
    panel.set_yticks(range(len(rows)), [row["name"] for row in rows])
    panel.invert_yaxis()
    panel.set_xlim(0, 1)
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    panel.tick_params(length=0, labelsize=8.5, colors=INK)
    panel.spines[:].set_visible(False)
    panel.grid(axis="x", color="#e3e6ea", linewidth=0.8)
    panel.set_axisbelow(True)
    return figure


def _line(row: Mapping) -> dict:
    wrong = row["wrong_recordings"]
    return {
        "classifier": row["name"] + (" (primary)" if row["primary"] else ""),
        "frames": row["accuracy"],
        "sd over seeds": row["accuracy_sd"],
        "balanced": row["balanced_accuracy"],
        "recordings": row["accuracy_recordings"],
        "wrong recordings": ", ".join(wrong) if len(wrong) <= 12 else f"{len(wrong)} of {row['n_recordings']}",
        "encoder saw the tested": "yes" if row["encoder_saw_test_subjects"] else "no",
    }


def _figures(measured: Mapping[str, float]) -> list[dict]:
    return [{"figure": name, "value": value} for name, value in measured.items()]
