"""The tables of docs/figures.md: the method beside its rivals, its ablations, other grids, speed."""

from __future__ import annotations

from figure_words import follows, speed

STRANGERS = "every person tested by classifiers and encoders that never saw them"
PROTOCOLS = {
    "loso3-development": f"PmatData, development people S1-S6, supine, left or right: {STRANGERS}",
    "loso3-all": f"PmatData, all thirteen people, supine, left or right: {STRANGERS}",
    "loso17": f"PmatData, all thirteen people, seventeen postures: {STRANGERS}",
    "transfer": "Another mat, other people: trained on experiment i without S1 and S2, tested on them in experiment ii",
    "frozen": "The familiar mat's encoder kept, classifiers fitted on one person of experiment ii, tested on the other",
}


def table(result: dict) -> list[str]:
    """One posture protocol as Markdown lines."""
    lines = ["| classifier | frames | balanced | recordings | wrong recordings |", "|---|---|---|---|---|"]
    for row in result["rows"]:
        if result["protocol"] in ("transfer", "frozen") and not row["primary"] and row["uses_points"]:
            continue  # the file has them
        name = f"**{row['name']}** (primary)" if row["primary"] else row["name"]
        sd = f" +- {100 * row['accuracy_sd']:.2f}" if row["accuracy_sd"] is not None else ""
        wrong = row["wrong_recordings"]
        named = ", ".join(wrong) if len(wrong) <= 8 else f"{len(wrong)} of {row['n_recordings']}"
        lines.append(
            f"| {name} | {100 * row['accuracy']:.2f}{sd} % | {100 * row['balanced_accuracy']:.2f} % "
            f"| {100 * row['accuracy_recordings']:.1f} % | {named or 'none'} |"
        )
    return lines


def presence(found: dict) -> str:
    """What stage 1 of CRWT is worth, as a Markdown line."""
    return (
        f"- Presence of pressure (CRWT stage 1), F-score on people not trained on: {found['model']:.3f}; PCA with "
        f"{found['pca_numbers']:.0f} numbers {found['pca']:.3f}, mean map {found['mean_map']:.3f}, "
        f"all ones {found['all_ones']:.3f}. The paper reports .935 on its own data."
    )


def ablation(result: dict) -> list[str]:
    """The paper's ablation as Markdown lines: mean and sd over the seeds, on the validation people."""

    def cell(row: dict, key: str, digits: int) -> str:
        return f"{row[key]['mean']:.{digits}f} +- {row[key]['sd']:.{digits}f}" if key in row else "-"

    columns = {"ssim": ("SSIM", 3), "l1": ("L1", 4), "l2": ("L2", 4), "presence_f": ("presence F, rebuilt", 3)}
    return [
        f"**The paper's ablation**, S1-S6, {len(result['variants'][0]['seeds'])} seeds, short trainings; curves and "
        "maps are in [method.md](method.md#does-crwt-help-here).",
        "",
        "| variant | " + " | ".join(name for name, _ in columns.values()) + " |",
        "|---" * (1 + len(columns)) + "|",
        *(
            f"| {row['name']} | " + " | ".join(cell(row, key, digits) for key, (_, digits) in columns.items()) + " |"
            for row in result["variants"]
        ),
    ]


def other_grids(result: dict) -> list[str]:
    """How far another grid moves points, as Markdown lines."""
    return [
        "**The same pressure on another grid** moves a point of a person whom the encoder never saw by",
        "",
        *(
            f"- {row['pitch_mm']:.1f} mm pitch: {row['median_mm']:.1f} mm in the median, {row['p99_mm']:.1f} mm in the "
            f"99th centile, {row['max_mm']:.0f} mm at most ({row['points']:,} points); half a cell is 16 mm."
            for row in result["rows"]
        ),
    ]


TERMS = {
    "equivariance error, %": "equivariance_median_pct",
    "swap ratio": "swap_ratio",
    "feature-shuffle ratio": "feature_shuffle_ratio",
    "on contact": "on_contact",
    "nearest points apart, cm": "distance_min_cm",
    "probe of joints, cm": "probe_error_cm",
    "posture by coordinates": "posture_by_coordinates",
}


def terms(result: dict) -> list[str]:
    """What each term of the objective does to every measure, as Markdown lines."""
    rivals = ", ".join(
        f"{name.replace('_', ' ')} {row['error_cm']:.1f}" for name, row in result["probe_rivals"].items()
    )
    lines = [
        f"**What each term of the objective is worth**: {len(result['seeds'])} seeds of short trainings (240 steps), "
        f"people held out; +- is the spread over seeds. The probe's rivals, in cm: {rivals}.",
        "",
        "| objective | " + " | ".join(TERMS) + " |",
        "|---" * (1 + len(TERMS)) + "|",
    ]
    for row in result["variants"]:
        cells = (f"{row['mean'][key]:.3g} +- {row['sd'][key]:.1g}" for key in TERMS.values())
        lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    return lines


def of_the_method(results: dict) -> list[str]:
    """The long tables of docs/figures.md."""
    lines = []
    for name, heading in PROTOCOLS.items():
        if name not in results:
            continue
        result = results[name]
        seeds = len(result["seeds"])
        lines += [
            f"**{heading}**; {seeds} classifier seed{'s' if seeds > 1 else ''}, "
            f"{result['rows'][0]['n_frames']:,} frames.",
            "",
            *table(result),
            "",
        ]
        if name.startswith("loso3"):
            lines += [*follows(result["keypoints"]), presence(result["presence_f"]), ""]
    for name, written in (
        ("objective-terms", terms),
        ("ablation", ablation),
        ("other-grids", other_grids),
        ("speed", speed),
    ):
        if name in results:
            lines += [*written(results[name]), ""]
    return lines
