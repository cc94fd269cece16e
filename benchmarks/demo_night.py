"""The small night that lies in the package for `matpose demo`: simulated, a frame every two minutes, with its joints.

python benchmarks/demo_night.py [--seed N]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from matpose.readers import read
from matpose.readers.hdf5_write import write_recording

NIGHT = Path(__file__).parents[1] / "src" / "matpose" / "samples" / "night.h5"
HOURS, EVERY_S = 8, 120


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=3)
    given = options.parse_args()
    with TemporaryDirectory() as folder:
        whole = Path(folder) / "night.h5"
        command = [
            "simulate",
            "--night",
            str(HOURS),
            "--mat",
            "pmatdata-i",
            "--seed",
            str(given.seed),
            "-o",
            str(whole),
        ]
        subprocess.run([sys.executable, "-m", "matpose", *command], check=True)
        night = read(whole)
    some = night.select(np.arange(0, len(night), EVERY_S))
    # the demo shows points and posture; what else is known would make the package larger
    some = replace(some, parts=None, landmarks_m=None, name="night", source="simulated")
    NIGHT.parent.mkdir(parents=True, exist_ok=True)
    write_recording(NIGHT, some)
    print(f"{NIGHT}: {len(some)} frames, {NIGHT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
