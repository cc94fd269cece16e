"""The labelling page's server: on this machine alone, for whoever has the token in its address."""

from __future__ import annotations

import json
import secrets
import socketserver
import sys
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np

from matpose.errors import MatposeError
from matpose.evaluation.palette import MISSING_RGB, full_scale, point_rgb, pressure_rgb
from matpose.labelling.bones import BONES
from matpose.labelling.marks import POINT_NAMES
from matpose.labelling.session import MARGIN_M, LabelSession, WrongChange

LONGEST_BODY = 65_536  # bytes; all points of a map are some 2,000
STATIC = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "view.js": ("view.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the token is in the address
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
SIDE_RGB = {"left": point_rgb(6), "right": point_rgb(5), "middle": (255, 255, 255)}
"""Blue and yellow: neither is among the dark colours of pressure, and everybody can tell them apart."""


class LabelServer(socketserver.ThreadingTCPServer):
    """Serves one session's page and data; `serve_forever` runs until it is interrupted.

    Args:
        session: the maps and their marks.
        port: 0 for any free one.

    Raises:
        MatposeError: the port is taken.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, session: LabelSession, port: int = 0) -> None:
        self.session = session
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            raise MatposeError(
                f"port {port} cannot be used: {error}", mend="choose another --port, or leave it out"
            ) from error
        self.port: int = self.socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Where the page is, token included."""
        return f"http://127.0.0.1:{self.port}/{self.token}/"

    def handle_error(self, request, client_address) -> None:
        """A browser that hangs up is no error."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why


class _Handler(BaseHTTPRequestHandler):
    timeout = 30  # seconds that a silent client may hold a thread

    @property
    def _label(self) -> LabelServer:
        return cast(LabelServer, self.server)

    def do_GET(self) -> None:
        self._respond(self._get)

    def do_PATCH(self) -> None:
        self._respond(self._patch)

    def log_message(self, format: str, *args: Any) -> None:
        """The token and what people mark belong in no log."""

    def _respond(self, answer) -> None:
        try:
            status, (body, kind) = 200, answer(self._admitted())
        except _Refused as refusal:
            status, (body, kind) = refusal.status, _json({"error": refusal.why})
        except WrongChange as error:
            status, (body, kind) = 400, _json({"error": str(error)})
        except MatposeError as error:
            status, (body, kind) = 500, _json({"error": str(error)})
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _admitted(self) -> list[str]:
        """Parts of the path behind the token. A foreign page that guesses the port has another host or origin."""
        host = self.headers.get("Host", "")
        if host not in (f"127.0.0.1:{self._label.port}", f"localhost:{self._label.port}"):
            raise _Refused(403, "this page answers to 127.0.0.1 alone")
        if self.headers.get("Origin", f"http://{host}") != f"http://{host}":
            raise _Refused(403, "another page may not ask here")
        token, *rest = urlsplit(self.path).path.removeprefix("/").split("/")
        if not secrets.compare_digest(token.encode(), self._label.token.encode()):
            raise _Refused(403, "open the whole address that matpose label printed")
        return rest

    def _get(self, path: list[str]) -> tuple[bytes, str]:
        match path:
            case [name] if name in STATIC:
                file, kind = STATIC[name]
                return files("matpose.labelling").joinpath(file).read_bytes(), kind
            case ["api", "session"]:
                return _json(_session(self._label.session))
            case ["api", "maps", number]:
                return _json(_map(self._label.session, self._number(number)))
            case ["api", "maps", number, "cells"]:
                cells = self._label.session.maps[self._number(number)].cells
                return np.ascontiguousarray(cells, "<f4").tobytes(), "application/octet-stream"
        raise _Refused(404, "there is nothing here")

    def _patch(self, path: list[str]) -> tuple[bytes, str]:
        match path:
            case ["api", "maps", number]:
                self._label.session.change(self._number(number), self._body())
                return _json({"saved": True})
        raise _Refused(404, "there is nothing here")

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) < len(self._label.session.maps)):
            raise _Refused(404, "there is no such map")
        return int(text)

    def _body(self) -> object:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or len(length) > 9 or int(length) > LONGEST_BODY:
            raise _Refused(400, f"the change must say its length, at most {LONGEST_BODY} bytes")
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise _Refused(400, "the change is no JSON") from None


def _json(what: object) -> tuple[bytes, str]:
    return json.dumps(what, allow_nan=False).encode(), "application/json"


def _session(session: LabelSession) -> dict[str, Any]:
    return {
        "annotator": session.annotator,
        "maps": session.progress(),
        "points": POINT_NAMES,
        "bones": [asdict(bone) for bone in BONES],
        "margin_m": MARGIN_M,
        "pressure_rgb": pressure_rgb().tolist(),
        "missing_rgb": MISSING_RGB,
        "side_rgb": SIDE_RGB,
    }


def _map(session: LabelSession, number: int) -> dict[str, Any]:
    chosen = session.maps[number]
    return {
        "recording": chosen.recording,
        "frame": chosen.frame,
        "posture": chosen.posture,
        "rows": chosen.mat.rows,
        "cols": chosen.mat.cols,
        "height_m": chosen.mat.height_m,
        "width_m": chosen.mat.width_m,
        "full_scale": full_scale(chosen.cells),
        "marks": {
            name: {"x_m": mark.xy_m[0], "y_m": mark.xy_m[1], "visibility": mark.visibility}
            for name, mark in session.marks_on(number).items()
        },
    }
