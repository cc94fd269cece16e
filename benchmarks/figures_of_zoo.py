"""What docs/which-system.md says of the pose systems: the tables, and where our own stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matpose.compare.tables import markdown, sheets
from matpose.zoo.systems import OURS

Line = Mapping[str, Any]


def of_the_zoo(results: dict) -> list[str]:
    """Budget, where our own system stands, tables, pictures."""
    if "pose-zoo" not in results:
        return []
    result = results["pose-zoo"]
    recipe, lines = result["recipe"], result["table"]
    return [
        f"{recipe['samples']:,} maps seen by each system, of {recipe['bodies']:,} simulated people, on maps of "
        f"{recipe['rows']} x {recipe['cols']} cells; one core of an {result['machine']['cpu']}, {result['date']}. PCKh "
        "in %, time of a map in ms; of several seeds the mean and the spread. *As it ships* had a larger budget of its "
        "own, and onnxruntime in place of torch.",
        "",
        *_standing(lines),
        "",
        markdown(sheets(lines)).replace("### ", "**").replace("\n\n|", "**\n\n|"),
        "![accuracy against time on one core](pose-zoo-cost.png)",
        "",
        "![validation curves of every system](pose-zoo-curves.png)",
    ]


def _standing(lines: Sequence[Line]) -> list[str]:
    """Sentences on our own system among those of the same budget."""
    rivals = {line["system"]: line for line in lines if line["in_budget"] and "pckh20_seen" in line}
    ours = rivals.pop(OURS)
    sentences = []
    for part, mats in (("seen", "mats of the training"), ("unseen", "unseen mats")):
        key = f"pckh20_{part}"
        best = max(rivals.values(), key=lambda line: line[key])
        ahead = [line for line in rivals.values() if line[key] > ours[key] and line["latency_ms"] <= ours["latency_ms"]]
        front = "on the front" if not ahead else f"behind the front: {_named(ahead, key)} faster and better"
        spread = f" (sd {100 * ours[f'{key}_sd']:.1f})" if ours.get(f"{key}_sd") is not None else ""
        gap = 100 * (ours[key] - best[key])
        beside = f"{abs(gap):.1f} points {'above' if gap > 0 else 'below'} the best other, `{best['system']}`"
        sentences.append(f"- `{OURS}` on {mats}: PCKh@.2 {100 * ours[key]:.1f}{spread}, {beside}; {front}.")
    return sentences


def _named(lines: Sequence[Line], key: str) -> str:
    each = [f"`{line['system']}` ({line['latency_ms']:.1f} ms, {100 * line[key]:.1f})" for line in lines]
    return f"{', '.join(each)} {'is' if len(each) == 1 else 'are'}"
