"""Classification-to-Regression Weight Transfer (paper, section 2.4): presence first, then pressure from its weights."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy

from matpose.atomic import remove_unfinished
from matpose.errors import Diverged, MatposeError
from matpose.nn.efd import EFD
from matpose.training.build import build_efd
from matpose.training.callbacks import Bar, Keeper, Stopper
from matpose.training.checkpoint import SafetensorsIO
from matpose.training.data import Maps
from matpose.training.history import History, read_history
from matpose.training.module import Stage, StageModule
from matpose.training.recipe import Recipe
from matpose.training.shared_norm import share_statistics
from matpose.training.world import World, this_world


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

    Killed at any moment and resumed, it ends with the same bits, on the same machine with as many threads. Started by
    torchrun, the processes part every batch and end with one process's model, to rounding; all must see ``folder``.

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
        Diverged: no epoch has a finite loss.
        MatposeError: no such device, or more processes than maps in a batch.
    """
    check_device(device)
    world = this_world()
    if world.size > recipe.batch:
        raise MatposeError(
            f"{world.size} processes cannot share batches of {recipe.batch} maps",
            mend="start fewer processes, or raise batch",
        )
    if world.speaks:
        for place in (folder, folder / "checkpoints"):
            remove_unfinished(place)
    torch.manual_seed(recipe.seed)
    model = build_efd(recipe, outputs=2 if recipe.crwt else 1).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    rows = read_history(folder / "metrics.csv") if resume else []
    if recipe.crwt:
        _fit_stage(model, recipe, "presence", train, val, folder, rows, resume, progress, device, world)
        torch.manual_seed(recipe.seed + 1)
        model.decoder.rebuild.head = model.decoder.rebuild.new_head(1)
    _fit_stage(model, recipe, "reconstruction", train, val, folder, rows, resume, progress, device, world)
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
    world: World,
) -> None:
    """Fit one stage in place and load its best epoch."""
    if world.size > 1:
        share_statistics(model)
    module = StageModule(model, recipe, stage, train, val, world)
    run_stage(
        module, stage, folder, rows,
        epochs=module.epochs, patience=recipe.patience, resume=resume, progress=progress, device=device, world=world,
    )  # fmt: skip


def run_stage(
    module: L.LightningModule,
    stage: str,
    folder: Path,
    rows: list[dict[str, float | str]],
    *,
    epochs: int,
    patience: int,
    resume: bool,
    progress: bool,
    device: str,
    world: World,
) -> None:
    """Train a module that logs ``val_loss``, and load its best epoch into it.

    Args:
        module: loads its data anew every epoch.
        stage: name in files and in the bar.
        folder, resume, progress, device: as for :func:`fit_efd`.
        rows: of the history, which grows.
        epochs, patience: at most so many, and without a better one.
        world: the processes that share the work.

    Raises:
        Diverged: no epoch has a finite loss.
    """
    checkpoints = folder / "checkpoints"
    best = Keeper(checkpoints, filename=f"{stage}-best", monitor="val_loss", enable_version_counter=False)
    # Lightning's own save_last writes only when the best epoch changes
    last = Keeper(checkpoints, filename=f"{stage}-last", enable_version_counter=False)
    callbacks: list[Callback] = [
        best,
        last,  # after the best one, whose state it holds
        Stopper("val_loss", patience=patience),
        History(rows, stage, folder / "metrics.csv"),
    ]
    if progress:
        callbacks.append(Bar(stage))
    _quiet()
    trainer = L.Trainer(
        accelerator=device,
        devices=world.size // world.nodes,
        num_nodes=world.nodes,
        # statistics are shared already
        strategy=DDPStrategy(broadcast_buffers=False) if world.size > 1 else "auto",
        use_distributed_sampler=False,
        max_epochs=epochs,
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
        raise Diverged(
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
