"""Write the figures of README, model card and docs/figures.md from benchmarks/results, so that they quote nothing else.

python benchmarks/readme_figures.py

A result that is not there yet is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from matpose.atomic import atomic_path

HERE = Path(__file__).parent
HOME = HERE.parent
BEGIN, END = "<!-- figures: begin (written from benchmarks/results) -->", "<!-- figures: end -->"

STRANGERS = "every person tested by classifiers and encoders that never saw them"
PROTOCOLS = {
    "loso3-development": f"PmatData, development people S1-S6, supine, left or right: {STRANGERS}",
    "loso3-all": f"PmatData, all thirteen people, supine, left or right: {STRANGERS}",
    "loso17": f"PmatData, all thirteen people, seventeen postures: {STRANGERS}",
    "transfer": "Another mat, other people: trained on experiment i without S1 and S2, tested on them in experiment ii",
    "frozen": "The familiar mat's encoder kept, classifiers fitted on one person of experiment ii, tested on the other",
}
STRANGE = {  # as shipped-postures.json calls them: in words, and as realism.json calls them
    "pmatdata i:7-13": ("PmatData i S7-S13: other people, a mat of the training", "i:7-13"),
    "pmatdata ii:1-2": ("PmatData ii S1, S2: people of the training, another mat", "ii:1-2"),
    "hlppdat:1-10": ("HLPPDat S1-S10: other people, another mat", "hlppdat:1-10"),
}


def percent(share: float | None) -> str:
    """A share, or a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def points_of_percent(share: float | None) -> str:
    """A difference of shares, or a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f} points"


def cm(value: float | None) -> str:
    """Centimetres, or a dash where there are none."""
    return "-" if value is None else f"{value:.1f} cm"


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


def follows(found: dict) -> list[str]:
    """Whether points follow the body and are used, as Markdown lines."""
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


def speed(result: dict) -> list[str]:
    """Time of a frame, as Markdown lines."""
    exported = result.get("native_onnx_frame_to_points_ms")
    as_file = f", {exported['p50']:.1f} ms as an exported file without torch" if exported else ""
    return [
        f"**Speed**, one core of an {result['machine']['cpu']}: a frame to points in "
        f"{result['native_frame_to_points_ms']['p50']:.1f} ms (p50) with torch{as_file}. The `paper` encoder "
        f"alone takes {result['paper_encoder_ms']['p50']:.0f} ms in the same run, {result['ratio_p50']:.1f} times "
        "the former.",
    ]


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
    for name, written in (("ablation", ablation), ("other-grids", other_grids), ("speed", speed)):
        if name in results:
            lines += [*written(results[name]), ""]
    return lines


def joints(results: dict) -> list[str]:
    """Errors of named joints, on simulated people and on marked frames beside rivals; and what confidence is worth."""
    rows = []
    if "shipped" in results:
        for key, mats in (("seen_mats", "mats of the training"), ("unseen_mats", "other mats")):
            part = results["shipped"][key]
            of = part["joints"]
            cells = (of["contact_median_cm"], of["pckh20"], of["exchanged_share"], part["trust"]["ece"])
            rows.append((f"simulated people, {mats}, {part['maps']} maps", of["median_cm"], of["p90_cm"], *cells))
    if "marked-frames" in results:
        marked = results["marked-frames"]
        name, ece = f"**real people**, {marked['frames']} maps marked by eye", marked["trust"]["ece"]
        rivals = ((f"- {words}", found, None) for words, found in marked["rivals"].items())
        for words, found, off in ((name, marked["model"], ece), *rivals):
            of, contact = found["all"], found["contact_seen"]["median_cm"]
            rows.append((words, of["median_cm"], of["p90_cm"], contact, of["pckh20"], found["sides_exchanged"], off))
        of, seen = (marked["annotators"]["points"]["joints"][part] for part in ("all", "both_seen"))
        rows.append(("- the two annotators apart", of["median_cm"], of["p90_cm"], seen["median_cm"], None, None, None))
    if not rows:
        return []
    titles = ("named joints", "median", "nine tenths within", "in contact, median", "within a fifth of the head",
              "sides exchanged", "confidence off by")  # fmt: skip
    forms = (cm, cm, cm, percent, percent, points_of_percent)
    return [
        "| " + " | ".join(titles) + " |",
        "|---" * len(titles) + "|",
        *(
            f"| {words} | " + " | ".join(form(cell) for form, cell in zip(forms, cells, strict=True)) + " |"
            for words, *cells in rows
        ),
        "",
        "The marked people are PmatData i S1-S6: their maps were trained on, the marks never. The marks are",
        "two passes of an image-reading language model, not of anatomists.",
    ]


def postures(results: dict) -> list[str]:
    """Posture of real people, beside what nets and pixels learn from simulated maps alone."""
    if "shipped-postures" not in results:
        return []
    measured = results["shipped-postures"]
    rivals = results.get("realism", {}).get("posture_from_simulated", {})
    lines = [
        "| posture, real people | frames | balanced | recordings | always the commonest | CNN, from simulation "
        "| raw pixels, from simulation |",
        "|---" * 7 + "|",
    ]
    for name, (words, of_rivals) in STRANGE.items():
        if name not in measured:
            continue
        found = measured[name]
        rows = {row["name"]: row["accuracy"] for row in rivals.get(of_rivals, {}).get("rows", [])}
        shares = (
            found["accuracy"], found["balanced_accuracy"], found["accuracy_recordings"], found["always_the_commonest"],
            rows.get(rivals.get("primary")), rows.get("logistic regression, raw pixels"),
        )  # fmt: skip
        lines.append(f"| {words} | " + " | ".join(map(percent, shares)) + " |")
    return [
        *lines,
        "",
        "The model learned from S1-S6's postures too; the last two columns from simulations of that very mat alone.",
    ]


def points(results: dict) -> list[str]:
    """The shipped model's discovered points."""
    if "shipped-points" not in results:
        return []
    found = results["shipped-points"]
    local, rivals = found["locality"], found["probe_rivals"]
    named = {"pca": "PCA", "random_encoder": "an untrained encoder", "centre_and_axes": "centre and axes",
             "mean_pose": "the mean pose", "posture_mean": "the true posture's mean pose"}  # fmt: skip
    beside = ", ".join(f"{name} {rivals[key]['error_cm']:.1f}" for key, name in named.items() if key in rivals)
    return [
        "Discovered points, on PmatData i S7-S13 (the turn and shift: on two people of the training):",
        "",
        *follows(found["points"]),
        f"- A limb turned by 15 degrees moves the points away from it by {local['others_median_cm']:.1f} cm in the "
        f"median ({local['others_p95_cm']:.1f} cm in the 95th centile), those near it by "
        f"{local['near_median_cm']:.1f} cm.",
        f"- Joints of simulated people by a line through the points: {found['points']['probe_error_cm']:.1f} cm off in "
        f"the mean; through {beside}.",
    ]


