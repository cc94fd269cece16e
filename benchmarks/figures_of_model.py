"""What the README and the model card say of the shipped model: joints, postures, points, adaptation."""

from __future__ import annotations

from collections.abc import Callable

from figure_words import cm, follows, percent, points_of_percent, speed

STRANGE = {  # as shipped-postures.json calls them: in words, and as realism.json calls them
    "pmatdata i:7-13": ("PmatData i S7-S13: other people, a mat of the training", "i:7-13"),
    "pmatdata ii:1-2": ("PmatData ii S1, S2: people of the training, another mat", "ii:1-2"),
    "hlppdat:1-10": ("HLPPDat S1-S10: other people, another mat", "hlppdat:1-10"),
}


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
        *(
            by_the_points(results[name], number)
            for name, number in (("loso3-shipped", "Three"), ("loso17-shipped", "Seventeen"))
            if name in results
        ),
    ]


def by_the_points(result: dict, number: str) -> str:
    """Posture by the points alone, every person of thirteen tested by classifiers of the others."""
    rows = {row["name"]: row for row in result["rows"]}
    primary = next(row for row in result["rows"] if row["primary"])
    rivals = ", ".join(
        f"{name} {percent(rows[name]['accuracy'])}"
        for name in ("logistic regression, coordinates", "small CNN", "logistic regression, raw pixels")
        if name in rows
    )
    return (
        f"- {number} postures by these points, each of PmatData's thirteen people tested by classifiers of the other "
        f"twelve (the encoder saw S1-S6's maps): {primary['name']} {percent(primary['accuracy'])} of the frames, "
        f"{len(primary['wrong_recordings'])} of {primary['n_recordings']} recordings wrong; {rivals}."
    )


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
