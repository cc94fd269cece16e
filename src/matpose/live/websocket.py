"""The live WebSocket: changes of beds as they happen, for clients that listen; who does not is cut off."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from matpose.live.hub import Subscriber
from matpose.live.refusal import refuse
from matpose.live.service import Service

MOST_SOCKETS = 128
SEND_S = 10.0
"""A client who has not taken a message for so long is cut."""
FAREWELL_S = 5.0
"""So long may a closing handshake take."""
HEARD_MOST = 100
"""Messages from a client, which has nothing to say, until it is sent away."""


def add_websocket(app: FastAPI, service: Service) -> None:
    """Add ``/v1/live``.

    Args:
        app: to which.
        service: whose beds it tells of.
    """
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
