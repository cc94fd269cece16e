"""Joints and discovered points learned together, on one encoder, as a Lightning module."""

from __future__ import annotations

import lightning as L
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from matpose.nn.pose_net import PoseNet
from matpose.training.data import Maps, batches
from matpose.training.joint_figures import score_of
from matpose.training.joint_maps import POSTURES, JointMaps
from matpose.training.joint_step import WEIGHTS, labelled_losses
from matpose.training.recipe import Recipe
from matpose.training.unlabelled_step import AGREEMENT, OBJECTIVE, REAL_POSTURE, unlabelled_losses

LABELLED, UNLABELLED = 64, 16  # maps a batch
RAMP = 0.2  # of the training, over which views come to have to agree


class JointModule(L.LightningModule):
    """Learns joints from simulated labels, and from unlabelled maps that their views agree and can be rebuilt.

    All chance comes from (seed, epoch, batch), so a resumed run repeats it.

    Args:
        net: the model.
        recipe: of its EFD: the views and the objective of the discovered points.
        labelled: simulated maps with joints.
        unlabelled: maps of any mats, none of them with joints; where they say a posture, it is learned.
        val: simulated maps of other bodies, by which the best epoch is chosen.
        epochs, batches_per_epoch, learning_rate, seed: of this training.
    """

    def __init__(
        self,
        net: PoseNet,
        recipe: Recipe,
        labelled: JointMaps,
        unlabelled: Maps,
        val: JointMaps,
        *,
        epochs: int,
        batches_per_epoch: int,
        learning_rate: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.model = net
        self.recipe = recipe
        self.labelled, self.unlabelled, self.val_maps = labelled, unlabelled, val
        self.epochs, self.batches_per_epoch = epochs, batches_per_epoch
        self.learning_rate, self.seed = learning_rate, seed
        self.aspect = recipe.canvas.width_m / recipe.canvas.height_m
        self._others = unlabelled.other_frames()
        # a posture that nobody said is -1, which cross-entropy leaves out
        named = {name: number for number, name in enumerate(POSTURES)}
        self._posture = torch.tensor([named.get(name, -1) for name in unlabelled.posture.tolist()])
        # where nobody ever lay prone, a posture is learned among the others: real maps of one study, which shows
        # three postures, would else teach that whatever looks real is never the fourth
        shown = torch.zeros(len(unlabelled.coverage), len(POSTURES), dtype=torch.bool)
        shown[unlabelled.mat[self._posture >= 0], self._posture[self._posture >= 0]] = True
        self._shown = shown[unlabelled.mat]

    def train_dataloader(self) -> DataLoader:
        epoch, number = self.current_epoch, self.batches_per_epoch
        some, others = (
            batches(len(maps), size, number, seed=2 * self.seed + which, epoch=epoch)
            for which, (maps, size) in enumerate(((self.labelled, LABELLED), (self.unlabelled, UNLABELLED)))
        )
        pairs = [(torch.from_numpy(a), torch.from_numpy(b)) for a, b in zip(some, others, strict=True)]
        return DataLoader(pairs, batch_size=None)  # pyright: ignore[reportArgumentType]

    def val_dataloader(self) -> DataLoader:
        return DataLoader(list(torch.arange(len(self.val_maps)).split(256)), batch_size=None)  # pyright: ignore[reportArgumentType]

    def training_step(self, pair: tuple[torch.Tensor, torch.Tensor], batch_index: int) -> torch.Tensor:
        index, other = pair
        generator = torch.Generator().manual_seed((self.seed << 40) + (self.current_epoch << 20) + batch_index)
        parts = labelled_losses(self.model, self.labelled.select(index), generator, aspect=self.aspect)
        loss = sum((WEIGHTS[name] * value for name, value in parts.items()), torch.zeros(()))
        frames = self.unlabelled.pressure
        own, first, second = unlabelled_losses(
            self.model, self.recipe, frames[other], frames[self._others[other]], generator
        )
        done = (self.current_epoch + batch_index / self.batches_per_epoch) / self.epochs
        loss = loss + min(1.0, done / RAMP) * AGREEMENT * own["agreement"] + OBJECTIVE * own["objective"]
        parts |= own
        known = self._posture[other]
        if (known >= 0).any():
            said = torch.cat((first.posture, second.posture))
            said = said.masked_fill(~self._shown[other].repeat(2, 1), -1e4)
            parts["real_posture"] = F.cross_entropy(said, known.repeat(2), ignore_index=-1)
            loss = loss + REAL_POSTURE * parts["real_posture"]
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=LABELLED)
        for name, value in parts.items():
            self.log(f"train_{name}", value, on_step=False, on_epoch=True, batch_size=LABELLED)
        return loss

    def on_validation_epoch_start(self) -> None:
        self._found: list[tuple[torch.Tensor, torch.Tensor]] = []

    def validation_step(self, index: torch.Tensor, batch_index: int) -> None:
        joints = self.model.see_joints(self.val_maps.pressure[index].float())
        self._found.append((joints.xy_norm, joints.posture))

    def on_validation_epoch_end(self) -> None:
        places = torch.cat([xy for xy, _ in self._found]).cpu()
        figures = score_of(places, self.val_maps, self.recipe.canvas)
        answer = torch.cat([posture for _, posture in self._found]).argmax(1).cpu()
        figures["posture"] = float((answer == self.val_maps.posture).float().mean())
        figures["loss"] = figures["mean_cm"]
        self.log_dict({f"val_{name}": float("nan") if v is None else v for name, v in figures.items()})

    def configure_optimizers(self):  # pyright: ignore[reportIncompatibleMethodOverride]
        optimiser = torch.optim.AdamW(self.model.parameters(), lr=self.learning_rate, weight_decay=1e-4)
        steps = self.epochs * self.batches_per_epoch
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.learning_rate, total_steps=steps, pct_start=0.1, div_factor=10, final_div_factor=100
        )
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]

    def transfer_batch_to_device(self, batch, device: torch.device, dataloader_idx: int):
        return batch  # indices into maps, which stay on the CPU
