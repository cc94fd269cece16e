"""Classification-to-Regression Weight Transfer (paper, section 2.4): presence first, then pressure from its weights."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger

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
    """
    torch.manual_seed(recipe.seed)
    model = build_efd(recipe, outputs=2 if recipe.crwt else 1).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    rows = read_history(folder / "metrics.csv") if resume else []
    if recipe.crwt:
        _fit_stage(model, recipe, "presence", train, val, folder, rows, resume, progress, device)
        torch.manual_seed(recipe.seed + 1)
        model.decoder.rebuild.head = model.decoder.rebuild.new_head(1)
    _fit_stage(model, recipe, "reconstruction", train, val, folder, rows, resume, progress, device)
    return model.cpu().eval(), rows


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
    keeper = ModelCheckpoint(
        folder / "checkpoints",
        filename=f"{stage}-best",
        monitor="val_loss",
        save_last=True,
        enable_version_counter=False,
    )
    keeper.CHECKPOINT_NAME_LAST = f"{stage}-last"
    keeper.FILE_EXTENSION = ".safetensors"
    callbacks: list[Callback] = [
        keeper,
        EarlyStopping("val_loss", patience=recipe.patience),
        History(rows, stage, folder / "metrics.csv"),
    ]
    if progress:
        callbacks.append(RichProgressBar(leave=False))
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
    last = folder / "checkpoints" / f"{stage}-last.safetensors"
    trainer.fit(module, ckpt_path=str(last) if resume and last.is_file() else None)
    best = SafetensorsIO().load_checkpoint(keeper.best_model_path or last)
    module.load_state_dict(best["state_dict"])


def _quiet() -> None:
    """Keep Lightning's advice about workers and hardware out of the user's terminal."""
    for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", module="torch.utils.data")
