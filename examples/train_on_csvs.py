"""Train on a folder of CSV files: one file a recording, one subfolder a person. No labels are needed.

python examples/train_on_csvs.py my-folder runs/mine 64 32 27.8 mmHg
"""

from __future__ import annotations

import sys
from pathlib import Path

from matpose import MatposeError
from matpose.datasets import load
from matpose.training.recipe import load_recipe
from matpose.training.run import train
from matpose.training.run_report import report_run


def main(folder: str, output: str, rows: str, cols: str, pitch_mm: str, unit: str) -> None:
    recordings = load(folder, rows=int(rows), cols=int(cols), pitch_mm=pitch_mm, unit=unit)
    recipe = load_recipe("native", ("presence_epochs=10", "epochs=25"))
    run = train(recordings, recipe, Path(output), say=print)
    figures = report_run(run, Path(output) / "report.html")
    print(f"equivariance error: {figures['label_free']['equivariance_median_pct']:.1f} % of the canvas's height")
    print(f"model and report: {output}")


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except MatposeError as error:
        sys.exit(str(error))
