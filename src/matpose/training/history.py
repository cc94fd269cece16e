"""metrics.csv: one row an epoch, both stages, readable while the training runs and after."""

from __future__ import annotations

import csv
from pathlib import Path

import lightning as L

from matpose.atomic import atomic_path


def read_history(path: Path) -> list[dict[str, float | str]]:
    """Rows of a metrics.csv, numbers as numbers; an absent file has none.

    Example:
        >>> read_history(Path("nowhere.csv"))
        []
    """
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {key: _READ.get(key, float)(value) for key, value in row.items() if value not in ("", None)}
            for row in csv.DictReader(file)
        ]


_READ = {"stage": str, "epoch": int}  # an epoch read as 0.0 would be written so by a resumed run


def write_history(path: Path, rows: list[dict[str, float | str]]) -> None:
    """Write rows whose keys may differ: the columns are all keys, in order of appearance."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


class History(L.Callback):
    """Keeps one row an epoch and rewrites metrics.csv after each.

    Args:
        rows: rows so far; those of this stage from the resumed epoch on are replaced.
        stage: name of the stage.
        path: the CSV file.
    """

    def __init__(self, rows: list[dict[str, float | str]], stage: str, path: Path) -> None:
        self.rows = rows
        self.stage = stage
        self.path = path

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        epoch = trainer.current_epoch
        self.rows[:] = [r for r in self.rows if r["stage"] != self.stage or float(r["epoch"]) < epoch]
        values = {name: float(value) for name, value in trainer.logged_metrics.items() if name != "epoch"}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self.rows.append({"stage": self.stage, "epoch": epoch, "learning_rate": rate, **values})
        if trainer.is_global_zero:
            write_history(self.path, self.rows)
