"""Classification-to-Regression Weight Transfer (paper, section 2.4): presence first, then pressure from its weights."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger

from matpose.errors import MatposeError, ModelError
from matpose.nn.efd import EFD
from matpose.training.build import build_efd
from matpose.training.checkpoint import SafetensorsIO
from matpose.training.data import Maps
from matpose.training.history import History, read_history
from matpose.training.module import Stage, StageModule
from matpose.training.recipe import Recipe


def fit_efd(
    train: Maps,
    val: Maps,
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    progress: bool = True,
    device: str = "cpu",
) -> tuple[EFD, list[dict[str, float | str]]]:
    """Train an EFD by the recipe: stage 1 if it says ``crwt``, then stage 2; each stage keeps its best epoch.

    Args:
        train, val: maps of different people; ``val`` decides when to stop and which epoch is best.
        recipe: the choices.
        folder: takes ``checkpoints/``, ``metrics.csv`` and TensorBoard's events.
        resume: go on from the checkpoints in ``folder``.
        progress: show progress bars.
        device: "cpu", "cuda" or "auto".

    Returns:
        The model in eval mode, and the rows of ``metrics.csv``.

    Raises:
        ModelError: the training diverged.
        MatposeError: no such device.
    """
    check_device(device)
    torch.manual_seed(recipe.seed)
    model = build_efd(recipe, outputs=2 if recipe.crwt else 1).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    rows = read_history(folder / "metrics.csv") if resume else []
    if recipe.crwt:
        _fit_stage(model, recipe, "presence", train, val, folder, rows, resume, progress, device)
        torch.manual_seed(recipe.seed + 1)
        model.decoder.rebuild.head = model.decoder.rebuild.new_head(1)
    _fit_stage(model, recipe, "reconstruction", train, val, folder, rows, resume, progress, device)
    return model.cpu().eval(), rows


class _Bar(RichProgressBar):
    """Shows the stage beside the losses, in place of the logger's version."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self.stage = stage

    def get_metrics(self, trainer: L.Trainer, pl_module: L.LightningModule) -> dict[str, Any]:
        shown = super().get_metrics(trainer, pl_module)
        shown.pop("v_num", None)
        return {"stage": self.stage, **shown}


class _Keeper(ModelCheckpoint):
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


class _EarlyStopping(EarlyStopping):
    """A stage that had stopped early stays so when its run is resumed."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        trainer.should_stop = self.wait_count >= self.patience


def _fit_stage(
    model: EFD,
    recipe: Recipe,
    stage: Stage,
    train: Maps,
    val: Maps,
    folder: Path,
    rows: list[dict[str, float | str]],
    resume: bool,
    progress: bool,
    device: str,
) -> None:
    """Fit one stage in place and load its best epoch."""
    module = StageModule(model, recipe, stage, train, val)
    checkpoints = folder / "checkpoints"
    best = _Keeper(checkpoints, filename=f"{stage}-best", monitor="val_loss", enable_version_counter=False)
    # Lightning's own save_last writes only when the best epoch changes
    last = _Keeper(checkpoints, filename=f"{stage}-last", enable_version_counter=False)
    callbacks: list[Callback] = [
        best,
        last,  # after the best one, whose state it holds
        _EarlyStopping("val_loss", patience=recipe.patience),
        History(rows, stage, folder / "metrics.csv"),
    ]
    if progress:
        callbacks.append(_Bar(stage))
    _quiet()
    trainer = L.Trainer(
        accelerator=device,
        devices=1,
        max_epochs=module.epochs,
        plugins=[SafetensorsIO()],
        callbacks=callbacks,
        logger=TensorBoardLogger(folder, name="tensorboard", version=stage),
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        enable_progress_bar=progress,
        enable_model_summary=False,
    )
    latest = checkpoints / f"{stage}-last.safetensors"
    try:
        trainer.fit(module, ckpt_path=str(latest) if resume and latest.is_file() else None)
    except SystemExit:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt from None
    if best.best_model_score is None or not best.best_model_score.isfinite():
        raise ModelError(
            f"the {stage} stage diverged: no epoch has a finite loss", mend="lower learning_rate", path=folder
        )
    module.load_state_dict(SafetensorsIO().load_checkpoint(best.best_model_path)["state_dict"])


def check_device(device: str) -> None:
    """Refuse a device that is not there.

    Raises:
        MatposeError: not "cpu", "cuda" or "auto", or no CUDA device.
    """
    if device not in ("cpu", "cuda", "auto"):
        raise MatposeError(f"there is no device {device!r}", mend="use cpu, cuda or auto")
    if device == "cuda" and not torch.cuda.is_available():
        raise MatposeError("torch finds no CUDA device here", mend="use --device cpu or auto")


def _quiet() -> None:
    """Keep Lightning's advice about workers and hardware out of the user's terminal."""
    for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", module="torch.utils.data")
