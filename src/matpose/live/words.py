"""Events in plain words, one line each."""

from __future__ import annotations

from datetime import datetime

from matpose.monitor.moment import Event

_LYING = {
    "supine": "lies on the back", "prone": "lies on the belly", "left": "lies on the left side",
    "right": "lies on the right side", "sitting": "sits", "empty": "nobody in it", "unknown": "posture not known",
}  # fmt: skip
_WORDS = {
    "turn_due": "a turn is due",
    "bed_exit": "left the bed",
    "bed_entry": "in bed",
    "slid_down": "has slid down",
    "clock": "the mat's clock jumped",
    "no_signal": "NO SIGNAL",
    "signal": "signal is back",
}


def line_of(bed: str, event: Event) -> str:
    """A line for the terminal, with this machine's local time.

    Example:
        >>> line_of("7", Event(0.0, "edge", {"side": "left"})).endswith("  7: at the left edge")
        True
    """
    return f"{datetime.fromtimestamp(event.epoch_s):%Y-%m-%d %H:%M:%S}  {bed}: {_words(event)}"


def _words(event: Event) -> str:
    detail = event.detail
    match event.kind:
        case "posture":
            return _LYING.get(str(detail.get("posture")), "posture not known")
        case "turn" if detail.get("why") == "offloaded":
            return "turned: the most loaded part was relieved"
        case "turn":
            return f"turned: {_LYING.get(str(detail.get('posture')), 'posture not known')}"
        case "edge":
            return f"at the {detail.get('side', '')} edge".replace("  ", " ")
        case "heel_off":
            return f"{detail.get('side', '')} heel is free".strip()
        case "heel_on":
            return f"{detail.get('side', '')} heel bears weight".strip()
        case "gap" if isinstance(seconds := detail.get("seconds"), (int, float)):
            return f"frames were missing for {seconds:.0f} s"
        case "gap":
            return "frames were missing"
        case kind:
            return _WORDS.get(kind, kind.replace("_", " "))
