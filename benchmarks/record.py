"""How every benchmark writes its figures: JSON with the machine, the versions, the date and the command."""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch

from matpose import __version__
from matpose.atomic import atomic_path
from matpose.runtime.bench import processor

RESULTS = Path(__file__).parent / "results"


def record(name: str, figures: dict) -> Path:
    """Write ``results/NAME.json`` and print the figures.

    Args:
        name: of the benchmark.
        figures: plain values, units in the names.

    Returns:
        The file.
    """
    result = {
        **figures,
        "machine": {"cpu": processor(), "threads": torch.get_num_threads()},
        "versions": {"matpose": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }
    path = RESULTS / f"{name}.json"
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))
    return path


def of_model(name: str, model: str | None) -> str:
    """A result's name for the weights that ship, or for others by their file."""
    return name if model is None else f"{name}-{Path(model).stem}"
