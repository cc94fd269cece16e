"""A recipe: every choice of a training, flat, checked, written into the run and the model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from matpose.canvas import Canvas
from matpose.training.flat import load_flat


def _route(factor: float) -> float:
    if factor not in (0.25, 0.5, 1, 2):  # others would not fit cell on cell
        raise ValueError("a route has 0.25, 0.5, 1 or 2 times the canvas's cells")
    return factor


class Recipe(BaseModel):
    """Every choice of a training. The comments in ``configs/*.yaml`` say why each value is what it is.

    Unknown keys and values out of range are errors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str

    # the canvas
    rows: int = Field(64, ge=16, le=1024, multiple_of=8)
    cols: int = Field(32, ge=16, le=1024, multiple_of=8)
    cell_mm: float = Field(32.0, gt=1, le=200)

    # the model
    smooth: bool = True
    points: int = Field(32, ge=2, le=512)
    features: int = Field(8, ge=1, le=128)
    blocks: Literal["paper", "native"] = "native"
    stride: Literal[2, 4] = 2
    normalisation: Literal["softmax", "sigmoid"] = "softmax"
    sharpness: float = Field(1.0, gt=0, le=30)
    positions: Literal["homogeneous", "paper"] = "homogeneous"
    fully_connected: Literal["joint", "shared"] = "joint"
    standardise: bool = True
    start_channels: int = Field(1, ge=1, le=16)
    widths: tuple[int, int, int] = (32, 16, 16)
    exchange_width: int = Field(8, ge=1, le=64)
    routes: tuple[Annotated[float, AfterValidator(_route)], ...] = Field((0.25, 0.5, 1), min_length=1)
    start: Literal["fc", "gaussian", "both"] = "fc"
    dilation: bool = True
    exchange: bool = True

    # the maps
    frames_per_recording: int = Field(4, ge=1)
    validation_fraction: float = Field(0.2, gt=0, lt=1)
    presence_mmhg: float = Field(1.0, gt=0)

    # augmentation
    turn_deg: float = Field(12.0, ge=0, le=45)
    scale: float = Field(0.1, ge=0, lt=1)
    shift: float = Field(0.1, ge=0, lt=1)
    bend: float = Field(0.03, ge=0, le=0.2)
    gamma: float = Field(0.2, ge=0, lt=1)
    drop_lines: float = Field(0.1, ge=0, le=1)

    # the training
    crwt: bool = True
    presence_epochs: int = Field(16, ge=1)
    epochs: int = Field(32, ge=1)
    batch: int = Field(32, ge=2)
    batches_per_epoch: int = Field(40, ge=1)
    learning_rate: float = Field(3e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    l2_weight: float = Field(10.0, ge=0)
    ssim_weight: float = Field(1.0, ge=0)
    cross_view: bool = False
    equivariance_weight: float = Field(0.0, ge=0)
    concentration_weight: float = Field(0.0, ge=0)
    separation_weight: float = Field(0.0, ge=0)
    contact_weight: float = Field(0.0, ge=0)
    flip_weight: float = Field(0.0, ge=0)
    temporal_weight: float = Field(0.0, ge=0)
    ramp_epochs: int = Field(0, ge=0)
    patience: int = Field(20, ge=1)
    seed: int = Field(0, ge=0, lt=2**20)

    @property
    def canvas(self) -> Canvas:
        """The metric grid the network sees."""
        return Canvas(self.rows, self.cols, self.cell_mm / 1000)


def load_recipe(name: str, changes: tuple[str, ...] = ()) -> Recipe:
    """A recipe by name or file, with ``key=value`` changes.

    Args:
        name: "native", "plain", "paper", or the path of a YAML file.
        changes: "epochs=5" and the like; values are read as YAML.

    Raises:
        RecipeError: no such recipe, an unknown key, a value out of its range.

    Example:
        >>> load_recipe("native", ("epochs=5",)).epochs
        5
    """
    return load_flat(Recipe, "", name, changes)
