"""The page's own files, read once and served with their types and tags."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

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


def add_static_files(app: FastAPI) -> None:
    """Add the page at ``/`` and its files below ``/static``.

    Args:
        app: to which.
    """
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
