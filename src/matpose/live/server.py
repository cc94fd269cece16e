"""The server: the API, the live WebSocket and the page of one service."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Query, Request, WebSocket
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketDisconnect

from matpose import __version__
from matpose.live.access import Access, Gate
from matpose.live.hub import Hub, Subscriber
from matpose.live.journal import Reading
from matpose.live.limits import Buckets, Limits
from matpose.live.metrics import exposition, resident_bytes
from matpose.live.models import BedEvent, BedState, Health, PartMinute, PostureSpan
from matpose.live.refusal import refuse
from matpose.live.service import Service

MOST_SOCKETS = 128
SEND_S = 10.0
"""A client who has not taken a message for so long is cut."""
FAREWELL_S = 5.0
"""So long may a closing handshake take."""
HEARD_MOST = 100
"""Messages from a client, which has nothing to say, until it is sent away."""
READERS = 2
DAY_S = 86400.0
TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}

log = logging.getLogger("matpose.live")

Epoch = Annotated[float | None, Query(ge=0, le=1e11, allow_inf_nan=False, description="epoch seconds")]


def make_app(service: Service, access: Access, *, buckets: Buckets | None = None) -> Any:
    """The ASGI application of one service.

    Args:
        service: whose beds it shows.
        access: what clients must show.
        buckets: how often each may ask.

    Returns:
        The application behind its limits and its gate.
    """
    app = FastAPI(
        title="Matpose at the bedside",
        version=__version__,
        description="Live states of pressure mats. Research use; not a medical device.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.add_exception_handler(HTTPException, _told)
    _add_health(app, service)
    _add_beds(app, service.hub)
    _add_past(app, service)
    _add_live(app, service)
    _add_page(app)
    return Limits(Gate(app, access, service.metrics), service.metrics, buckets)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


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


def _add_live(app: FastAPI, service: Service) -> None:
    hub = service.hub

    @app.websocket("/v1/live")
    async def live(websocket: WebSocket) -> None:
        """Every change of a bed once a second at most, and events: of ``?bed=NAME`` in full, else of all as tiles."""
        bed = websocket.query_params.get("bed")
        if bed is not None and bed not in hub.beds:
            await refuse(websocket.scope, websocket.send, 404, "no such bed")
            return
        if hub.listeners >= MOST_SOCKETS:
            service.metrics.refused[503] += 1
            await refuse(websocket.scope, websocket.send, 503, "too many pages are open; close some")
            return
        subscriber = hub.subscribe(bed)
        try:
            await websocket.accept()
            await _talk(websocket, subscriber, service)
        finally:
            hub.leave(subscriber)
            connection = websocket.scope.get("state", {}).get("connection")
            if connection is not None:  # a client who does not read would never let the connection end
                asyncio.get_running_loop().call_later(FAREWELL_S, connection.cut)


async def _talk(websocket: WebSocket, subscriber: Subscriber, service: Service) -> None:
    """Tell one client until it goes, says too much or does not listen."""
    telling = asyncio.create_task(_tell(websocket, subscriber))
    hearing = asyncio.create_task(_hear(websocket))
    try:
        done, _ = await asyncio.wait((telling, hearing), return_when=asyncio.FIRST_COMPLETED)
        errors = [each.exception() for each in done]
        if any(isinstance(error, TimeoutError) for error in errors):
            service.metrics.cut += 1
            connection = websocket.scope.get("state", {}).get("connection")
            if connection is not None:
                connection.cut()
        elif hearing in done and not hearing.exception() and hearing.result():
            await asyncio.wait_for(websocket.close(1008, "this socket only tells"), FAREWELL_S)
        elif telling in done and not telling.exception():
            await asyncio.wait_for(websocket.close(1001, "the server is ending"), FAREWELL_S)
    except (RuntimeError, WebSocketDisconnect, TimeoutError):
        pass  # it went away in the midst of that
    finally:
        for task in (telling, hearing):
            task.cancel()
        await asyncio.wait((telling, hearing))


async def _tell(websocket: WebSocket, subscriber: Subscriber) -> None:
    while (text := await subscriber.next()) is not None:
        async with asyncio.timeout(SEND_S):
            await websocket.send_text(text)
        await asyncio.sleep(0)  # a thousand beds for one client must not hold up the others


async def _hear(websocket: WebSocket) -> bool:
    """True once a client has said too much; False when it has gone."""
    for _ in range(HEARD_MOST):
        if (await websocket.receive())["type"] == "websocket.disconnect":
            return False
    return True


def _add_page(app: FastAPI) -> None:
    pages = {name: _Page(file) for name, file in _static(files("matpose.live").joinpath("static"))}

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return _page(pages, "index.html", None)

    @app.get("/static/{name:path}", include_in_schema=False)
    async def static(name: str, request: Request) -> Response:
        return _page(pages, name, request.headers.get("if-none-match"))


class _Page:
    """A file of the page, read once."""

    def __init__(self, file: Traversable) -> None:
        self.body = file.read_bytes()
        self.type = TYPES[file.name.rpartition(".")[2]]
        self.etag = f'"{sha256(self.body).hexdigest()[:24]}"'


def _static(folder: Traversable, prefix: str = ""):
    """(name, file) of everything in the folder that a browser may have."""
    if not folder.is_dir():
        return
    for each in folder.iterdir():
        if each.is_dir():
            yield from _static(each, f"{prefix}{each.name}/")
        elif each.name.rpartition(".")[2] in TYPES:
            yield prefix + each.name, each


def _page(pages: dict[str, _Page], name: str, known: str | None) -> Response:
    if name not in pages:
        raise HTTPException(404, "there is nothing here")
    page = pages[name]
    headers = {"ETag": page.etag, "Cache-Control": "no-store" if name == "index.html" else "no-cache"}
    if known is not None and page.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(page.body, media_type=page.type, headers=headers)


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def _known(hub: Hub, bed: str) -> None:
    if bed not in hub.beds:
        raise HTTPException(404, "no such bed")
