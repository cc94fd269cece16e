"""How much a client may ask: headers, bodies, requests a second, connections, and for how long."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from matpose.live.metrics import Metrics
from matpose.live.refusal import refuse

HEADER_BYTES = 16_384
QUERY_BYTES = 2_048
BODY_BYTES = 1_024
"""Nobody has anything to send."""
RATE_HZ = 30.0
BURST = 120.0
CLIENTS = 4_096
"""Whose requests are remembered; the longest silent is forgotten first."""
MOST_CONNECTIONS = 256
REQUEST_S = 30.0
"""An HTTP connection lives no longer, whatever it does; a browser opens another by itself."""
SEND_BUFFER_BYTES = 65_536
"""What waits in the system for a slow client is old when it comes, so little may wait."""


class Buckets:
    """A token bucket for each client.

    Args:
        rate_hz: requests a second, in the long run.
        burst: at once.
        clock: seconds that never jump.

    Example:
        >>> now = [0.0]
        >>> buckets = Buckets(1.0, 2.0, clock=lambda: now[0])
        >>> [buckets.admits("a") for _ in range(3)], buckets.admits("b")
        ([True, True, False], True)
        >>> now[0] = 1.0
        >>> buckets.admits("a")
        True
    """

    def __init__(
        self, rate_hz: float = RATE_HZ, burst: float = BURST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate_hz = rate_hz
        self._burst = burst
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, client: str) -> bool:
        """Whether this client may ask once more now."""
        now_s = self._clock()
        left, then_s = self._left.pop(client, (self._burst, now_s))
        left = min(self._burst, left + (now_s - then_s) * self._rate_hz)
        admitted = left >= 1.0
        self._left[client] = (left - admitted, now_s)
        if len(self._left) > CLIENTS:
            self._left.popitem(last=False)
        return admitted


class Limits:
    """ASGI middleware: refuses what no honest client sends, before anything looks at it.

    Args:
        app: what lies behind.
        metrics: counts the refused.
        buckets: how often each client may ask.
    """

    def __init__(self, app: Any, metrics: Metrics, buckets: Buckets | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._buckets = Buckets() if buckets is None else buckets

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        self._metrics.refused[refusal[0]] += 1
        await refuse(scope, send, *refusal, [(b"retry-after", b"2")] if refusal[0] == 429 else [])

    def _refusal(self, scope: Any) -> tuple[int, str] | None:
        client = scope.get("client") or ("",)
        if not self._buckets.admits(client[0]):
            return 429, "too many requests; wait some seconds"
        if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADER_BYTES:
            return 431, "the headers are too long"
        if len(scope["query_string"]) > QUERY_BYTES:
            return 414, "the address is too long"
        for name, value in scope["headers"]:
            if name == b"transfer-encoding":
                return 411, "say how long the body is"
            if name == b"content-length" and (not value.isdigit() or len(value) > 9 or int(value) > BODY_BYTES):
                return 413, "the body is too large"
        return None


class Connection(H11Protocol):
    """One client's connection, which can be cut: a closing handshake waits for a client who does not read.

    The app finds it as ``scope["state"]["connection"]``, of HTTP and of the WebSocket that it may become.
    """

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take the client on, unless there are too many."""
        super().connection_made(transport)
        self._end = self.loop.call_later(REQUEST_S, self._over)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            transport.close()
            return
        handle = transport.get_extra_info("socket")
        if handle is not None:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Nothing more is heard of a client who was refused."""
        if not self.transport.is_closing():
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def cut(self) -> None:
        """Drop the connection now, with all that waits to be sent."""
        if self.transport is not None:
            self.transport.abort()

    def _over(self) -> None:
        if self in self.connections:  # else it has become a WebSocket
            self.cut()
