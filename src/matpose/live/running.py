"""Running the server and its service in one event loop, and ending both without losing what was seen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Generator
from ipaddress import ip_address
from typing import Any

import uvicorn

from matpose.errors import MatposeError
from matpose.live.limits import HEADER_BYTES, Connection
from matpose.live.service import Service

PING_S = 10
CLIENT_BYTES = 1_024
END_S = 3
"""So long may clients take to hear that the server ends."""


def bound(host: str, port: int) -> socket.socket:
    """A listening socket.

    Args:
        host: an address of this machine, or its name.
        port: 0 for any free one.

    Raises:
        MatposeError: no such address here, or the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, OverflowError, UnicodeError) as error:
        raise MatposeError(
            f"cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}",
            mend="choose another --port or --host",
        ) from None


def is_loopback(host: str) -> bool:
    """Whether nobody outside this machine can reach that address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _worth_saying(record: logging.LogRecord) -> bool:
    """uvicorn takes a WebSocket that we refuse for an error of ours."""
    return "without completing handshake" not in record.getMessage()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals end the service too, so they are not the server's to take."""
        yield


async def serve_until_stopped(
    service: Service,
    app: Any,
    listening: socket.socket,
    *,
    ready: Callable[[], None] = lambda: None,
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve until Ctrl-C, SIGTERM or cancellation; then close every socket, then the store.

    Args:
        service: to run.
        app: of :func:`matpose.live.server.make_app`.
        listening: of :func:`bound`.
        ready: called once clients can come.
        beside: what else runs as long.

    Raises:
        MatposeError: every source, or what runs beside, has ended with something that no waiting will mend.
    """
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="websockets-sansio",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",  # at lower levels it tells addresses with their query
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        ws_max_size=CLIENT_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=END_S,
    )
    logging.getLogger("uvicorn.error").addFilter(_worth_saying)
    server = _Server(config)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # not in the main thread, or Windows
            loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    running = asyncio.create_task(service.run())
    stopping = asyncio.create_task(stop.wait())
    tasks = [running] if beside is None else [running, asyncio.create_task(beside())]
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        ready()
        await asyncio.wait((serving, stopping, *tasks), return_when=asyncio.FIRST_COMPLETED)
    finally:
        service.hub.close()  # clients are told that it ends
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        stopping.cancel()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                loop.remove_signal_handler(number)
    for error in (*ended, serving.exception()):
        if isinstance(error, Exception):
            raise error
