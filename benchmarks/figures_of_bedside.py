"""What the README says of the monitor: turns, postures and dose over simulated nights, many beds, one frame."""

from __future__ import annotations

from figure_words import percent


def bedside(results: dict) -> list[str]:
    """A row for each thing that a ward relies on, beside its simple rival."""
    rows = [*_nights(results.get("monitor-nights")), *_dose(results.get("dose-nights")), *_beds(results)]
    if not rows:
        return []
    return [
        "| beside a simulated bed | measured | a simple rival |",
        "|---|---|---|",
        *(f"| {what} | {found} | {rival} |" for what, found, rival in rows),
    ]


def _nights(nights: dict | None) -> list[tuple[str, str, str]]:
    if nights is None:
        return []
    turns, rival, exits = nights["turns"], nights["turns_by_centre_of_pressure"], nights["bed_exit"]
    return [
        (
            f"turns told within half a minute, {turns['true']} turns of {nights['hours'] / 8:.0f} nights",
            f"recall {percent(turns['recall'])}, precision {percent(turns['precision'])}",
            f"centre of pressure: {percent(rival['recall'])}, {percent(rival['precision'])}",
        ),
        ("time in a wrong posture", f"{nights['posture_wrong_pct']:.2f} %", "-"),
        ("bed exits found, false ones", f"{exits['found']} of {exits['true']}, {exits['said'] - exits['found']}", "-"),
    ]


def _dose(dose: dict | None) -> list[tuple[str, str, str]]:
    if dose is None:
        return []
    ours, rival = dose["joints"], dose["template"]
    worst, theirs = ours["worst_part"], rival["worst_part"]
    return [
        (
            f"pressure times time of a body part, error of a night's sum, {dose['nights']} nights",
            f"median {ours['median_pct']:.1f} %; worst part {worst['median_pct']:.0f} % "
            f"({worst['name'].replace('_', ' ')})",
            f"fixed shares of the body: {rival['median_pct']:.0f} %; {theirs['median_pct']:.0f} % "
            f"({theirs['name'].replace('_', ' ')})",
        )
    ]


def _beds(results: dict) -> list[tuple[str, str, str]]:
    rows = []
    if "many-beds" in results:
        beds = results["many-beds"]
        rows.append((
            f"{beds['beds']:,} beds at one frame a second on {beds['cores']} cores",
            f"a frame is shown after {beds['age_ms']['p50']:.0f} ms, p99 {beds['age_ms']['p99']:.0f} ms", "-",
        ))  # fmt: skip
    if "bench" in results:
        whole = results["bench"]["stages"]["whole"]
        rows.append((
            "a frame to joints and posture, one core",
            f"{whole['p50_ms']:.2f} ms, p99 {whole['p99_ms']:.2f} ms", "see [docs/capacity.md](docs/capacity.md)",
        ))  # fmt: skip
    return rows
