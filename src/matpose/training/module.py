"""One stage of CRWT as a Lightning module: presence classification, or pressure regression."""

from __future__ import annotations

from typing import Literal

import lightning as L
import torch
from torch.utils.data import DataLoader

from matpose.losses.presence import presence_loss
from matpose.losses.reconstruction import reconstruction_loss
from matpose.nn.efd import EFD
from matpose.nn.scaling import scale_free
from matpose.training.augmentation import augment
from matpose.training.data import Maps, batches
from matpose.training.measure import label_free
from matpose.training.recipe import Recipe
from matpose.training.world import World

Stage = Literal["presence", "reconstruction"]

LABEL_FREE_MAPS = 24
"""Maps on which the label-free metrics are computed every epoch; 20 warps of each."""


class StageModule(L.LightningModule):
    """Trains an EFD on one stage. All chance comes from (seed, stage, epoch, batch), so a resumed run repeats it.

    Several processes part every batch among them, and together do what one would. Validation each does whole: its
    outcome decides when to stop, so it must be the same for all.

    Args:
        model: with a two-channel head for "presence", one channel for "reconstruction".
        recipe: the choices.
        stage: which loss.
        train, val: maps of different people.
        world: the processes that share the work.
    """

    def __init__(
        self, model: EFD, recipe: Recipe, stage: Stage, train: Maps, val: Maps, world: World = World()
    ) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe
        self.stage: Stage = stage
        self.train_maps = train
        self.val_maps = val
        self.world = world
        self.epochs = recipe.presence_epochs if stage == "presence" else recipe.epochs

    @property
    def _stage_seed(self) -> int:
        return 2 * self.recipe.seed + (self.stage == "reconstruction")

    def train_dataloader(self) -> DataLoader:
        order = batches(
            len(self.train_maps),
            self.recipe.batch,
            self.recipe.batches_per_epoch,
            seed=self._stage_seed,
            epoch=self.current_epoch,
        )
        return DataLoader([torch.from_numpy(batch) for batch in order], batch_size=None)  # pyright: ignore[reportArgumentType]

    def val_dataloader(self) -> DataLoader:
        return DataLoader(list(torch.arange(len(self.val_maps)).split(self.recipe.batch)), batch_size=None)  # pyright: ignore[reportArgumentType]

    def training_step(self, index: torch.Tensor, batch_index: int) -> torch.Tensor:
        maps = self.train_maps
        seed = (self._stage_seed << 40) + (self.current_epoch << 20) + batch_index
        generator = torch.Generator().manual_seed(seed)
        mine = self.world.share(len(index))
        # the whole batch is varied, so that chance does not depend on the number of processes
        seen, target = (part[mine] for part in augment(maps.pressure[index], self.recipe, generator))
        out = self.model(self._to_device(seen))
        if self.stage == "presence":
            on_mat = maps.coverage[maps.mat[index]] >= 0.5
            present = target >= self._threshold(maps, index[mine])
            loss = presence_loss(out, self._to_device(present), self._to_device(on_mat[mine]))
            share = on_mat[mine].sum().item() / max(on_mat.sum().item(), 1)
        else:
            loss = self._reconstruction_loss(out, self._to_device(target))
            share = len(out) / len(index)
        loss = loss * (share * self.world.size)  # so that the mean over the processes is the batch's loss
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(index), sync_dist=True)
        return loss

    def validation_step(self, index: torch.Tensor, batch_index: int) -> None:
        maps = self.val_maps
        pressure = self._to_device(maps.pressure[index])
        out = self.model(pressure)
        if self.stage == "presence":
            present = self._to_device(maps.pressure[index] >= self._threshold(maps, index))
            on_mat = self._to_device(maps.coverage[maps.mat[index]] >= 0.5)
            self._log_val("val_loss", presence_loss(out, present, on_mat), len(index))
            predicted = (out[:, 1:] > out[:, :1]) & on_mat
            hit = (predicted & present).sum()
            wrong = ((predicted != present) & on_mat).sum()
            self._log_val("val_presence_f", 2 * hit / (2 * hit + wrong).clamp_min(1), len(index))
        else:
            self._log_val("val_loss", self._reconstruction_loss(out, pressure), len(index))

    def on_validation_epoch_end(self) -> None:
        if self.stage == "reconstruction":
            metrics = label_free(self.model, self.val_maps, LABEL_FREE_MAPS)
            self.log_dict({f"val_{name}": value for name, value in metrics.items()}, sync_dist=True)

    def configure_optimizers(self):  # pyright: ignore[reportIncompatibleMethodOverride]
        optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.epochs, self.recipe.learning_rate / 50)
        return [optimiser], [schedule]

    def _reconstruction_loss(self, out: torch.Tensor, pressure: torch.Tensor) -> torch.Tensor:
        target = scale_free(pressure)
        return reconstruction_loss(out, target, l2_weight=self.recipe.l2_weight, ssim_weight=self.recipe.ssim_weight)

    @staticmethod
    def _threshold(maps: Maps, index: torch.Tensor) -> torch.Tensor:
        return maps.threshold[index].view(-1, 1, 1, 1)

    def transfer_batch_to_device(self, batch: torch.Tensor, device: torch.device, dataloader_idx: int) -> torch.Tensor:
        return batch  # an index into maps, which stay on the CPU

    def _to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device)

    def _log_val(self, name: str, value: torch.Tensor, count: int) -> None:
        self.log(name, value, prog_bar=True, batch_size=count, sync_dist=True)
