"""What the API answers, documented for its OpenAPI file; the hot path writes the same JSON by hand, see `state`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MatSize(_Answer):
    """Cells from head to foot and across, and the distance of their centres."""

    rows: int
    cols: int
    pitch_y_m: float | None
    pitch_x_m: float | None


class Picture(_Answer):
    """A pressure map of few bits."""

    rows: int
    cols: int
    full_scale: float = Field(description="pressure that 255 stands for, in the bed's unit")
    data: str = Field(description="base64 of rows * cols uint8, row by row, head edge first")


class Joint(_Answer):
    """A named joint: metres from the mat's head-left corner, x to the right, y to the foot; null if not trusted."""

    name: str
    x_m: float | None
    y_m: float | None
    confidence: float
    contact: float | None


class Lying(_Answer):
    """The posture as it has settled."""

    label: str
    since_s: float | None
    totals_s: dict[str, float] = Field(description="seconds in each posture since the watch began")


class Turn(_Answer):
    """Epoch seconds of the last turn and of the next one due; null while nobody lies there."""

    last_s: float | None
    due_s: float | None
    interval_h: float


class Heels(_Answer):
    """Whether each heel bears nothing; null where it cannot be told."""

    left: bool | None
    right: bool | None


class Part(_Answer):
    """What bears on a part of the body now and what it has borne; null where pressures have no unit."""

    code: int
    name: str
    peak_mmhg: float | None
    mean_mmhg: float | None
    area_cm2: float | None
    single_cell: bool | None
    dose_mmhg_h: float | None
    loaded_s: float | None


class BedState(_Answer):
    """The state of a bed.

    Without a signal it says when the bed was last seen and turned, and nothing of how anybody lies: fields of a
    picture, joints and posture are absent.
    """

    bed: str
    epoch_s: float | None = Field(description="of the last frame; null before the first")
    age_s: float | None = Field(description="how old that frame was when this was told")
    signal: Literal["live", "none"]
    mat: MatSize
    unit: Literal["kPa", "raw"]
    pressure: Picture | None = Field(None, description="of one bed asked for by name")
    keypoints: list[Joint] | None = Field(None, description="likewise")
    thumb: Picture | None = Field(None, description="where all beds are told")
    posture: Lying | None = None
    occupancy: str
    turn: Turn
    movement: float | None = Field(description="mean share of the load that moved from frame to frame, 0..1")
    heels_off: Heels
    parts: list[Part]
    flags: list[str] = Field(description="what is wrong with the frame")
    fresh: bool = Field(description="whether the joints are of this very frame")


class BedEvent(_Answer):
    """Something that happened."""

    id: int | None = None
    bed: str
    epoch_s: float
    kind: str
    detail: dict[str, str | float]


class PostureSpan(_Answer):
    """A time in one posture, epoch seconds; times that nobody watched are in none."""

    posture: str
    from_s: float
    until_s: float


class PartMinute(_Answer):
    """What a part bore in one minute; pressures are null where they have no unit."""

    minute: int = Field(description="its first second, epoch seconds")
    part: str
    mmhg_h: float | None
    peak_mmhg: float | None
    mean_mmhg: float | None
    loaded_s: float


class Health(_Answer):
    """Whether the service works; it says nothing of people."""

    status: Literal["ok", "degraded"]
    store: Literal["ok", "failing", "none"]
    sources: Literal["ok", "waiting", "failing"] = Field(description="waiting: a line is down and will be tried again")
    frames: Literal["ok", "failing"]
    beds: int
    beds_without_signal: int
