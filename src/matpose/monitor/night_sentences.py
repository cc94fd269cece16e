"""What the page of a night says in sentences: plain text, without markup."""

from __future__ import annotations

from typing import Any

from matpose import __version__
from matpose.evaluation.report import FOOT
from matpose.monitor.body_figure import dose_words, part_words
from matpose.monitor.night_words import Clock, list_words, span_words, times_words

_NAMED_PARTS = 3
_NO_UNIT = (
    "The pressures of this recording have no unit, so what each part of the body bore cannot be told. To have it, "
    "calibrate the recording first, with the pressure of one count (matpose calibrate FILE -o OUT.h5 --kpa-per-count "
    "X) or the person's weight (matpose calibrate FILE -o OUT.h5 --body-weight-kg KG), and report on OUT.h5."
)
_TOO_SPARSE = (
    "The frames lie too far apart to tell what each part of the body bore: more than a minute passes between two of "
    "them. Record at least one frame every few seconds."
)


def title(summary: dict[str, Any], clock: Clock) -> str:
    """Which bed, and the night's dates where they are known."""
    days = clock.days(summary["from_s"], summary["until_s"])
    return f"Bed {summary['bed']}" + (f", {days}" if days else "")


def lead(summary: dict[str, Any], clock: Clock) -> str:
    """The sentences that matter: how long, how many turns, the longest time without one, and what bore the most.

    Args:
        summary: of :func:`matpose.monitor.night_summary.summarise`.
        clock: how times are shown.
    """
    said = [f"In bed for {span_words(summary['in_bed_s'])}; turned {times_words(len(summary['turns']))}."]
    longest = summary["longest"]
    if longest is not None:
        beyond = (
            f", which is {span_words(longest['over_s'])} more than the {_hours(summary)} interval"
            if longest["over_s"] >= 60
            else f", within the {_hours(summary)} interval"
        )
        said.append(
            f"The longest time without a turn was {span_words(longest['seconds'])}, from {clock.at(longest['from_s'])} "
            f"to {clock.at(longest['until_s'])}{beyond}."
        )
    highest = parts_by_dose(summary)[:_NAMED_PARTS]
    if highest:
        parts = list_words([f"{part_words(row['part'])} ({dose_words(row['mmhg_h'])} mmHg h)" for row in highest])
        said.append(f"Most pressure over time: {parts}.")
    return " ".join(said)


def parts_by_dose(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of the body that bore something, the highest dose first."""
    known = [row for row in summary["parts"] if (row["mmhg_h"] or 0) > 0]
    return sorted(known, key=lambda row: -row["mmhg_h"])


def warnings(summary: dict[str, Any]) -> list[str]:
    """Why the figures may say less than there was."""
    said = []
    if summary["shortened"]:
        said.append("The record is longer than a day; this page shows its last 24 hours. Choose others by time.")
    unseen_s = (summary["until_s"] - summary["from_s"]) - summary["watched_s"]
    if unseen_s > 300:
        said.append(f"For {span_words(unseen_s)} nothing came from the mat: what happened then is not in this page.")
    saturated = summary["quality"]["flags"].get("saturated", 0.0)
    if saturated > 0.05 and parts_by_dose(summary):
        said.append(
            f"In {saturated:.0%} of the frames some cells read the most that the sensor can: what pressed there, and "
            "its dose, may have been higher than these figures."
        )
    unknown_s = summary["postures_s"].get("unknown", 0.0)
    if unknown_s > 0.1 * max(summary["watched_s"], 1e-9):
        said.append(f"For {span_words(unknown_s)} the posture could not be told.")
    return said


def turns_kept(summary: dict[str, Any]) -> str:
    """Whether the interval between turns was kept, and what counts as a turn."""
    count, missed = len(summary["stretches"]), summary["missed"]
    if not count:
        words = "Nobody lay there long enough to tell."
    elif not missed:
        unseen = any(row["unseen_s"] > 60 or row["ended"] == "not seen" for row in summary["stretches"])
        words = f"The {_hours(summary)} interval was kept{', as far as it was watched' if unseen else ' all night'}."
    else:
        words = f"The {_hours(summary)} interval was missed {times_words(missed)}, out of {count} times without a turn."
    return (
        f"{words} A turn is another side, or the most loaded part relieved for long enough; getting into bed starts "
        "the time anew. Black marks are turns; red and hatched is too long; grey hatching was not watched."
    )


def why_no_dose(summary: dict[str, Any]) -> str:
    """Why no part of the body has a dose, of a night where none has."""
    bore = any(row["loaded_s"] > 0 for row in summary["parts"])
    known = any(row["mmhg_h"] is not None for row in summary["parts"])
    return _NO_UNIT if bore and not known else _TOO_SPARSE if summary["in_bed_s"] > 0 else "Nobody lay there."


def quality(summary: dict[str, Any]) -> str:
    """How much was seen, how well it is believed, and what went wrong meanwhile."""
    seen = summary["quality"]
    words = [f"{seen['frames']:,} frames."]
    if seen["confidence"] is not None:
        words.append(
            f"On average a joint was believed with {seen['confidence']:.0%}: the chance that it lies within a fifth "
            "of the head's length."
        )
    for kind, said in (
        ("clock", "The mat's clock was set {}."),
        ("no_signal", "The signal was lost {}."),
        ("slid_down", "The person slid down in bed {}."),
        ("edge", "The person lay at the edge {}."),
    ):
        if kind in summary["happened"]:
            words.append(said.format(times_words(summary["happened"][kind])))
    return " ".join(words)


def method(clock: Clock, source: str) -> list[str]:
    """How the page was made, and what it is not: paragraphs."""
    zone = "" if clock.zone is None else f" Times are those of {clock.name}."
    begun = " Nobody knows when this was recorded: times count from its beginning." if clock.zone is None else ""
    return [
        f"Made from {source} by Matpose {__version__}.{zone}{begun}",
        "Postures and joints are what a network tells from the pressure map alone; a posture counts once it has "
        "lasted. A dose is the integral over time of a part's peak pressure, the highest mean over at least "
        "9 cm\N{SUPERSCRIPT TWO} within that part (mmHg h; 1 mmHg = 0.1333 kPa); parts are told from the joints and "
        "may be mistaken where limbs cross. What pressed while nobody watched is in no dose: the truth is higher. "
        "A time without a turn goes on over a gap in which no turn was seen.",
        f"{FOOT} It does not replace a look at the person's skin.",
    ]


def _hours(summary: dict[str, Any]) -> str:
    return f"{summary['turn_interval_h']:g}-hour"
