"""What a ward may set of the monitor."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """How one bed is watched.

    Args:
        turn_interval_h: within which the person shall be turned; wards use 2, 3, 4 or 6 hours.
        settle_s: so long a posture must last before it counts, and a turn with it.
        offload_s: the most loaded region relieved for so long counts as a turn too.
        recovery_h: half-life of a part's dose while nothing presses on it; None: a dose only grows.
        edge_m: whose weight is so near to a side of the mat is at the edge.
        gate: relative L1 change of the map from which the pose is computed anew; 0 computes every frame.
        heartbeat_s: after so long it is computed anew anyway.

    Example:
        >>> Settings(turn_interval_h=4).turn_interval_h
        4.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    turn_interval_h: Annotated[float, Field(gt=0, le=24)] = 2.0
    settle_s: Annotated[float, Field(ge=0, le=600)] = 10.0
    offload_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    recovery_h: Annotated[float, Field(gt=0, le=48)] | None = None
    edge_m: Annotated[float, Field(ge=0, le=1)] = 0.15
    gate: Annotated[float, Field(ge=0, le=2)] = 0.15
    heartbeat_s: Annotated[float, Field(ge=0, le=3600)] = 20.0
