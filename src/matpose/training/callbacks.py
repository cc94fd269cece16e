"""What a stage of training does by the way: shows how it goes, keeps its epochs, stops when it no longer learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar


class Bar(RichProgressBar):
    """Shows the stage beside the losses, in place of the logger's version."""

    def __init__(self, stage: str) -> None:
        super().__init__(console_kwargs={"stderr": True})  # standard output is for results
        self.stage = stage

    def get_metrics(self, trainer: L.Trainer, pl_module: L.LightningModule) -> dict[str, Any]:
        shown = super().get_metrics(trainer, pl_module)
        shown.pop("v_num", None)
        return {"stage": self.stage, **shown}


class Keeper(ModelCheckpoint):
    """Keeps the best epoch, or, with nothing to monitor, the latest."""

    FILE_EXTENSION: str = ".safetensors"

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # the run's folder may have been moved since; Lightning would forget the best epoch's loss then
        path = str(Path(self.dirpath or ".") / Path(state_dict["best_model_path"]).name)
        here = {
            "dirpath": self.dirpath,
            "best_model_path": path,
            "kth_best_model_path": path,
            "best_k_models": {} if self.monitor is None else {path: state_dict["best_model_score"]},
        }
        super().load_state_dict(state_dict | here)


class Stopper(EarlyStopping):
    """A stage that had stopped early stays so when its run is resumed."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        trainer.should_stop = self.wait_count >= self.patience
