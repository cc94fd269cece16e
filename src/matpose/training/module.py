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
from matpose.training.data import Maps, batches
from matpose.training.measure import label_free
from matpose.training.objective import ramp, rebuild_and_terms, weights_of
from matpose.training.recipe import Recipe
from matpose.training.views import Views, draw_views
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
        self._train_others, self._val_others = train.other_frames(), val.other_frames()
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
        mine = self.world.share(len(index))
        # the whole batch is varied, so that chance does not depend on the number of processes
        views = self._views(maps, self._train_others, index, seed).part(mine)
        parts = self._parts(views, maps, index[mine])
        share = dict.fromkeys(parts, len(index[mine]) / len(index))
        if self.stage == "presence":
            share["presence"] = _cells_on_mat(maps, index[mine]) / max(_cells_on_mat(maps, index), 1)
        # so that the mean over the processes is the batch's value
        parts = {name: value * (share[name] * self.world.size) for name, value in parts.items()}
        loss = self._total(parts, self._ramp(batch_index))
        self._log_train("train_loss", loss, len(index), prog_bar=True)
        for name, value in parts.items():
            self._log_train(f"train_{name}", value, len(index))
        return loss

    def validation_step(self, index: torch.Tensor, batch_index: int) -> None:
        maps = self.val_maps
        # the same views in every epoch, so that the epochs can be compared; all terms count in full
        views = self._views(maps, self._val_others, index, batch_index, as_they_are=True)
        parts = self._parts(views, maps, index)
        self._log_val("val_loss", self._total(parts, 1.0), len(index))
        if self.stage == "presence":
            out = self.model(self._to_device(maps.pressure[index]))
            present = self._to_device(maps.pressure[index] >= self._threshold(maps, index))
            on_mat = self._to_device(_on_mat(maps, index))
            predicted = (out[:, 1:] > out[:, :1]) & on_mat
            hit = (predicted & present).sum()
            wrong = ((predicted != present) & on_mat).sum()
            self._log_val("val_presence_f", 2 * hit / (2 * hit + wrong).clamp_min(1), len(index))

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

    def _views(
        self, maps: Maps, others: torch.Tensor, index: torch.Tensor, seed: int, *, as_they_are: bool = False
    ) -> Views:
        generator = torch.Generator().manual_seed(seed)
        pressure, other_frame = maps.pressure[index], maps.pressure[others[index]]
        return draw_views(pressure, other_frame, self.recipe, generator, as_they_are=as_they_are)

    def _parts(self, views: Views, maps: Maps, index: torch.Tensor) -> dict[str, torch.Tensor]:
        """What the decoder's answer costs, named as the stage, and every term, each a mean and unweighted."""
        rebuilt, pressure, terms = rebuild_and_terms(self.model, views.to(self.device), self.recipe)
        if self.stage == "presence":
            present = pressure >= self._to_device(self._threshold(maps, index))
            cost = presence_loss(rebuilt, present, self._to_device(_on_mat(maps, index)))
        else:
            weights = {"l2_weight": self.recipe.l2_weight, "ssim_weight": self.recipe.ssim_weight}
            cost = reconstruction_loss(rebuilt, scale_free(pressure), **weights)
        return {self.stage: cost} | terms

    def _total(self, parts: dict[str, torch.Tensor], ramp: float) -> torch.Tensor:
        weights = weights_of(self.recipe)
        return sum((ramp * weights[name] * parts[name] for name in weights), parts[self.stage])

    def _ramp(self, batch_index: int) -> float:
        """The first stage alone is ramped: the second goes on where it ended."""
        if self.recipe.crwt and self.stage == "reconstruction":
            return 1.0
        return ramp(self.recipe, self.current_epoch + batch_index / self.recipe.batches_per_epoch)

    @staticmethod
    def _threshold(maps: Maps, index: torch.Tensor) -> torch.Tensor:
        return maps.threshold[index].view(-1, 1, 1, 1)

    def transfer_batch_to_device(self, batch: torch.Tensor, device: torch.device, dataloader_idx: int) -> torch.Tensor:
        return batch  # an index into maps, which stay on the CPU

    def _to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device)

    def _log_train(self, name: str, value: torch.Tensor, count: int, *, prog_bar: bool = False) -> None:
        self.log(name, value, on_step=False, on_epoch=True, prog_bar=prog_bar, batch_size=count, sync_dist=True)

    def _log_val(self, name: str, value: torch.Tensor, count: int) -> None:
        self.log(name, value, prog_bar=True, batch_size=count, sync_dist=True)


def _on_mat(maps: Maps, index: torch.Tensor) -> torch.Tensor:
    return maps.coverage[maps.mat[index]] >= 0.5


def _cells_on_mat(maps: Maps, index: torch.Tensor) -> int:
    return int(_on_mat(maps, index).sum())
