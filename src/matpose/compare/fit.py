"""Supervised training of any pose system of the zoo: the same maps, the same chance, as many samples for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path

import lightning as L
import torch
from torch.utils.data import DataLoader

from matpose.canvas import Canvas
from matpose.compare.augment import Masking, masked
from matpose.compare.couples import side_by_side
from matpose.compare.look import Look, answered
from matpose.compare.moved_truth import moved_truth, padded_truth
from matpose.errors import Diverged, ModelError
from matpose.nn.scaling import scale_free
from matpose.training.crwt import run_stage
from matpose.training.data import batches
from matpose.training.history import read_history
from matpose.training.joint_figures import score_of
from matpose.training.joint_maps import JointMaps
from matpose.training.joint_step import moved
from matpose.training.world import World
from matpose.zoo.crops import crop
from matpose.zoo.heads.grouping import GroupingHead
from matpose.zoo.padding import padded
from matpose.zoo.system import System, Truth

STAGE = "joints"
DROPS = (0.7, 0.9)  # of the samples, after which the rate is a tenth, as the five baselines were trained on SLP
LOOKS = 10  # at the validation bodies
TRIAL = 3  # of them, after which the rate that does best goes on


@dataclass(frozen=True)
class Budget:
    """What every system gets.

    Args:
        samples: maps seen in all, the same one often.
        batch: of them at once.
        learning_rates: Adam's, of which each system keeps what suits it: :func:`fit_system`.
        masking: of :func:`matpose.compare.augment.masked`.
        seed: of weights and order.

    Example:
        >>> Budget(samples=6400, batch=32).steps
        200
    """

    samples: int = 64_000
    batch: int = 32
    learning_rates: tuple[float, ...] = (1e-3,)
    masking: Masking = "contact"
    seed: int = 0

    @property
    def steps(self) -> int:
        """Of the optimiser, as many between looks."""
        return LOOKS * max(1, self.samples // self.batch // LOOKS)


def _size(maps: torch.Tensor) -> tuple[int, int]:
    return maps.shape[2], maps.shape[3]


class SystemModule(L.LightningModule):
    """Learns joints from labels; all chance comes from (seed, epoch, batch), so a resumed run repeats it.

    A system that groups joints learns from every other batch as pairs of people, or it would never tell two apart.

    Args:
        system: the system.
        labelled: maps with joints; NaN where nobody knows one.
        val: of other bodies; the best look at them is kept.
        canvas: the grid of both.
        budget: how much of what.
        learning_rate: Adam's.
        look: how the system looks at a map.
    """

    def __init__(
        self,
        system: System,
        labelled: JointMaps,
        val: JointMaps,
        canvas: Canvas,
        budget: Budget,
        learning_rate: float,
        look: Look,
    ) -> None:
        super().__init__()
        self.model, self.learning_rate, self.look = system, learning_rate, look
        self.labelled, self.val_maps, self.canvas, self.budget = labelled, val, canvas, budget
        self.aspect = canvas.width_m / canvas.height_m

    def train_dataloader(self) -> DataLoader:
        number = self.budget.steps // LOOKS
        some = batches(len(self.labelled), self.budget.batch, number, seed=self.budget.seed, epoch=self.current_epoch)
        return DataLoader([torch.from_numpy(index) for index in some], batch_size=None)  # pyright: ignore[reportArgumentType]

    def val_dataloader(self) -> DataLoader:
        return DataLoader(list(torch.arange(len(self.val_maps)).split(64)), batch_size=None)  # pyright: ignore[reportArgumentType]

    def training_step(self, index: torch.Tensor, batch_index: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed((self.budget.seed << 40) + (self.current_epoch << 20) + batch_index)
        pressure, truth = self._varied(self.labelled.select(index), generator)
        if isinstance(self.model.head, GroupingHead) and self.look.crop == "none" and batch_index % 2:
            pressure, truth = side_by_side(pressure, truth, self.canvas, generator)
        x = padded(scale_free(pressure), self.model.backbone)
        truth = padded_truth(truth, _size(pressure), _size(x))
        known = {name: value.to(self.device) for name, value in truth._asdict().items() if value is not None}
        parts = self.model.loss(x.to(self.device), Truth(**known))
        for name, value in parts.items():
            self.log(f"train_{name}", value, on_step=False, on_epoch=True, batch_size=len(index))
        return parts["loss"]

    def _varied(self, maps: JointMaps, generator: torch.Generator) -> tuple[torch.Tensor, Truth]:
        """Maps masked, moved and read by another sensor; and where the joints are now."""
        pressure, contact = masked(maps, self.budget.masking, generator, aspect=self.aspect)
        seen, warp = moved(pressure, generator, aspect=self.aspect)
        box = self.look.box(seen)
        truth = moved_truth(maps, contact, warp, self.canvas, box)
        return seen if box is None else crop(seen, box, _size(seen)), truth

    def on_validation_epoch_start(self) -> None:
        self._found: list[torch.Tensor] = []

    def validation_step(self, index: torch.Tensor, batch_index: int) -> None:
        pressure = self.val_maps.pressure[index].float().to(self.device)
        self._found.append(answered(self.model, pressure, Look(self.look.crop)).xy_norm.cpu())

    def on_validation_epoch_end(self) -> None:
        figures = score_of(torch.cat(self._found), self.val_maps, self.canvas)
        figures["loss"] = figures["mean_cm"]
        self.log_dict({f"val_{name}": float("nan") if v is None else v for name, v in figures.items()})

    def configure_optimizers(self):  # pyright: ignore[reportIncompatibleMethodOverride]
        optimiser = torch.optim.Adam(self.model.parameters(), lr=self.learning_rate)
        steps = self.budget.steps
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [round(share * steps) for share in DROPS], 0.1)
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]

    def transfer_batch_to_device(self, batch, device: torch.device, dataloader_idx: int):
        return batch  # indices into maps, which stay on the CPU


def fit_system(
    system: System,
    labelled: JointMaps,
    val: JointMaps,
    canvas: Canvas,
    budget: Budget,
    folder: Path,
    *,
    look: Look | None = None,
    progress: bool = True,
    device: str = "cpu",
) -> list[dict[str, float | str]]:
    """Train a system in place; it holds the weights of its best look, in eval mode. What is in ``folder`` goes on.

    Nets differ in the rate that suits them, so each is tried for ``TRIAL`` of its ``LOOKS`` looks at every rate, and
    goes on at the one with the lowest error on the validation bodies (successive halving, Jamieson & Talwalkar, 2016).

    Args:
        system: fresh.
        labelled, val: maps with joints, of different bodies.
        canvas: the grid of both.
        budget: how much of what.
        folder: takes a folder of checkpoints and ``metrics.csv`` for every rate.
        look: how it looks at maps; by default at the whole.
        progress: show a bar.
        device: "cpu", "cuda" or "auto".

    Returns:
        A row of measures for every look, with the rate in its ``learning_rate``.

    Raises:
        Diverged: at every rate.
        ModelError: no maps, or what was kept in ``folder`` is damaged.
    """
    if not len(labelled) or not len(val):
        raise ModelError("there are no maps to learn from", mend="simulate some bodies")
    system.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # nearly halves a step on the CPU
    start = deepcopy(system.state_dict())

    def fit(rate: float, looks: int) -> list[dict[str, float | str]]:
        place = folder / f"rate-{rate:g}"
        rows = read_history(place / "metrics.csv")
        if len(rows) < looks or looks == LOOKS:  # a trial that went on already cannot be a trial again
            system.load_state_dict(start)
            module = SystemModule(system, labelled, val, canvas, budget, rate, look or Look())
            run_stage(
                module, STAGE, place, rows,
                epochs=looks, patience=LOOKS, resume=True, progress=progress, device=device, world=World(),
            )  # fmt: skip
        return rows

    rows = fit(_suited(budget.learning_rates, fit), LOOKS)
    system.cpu().eval()
    return rows


def _suited(rates: Sequence[float], fit: Callable[[float, int], list[dict[str, float | str]]]) -> float:
    """The rate whose trial does best; an only one needs none."""
    if len(rates) == 1:
        return rates[0]
    error_cm: dict[float, float] = {}
    for rate in rates:
        with suppress(Diverged):
            looks = [float(row["val_loss"]) for row in fit(rate, TRIAL)[:TRIAL]]
            error_cm[rate] = min((error for error in looks if isfinite(error)), default=inf)
    best = min(error_cm, key=lambda rate: error_cm[rate], default=None)
    if best is None or error_cm[best] == inf:
        raise Diverged(f"it diverged at every rate of {', '.join(f'{rate:g}' for rate in rates)}", mend="lower them")
    return best
