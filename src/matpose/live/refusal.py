"""Saying no, to a request or to a WebSocket that would open."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""On every answer."""

Headers = Sequence[tuple[bytes, bytes]]


def safe_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """An answer's headers with those of safety; nothing is kept by browsers unless the answer says so."""
    named = {name.lower() for name, _ in headers}
    more = [(name.lower().encode(), value.encode()) for name, value in SAFE_HEADERS.items()]
    kept = [] if b"cache-control" in named else [(b"cache-control", b"no-store")]
    return [*headers, *(each for each in more if each[0] not in named), *kept]


async def refuse(scope: Any, send: Any, status: int, why: str, headers: Headers = ()) -> None:
    """Answer ``{"error": why}`` with this status.

    Args:
        scope, send: of the ASGI connection, HTTP or WebSocket.
        status: of HTTP.
        why: in plain words, for a person.
        headers: further ones.
    """
    body = json.dumps({"error": why}).encode()
    start = {
        "status": status,
        "headers": safe_headers(
            [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
                *headers,
            ]
        ),
    }
    if scope["type"] == "http":
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})
    elif "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", **start})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close", "code": 1013 if status in (429, 503) else 1008})
