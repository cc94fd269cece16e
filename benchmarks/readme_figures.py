"""Write the README's figures from benchmarks/results, so that it quotes nothing else.

python benchmarks/readme_figures.py
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- figures: begin (written from benchmarks/results) -->", "<!-- figures: end -->"

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


def points(result: dict) -> list[str]:
    """What one protocol says of the points and of presence, as Markdown lines."""
    found, presence = result["keypoints"], result["presence_f"]
    lines = [
        f"- Equivariance error: median {found['equivariance_median_pct']:.1f} %, 95th centile "
        f"{found['equivariance_p95_pct']:.1f} % of the canvas's height ({found['equivariance_median_cm']:.0f} cm).",
        f"- Swap ratio {found['swap_ratio']:.1f}, feature-shuffle ratio {found['feature_shuffle_ratio']:.1f}; "
        f"reconstruction SSIM {found['ssim']:.3f} (by the paper's global equation {found['ssim_global']:.3f}).",
    ]
    if "rigid_residual_cm" in found:
        lines.append(
            f"- The same person in the same pose elsewhere on another mat (experiment ii, B1-B5): "
            f"{found['rigid_residual_cm']:.1f} cm left after the best turn and shift "
            f"({found['rigid_residual_over_spread']:.2f} of the points' spread); centre of pressure and its axes: "
            f"{found['rigid_residual_axes_cm']:.1f} cm "
            f"({found['rigid_residual_axes_over_spread']:.2f} of theirs)."
        )
    lines.append(
        f"- Presence of pressure (CRWT stage 1), F-score on people not trained on: {presence['model']:.3f}; PCA with "
        f"{presence['pca_numbers']:.0f} numbers {presence['pca']:.3f}, mean map {presence['mean_map']:.3f}, "
        f"all ones {presence['all_ones']:.3f}. The paper reports .935 on its own data."
    )
    return lines


def ablation(result: dict) -> list[str]:
    """The paper's ablation as Markdown lines: mean and sd over the seeds, on the validation people."""

    def cell(row: dict, key: str, digits: int) -> str:
        return f"{row[key]['mean']:.{digits}f} +- {row[key]['sd']:.{digits}f}" if key in row else "-"

    columns = {"ssim": ("SSIM", 3), "l1": ("L1", 4), "l2": ("L2", 4), "presence_f": ("presence F, rebuilt", 3)}
    return [
        "| variant | " + " | ".join(name for name, _ in columns.values()) + " |",
        "|---" * (1 + len(columns)) + "|",
        *(
            f"| {row['name']} | " + " | ".join(cell(row, key, digits) for key, (_, digits) in columns.items()) + " |"
            for row in result["variants"]
        ),
    ]


def main() -> None:
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (HERE / "results").glob("*.json")}
    speed = results["speed"]
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
            *([*points(result), ""] if name.startswith("loso3") else ()),
        ]
    seeds = len(results["ablation"]["variants"][0]["seeds"])
    lines += [
        f"**The paper's ablation**, S1-S6, {seeds} seeds, short trainings; curves and maps are in "
        "[docs/method.md](docs/method.md#does-crwt-help-here).",
        "",
        *ablation(results["ablation"]),
        "",
    ]
    lines += ["**The same pressure on another grid** moves a point of a person whom the encoder never saw by", ""]
    lines += [
        f"- {row['pitch_mm']:.1f} mm pitch: {row['median_mm']:.1f} mm in the median, {row['p99_mm']:.1f} mm in the "
        f"99th centile, {row['max_mm']:.0f} mm at most ({row['points']:,} points); half a cell is 16 mm."
        for row in results["other-grids"]["rows"]
    ]
    lines += [
        "",
        f"**Speed**, one core of an {speed['machine']['cpu']}: a frame to points in "
        f"{speed['native_frame_to_points_ms']['p50']:.1f} ms (p50) with `native`, "
        f"{speed['ratio_p50']:.1f} times faster than the `paper` encoder alone "
        f"({speed['paper_encoder_ms']['p50']:.0f} ms) in the same run.",
    ]
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
