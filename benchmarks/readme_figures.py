"""Write what README, model card and docs say from benchmarks/results, so that they quote nothing else.

python benchmarks/readme_figures.py

A result that is not there yet is left out.
"""

from __future__ import annotations

import json
from pathlib import Path

from figures_of_bedside import bedside
from figures_of_method import of_the_method
from figures_of_model import joints, of_parts, of_the_model, postures
from figures_of_zoo import of_the_zoo

from matpose.atomic import atomic_path

HERE = Path(__file__).parent
HOME = HERE.parent
BEGIN, END = "<!-- figures: begin (written from benchmarks/results) -->", "<!-- figures: end -->"


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
    write_between(HOME / "README.md", of_parts(results, joints, postures, bedside))
    write_between(HOME / "MODEL_CARD.md", of_the_model(results))
    write_between(HOME / "docs" / "figures.md", of_the_method(results))
    write_between(HOME / "docs" / "which-system.md", of_the_zoo(results))


if __name__ == "__main__":
    main()
