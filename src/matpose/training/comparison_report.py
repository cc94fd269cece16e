"""The comparison of runs as a page: the table, and the paper's figures 4 to 6."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from matpose.evaluation.report import Section, write_report
from matpose.evaluation.variant_curves import LAST, variant_curves
from matpose.training.comparison import Variants, compare, runs_in
from matpose.training.module import LABEL_FREE_MAPS
from matpose.training.pictures import presence, reconstruction, save_pictures, spread_over_postures

PICTURED = 3


def comparison_figures(variants: Variants) -> dict[str, Figure]:
    """The paper's Fig. 4 (``presence``), Fig. 5 (``curves``) and Fig. 6 (``reconstruction``), of the lowest seeds."""
    first = {name: runs[0] for name, runs in variants.items()}
    paper = [name for name in ("full", "- CRWT") if name in first]
    shown = paper if len(paper) == 2 else list(first)[:PICTURED]
    leading = next(iter(first.values()))
    picked = spread_over_postures(leading.val, PICTURED)
    return {
        "presence": presence({name: first[name] for name in shown}, picked),
        "curves": variant_curves({name: [run.history for run in runs] for name, runs in variants.items()}),
        "reconstruction": reconstruction(leading.model.efd, picked),
    }


def report_comparison(folder: Path, path: Path) -> dict:
    """Write the comparison of a folder's runs as HTML, and its pictures as PNG into ``figures/`` beside it.

    Args:
        folder: holds one subfolder a run, as :func:`matpose.training.ablation.run_ablation` leaves them.
        path: the HTML file.

    Returns:
        :func:`compare`'s answer, and ``unfinished``: names of runs left out.

    Raises:
        MatposeError: as :func:`runs_in`.
    """
    variants, unfinished = runs_in(folder)
    table = compare(variants)
    pictures = comparison_figures(variants)
    save_pictures(pictures, path.parent / "figures")
    count = sum(map(len, variants.values()))
    people = table["validation_subjects"]
    sections = [
        Section("Measured", f"{table['note']} Mean \N{PLUS-MINUS SIGN} sd over the seeds.", table=shown_rows(table)),
        Section("Curves", _CURVES, figure=pictures["curves"]),
        Section("Presence", _PRESENCE, figure=pictures["presence"]),
        Section("Reconstruction", f"Of {next(iter(variants))}. Lighter is more.", figure=pictures["reconstruction"]),
    ]
    left_out = f" Unfinished and left out: {', '.join(unfinished)}." if unfinished else ""
    write_report(
        path,
        title=f"Matpose: {len(variants)} variants compared",
        lead=f"{count} runs, validated on {', '.join(people)}: {table['validation_maps']} maps.{left_out}",
        sections=sections,
    )
    return table | {"unfinished": unfinished}


_CURVES = (
    f"The last {LAST} epochs of stage 2, on up to {LABEL_FREE_MAPS} maps of the validation people. Lines are means "
    "over the seeds; bands reach from the lowest to the highest seed."
)
_PRESENCE = (
    "White where there is pressure, black where there is none. The rebuilt maps count as pressure where they reach the "
    "map's own threshold; stage 1 of CRWT answers by itself. F-score over the cells of the mat. Of the lowest seed."
)

_COLUMNS = {
    "l1": "L1",
    "l2": "L2",
    "ssim": "SSIM",
    "ssim_global": "global SSIM",
    "presence_f": "presence F",
    "stage_1_f": "stage 1 F",
    "equivariance_median_pct": "equivariance, %",
    "swap_ratio": "swap ratio",
}


def shown_rows(table: dict) -> list[dict[str, str]]:
    """:func:`compare`'s answer as rows of text for people."""
    return [
        {"variant": row["name"], "seeds": ", ".join(map(str, row["seeds"]))}
        | {heading: _shown(row.get(key)) for key, heading in _COLUMNS.items()}
        for row in table["variants"]
    ]


def _shown(value: dict[str, float] | None) -> str:
    if value is None:
        return "\N{EN DASH}"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value["mean"]) or 1))))  # three figures
    sd = "" if value["sd"] is None else f" \N{PLUS-MINUS SIGN} {value['sd']:.{digits}f}"
    return f"{value['mean']:.{digits}f}{sd}"
