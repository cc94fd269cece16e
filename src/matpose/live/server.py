"""The server: the API, the live WebSocket and the page of one service."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from matpose import __version__
from matpose.live.access import Access, Gate
from matpose.live.api import add_api
from matpose.live.limits import Buckets, Limits
from matpose.live.service import Service
from matpose.live.static_files import add_static_files
from matpose.live.websocket import add_websocket


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
    add_api(app, service)
    add_websocket(app, service)
    add_static_files(app)
    return Limits(Gate(app, access, service.metrics), service.metrics, buckets)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
