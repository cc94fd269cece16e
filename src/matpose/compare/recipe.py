"""What `matpose compare` compares, on which maps, and how much each system gets: flat, and checked."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from matpose.canvas import Canvas
from matpose.compare.augment import Masking
from matpose.compare.look import Crop, Look, Take
from matpose.training.flat import load_flat

SIMULATED = "simulated"


class CompareRecipe(BaseModel):
    """A grid of systems and their budget; the comments in ``configs/compare/*.yaml`` say why.

    Example:
        >>> load_compare_recipe("quick", ("samples=640",)).samples
        640
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    systems: tuple[str, ...] = Field(min_length=1)

    rows: int = Field(64, ge=16, le=1024, multiple_of=8)
    cols: int = Field(32, ge=16, le=1024, multiple_of=8)
    cell_mm: float = Field(32.0, gt=1, le=200)

    joints: str = Field(SIMULATED, min_length=1)
    mats: tuple[str, ...] = Field(min_length=1)
    unseen_mats: tuple[str, ...] = Field(min_length=1)
    bodies: int = Field(ge=8)
    readings: int = Field(ge=1)
    validation_bodies: int = Field(ge=8)
    test_bodies: int = Field(ge=8)
    couples: int = Field(0, ge=0)

    crop: Crop = "none"
    test_take: Take = "average"
    test_scales: tuple[Annotated[float, Field(gt=0.2, lt=5)], ...] = Field((1.0,), min_length=1)

    samples: int = Field(ge=320)
    batch: int = Field(ge=2)
    learning_rates: tuple[Annotated[float, Field(gt=0)], ...] = Field((0.003, 0.001), min_length=1)
    masking: Masking = "contact"
    seeds: int = Field(1, ge=1)

    @property
    def canvas(self) -> Canvas:
        """The grid of all maps."""
        return Canvas(self.rows, self.cols, self.cell_mm / 1000)

    @property
    def look(self) -> Look:
        """How every system is tested."""
        return Look(self.crop, self.test_scales, self.test_take)


def load_compare_recipe(name: str, changes: tuple[str, ...] = ()) -> CompareRecipe:
    """ "full", "quick", or the path of a YAML file, with ``key=value`` changes.

    Raises:
        RecipeError: no such recipe, an unknown key, a value out of its range.
    """
    return load_flat(CompareRecipe, "compare", name, changes)
