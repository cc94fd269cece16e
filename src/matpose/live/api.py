"""The HTTP API: how the service does, its beds as they are now, and what is kept of their past."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Query
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from matpose.live.hub import Hub
from matpose.live.journal import Reading
from matpose.live.metrics import exposition, resident_bytes
from matpose.live.models import BedEvent, BedState, Health, PartMinute, PostureSpan
from matpose.live.service import Service

READERS = 2
DAY_S = 86400.0

log = logging.getLogger("matpose.live")

Epoch = Annotated[float | None, Query(ge=0, le=1e11, allow_inf_nan=False, description="epoch seconds")]


def add_api(app: FastAPI, service: Service) -> None:
    """Add the routes of ``/healthz``, ``/metrics`` and ``/v1/beds``.

    Args:
        app: to which.
        service: whose beds they show.
    """
    _add_health(app, service)
    _add_beds(app, service.hub)
    _add_past(app, service)


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", response_model=Health)
    async def healthz() -> Health:
        """Whether the service works; the one answer without a token. It is 200 as long as anything answers."""
        hub, journal = service.hub, service.journal
        store = "none" if journal is None else "failing" if journal.trouble else "ok"
        sources = "failing" if service.sources_failing else "waiting" if service.sources_waiting else "ok"
        frames = "failing" if service.failing else "ok"
        return Health(
            status="ok" if {store, sources, frames} <= {"ok", "none"} else "degraded",
            store=store,
            sources=sources,
            frames=frames,
            beds=len(hub.beds),
            beds_without_signal=sum(map(hub.lost, hub.beds)),
        )

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Figures of the service, as Prometheus reads them."""
        hub, journal = service.hub, service.journal
        gauges = {
            "beds": ("Beds known.", len(hub.beds)),
            "beds_without_signal": ("Beds without a signal.", sum(map(hub.lost, hub.beds))),
            "waiting_frames": ("Frames that wait to be watched.", service.waiting),
            "listeners": ("Clients of the live WebSocket.", hub.listeners),
            "store_failing": ("1 while the store fails.", float(journal is not None and journal.trouble is not None)),
            "resident_bytes": ("Memory that the process holds.", resident_bytes()),
        }
        text = exposition(service.metrics, gauges)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_beds(app: FastAPI, hub: Hub) -> None:
    @app.get("/v1/beds", response_model=list[BedState])
    async def beds() -> Response:
        """All beds, each with a thumbnail instead of its pressure and joints."""
        return _json("[" + ",".join(hub.text(bed, full=False) for bed in hub.beds) + "]")

    @app.get("/v1/beds/{bed}", response_model=BedState)
    async def one_bed(bed: str) -> Response:
        """One bed, in full."""
        _known(hub, bed)
        return _json(hub.text(bed, full=True))


def _add_past(app: FastAPI, service: Service) -> None:
    hub, limiter = service.hub, CapacityLimiter(READERS)

    async def read(bed: str, ask: Callable[[Reading], list[dict]]) -> list[dict]:
        _known(hub, bed)
        journal = service.journal
        if journal is None:
            raise HTTPException(404, "nothing is kept: the server runs without a store")

        def in_thread() -> list[dict]:
            with journal.reader() as store:
                return ask(store)

        try:
            return await to_thread.run_sync(in_thread, limiter=limiter)
        except Exception:
            log.exception("the store could not be read")
            raise HTTPException(503, "the store cannot be read now") from None

    @app.get("/v1/beds/{bed}/events", response_model=list[BedEvent])
    async def events(
        bed: str, since_s: Epoch = None, until_s: Epoch = None, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
    ) -> Any:
        """The latest events of a bed, the oldest of them first."""
        return await read(bed, lambda store: store.events(bed, since_s=since_s, until_s=until_s, limit=limit))

    @app.get("/v1/beds/{bed}/postures", response_model=list[PostureSpan])
    async def postures(bed: str, since_s: Epoch = None, until_s: Epoch = None) -> Any:
        """In which posture a person lay, and when: of the last day, unless asked otherwise, and at most 31 days."""
        _known(hub, bed)
        times = _times(hub, bed, since_s, until_s, 31 * DAY_S)
        return await read(bed, lambda store: store.postures(bed, **times))

    @app.get("/v1/beds/{bed}/doses", response_model=list[PartMinute])
    async def doses(bed: str, since_s: Epoch = None, until_s: Epoch = None) -> Any:
        """What each part bore, minute by minute: of the last day, unless asked otherwise, and at most 2 days."""
        _known(hub, bed)
        times = _times(hub, bed, since_s, until_s, 2 * DAY_S)
        return await read(bed, lambda store: store.doses(bed, **times))


def _times(hub: Hub, bed: str, since_s: float | None, until_s: float | None, most_s: float) -> dict[str, float]:
    """What is asked for, by the bed's own clock: a night that is played again lies in the past."""
    if until_s is None:
        until_s = (hub.last_s(bed) or time.time()) + 60.0 if since_s is None else since_s + most_s
    since_s = until_s - DAY_S if since_s is None else since_s
    if not 0 <= until_s - since_s <= most_s:
        raise HTTPException(422, f"ask for at most {most_s / DAY_S:g} days at once, since_s before until_s")
    return {"since_s": since_s, "until_s": until_s}


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def _known(hub: Hub, bed: str) -> None:
    if bed not in hub.beds:
        raise HTTPException(404, "no such bed")