def adaptation(results: dict) -> list[str]:
    """What adaptation to another mat gave."""
    if "adapt" not in results:
        return []
    lines = ["Adapted to experiment ii's mat without labels (two people; three postures):", ""]
    for row in results["adapt"]["rows"]:
        before, after = (row[when] for when in ("before", "after"))
        apart = (part["tested_maps"]["joints_agreement_cm"] for part in (before, after))
        lines.append(
            f"- {row['kind']}: posture {percent(before['posture']['accuracy'])} before, "
            f"{percent(after['posture']['accuracy'])} after; joints of moved views apart "
            f"{' and '.join(map(cm, apart))}; {'taken' if row['accepted'] else 'not taken, so nothing changes'}."
        )
    return lines


def contact(shipped: dict) -> list[str]:
    """How well the model tells which joints press on the mat, beside the pressure there."""
    return [
        f"Whether a joint presses on the mat ({mats}): area under the curve {of['contact_auroc']:.2f}; of the largest "
        f"pressure within a cell of it, {of['contact_auroc_local_pressure']:.2f}."
        for mats, of in (("mats of the training", shipped["seen_mats"]), ("other mats", shipped["unseen_mats"]))
    ]


def of_the_model(results: dict) -> list[str]:
    """The shipped model's figures, for its card."""
    lines = []
    if "shipped" in results:
        learned = results["shipped"]["trained_on"]
        lines += [
            f"The shipped model learned joints from {learned['simulated_bodies']:,} simulated people, half of their "
            f"maps on mats of random pitch and size, half on {', '.join(m for m in learned['mats'] if m != 'any')}; "
            f"PmatData {learned['pmatdata']} gave maps without joints, and postures.",
            "",
            *contact(results["shipped"]),
            "",
        ]
    return lines + of_parts(results, joints, postures, points, adaptation)


def of_parts(results: dict, *parts: Callable[[dict], list[str]]) -> list[str]:
    """Some parts one after the other, and speed."""
    lines = [line for part in parts if (written := part(results)) for line in (*written, "")]
    return lines + (speed(results["speed"]) if "speed" in results else [])


def write_between(path: Path, lines: list[str]) -> None:
    """Put the lines between a file's marks."""
    before, begun, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise SystemExit(f"{path} lacks the marks {BEGIN} and {END}")
    with atomic_path(path) as temporary:
        temporary.write_text(f"{before}{BEGIN}\n" + "\n".join(lines).strip("\n") + f"\n{END}{after}", encoding="utf-8")


def main() -> None:
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (HERE / "results").glob("*.json")}
    write_between(HOME / "README.md", of_parts(results, joints, postures))
    write_between(HOME / "MODEL_CARD.md", of_the_model(results))
    write_between(HOME / "docs" / "figures.md", of_the_method(results))


if __name__ == "__main__":
    main()
