"""A server that speaks the page's contract and says what a test tells it to."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from matpose.recording import JOINT_NAMES, PART_NAMES

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
KINDS = {"html": "text/html; charset=utf-8", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def packed(frame: np.ndarray) -> dict[str, Any]:
    """A map as it goes over the line."""
    full_scale = float(max(frame.max(), 1e-3))
    cells = np.rint(np.clip(frame / full_scale, 0, 1) * 255).astype(np.uint8)
    return {"rows": frame.shape[0], "cols": frame.shape[1], "full_scale": round(full_scale, 4),
            "data": base64.b64encode(cells.tobytes()).decode()}  # fmt: skip


def lying(shift_m: float = 0.0) -> np.ndarray:
    """A map with two loaded blocks, as of shoulders and hips: (64, 32) kPa."""
    frame = np.zeros((64, 32), np.float32)
    cells = round(shift_m / 0.0278)
    frame[12:20, 10 + cells : 20 + cells] = 3.0
    frame[30:38, 11 + cells : 19 + cells] = 6.0
    return frame


def bed_state(bed: str = "bed-1", *, frame: np.ndarray | None = None, **changes: Any) -> dict[str, Any]:
    """What the server says of a bed where all is well, but for the changes."""
    now_s = time.time()
    map_ = lying() if frame is None else frame
    state = {
        "bed": bed, "epoch_s": now_s, "age_s": 0.1, "signal": "live", "unit": "kPa",
        "mat": {"rows": map_.shape[0], "cols": map_.shape[1], "pitch_y_m": 0.0278, "pitch_x_m": 0.0278},
        "pressure": packed(map_),
        "keypoints": [
            {"name": name, "x_m": 0.3 + 0.02 * index, "y_m": 0.2 + 0.1 * index, "confidence": 0.9, "contact": 0.8}
            for index, name in enumerate(JOINT_NAMES)
        ],
        "posture": {"label": "supine", "since_s": now_s - 1860, "totals_s": {"supine": 1860.0}},
        "occupancy": "in_bed", "turn": {"last_s": now_s - 1860, "due_s": now_s + 5340, "interval_h": 2.0},
        "movement": 0.02, "heels_off": {"left": True, "right": None}, "parts": part_rows(), "flags": [], "fresh": True,
    }  # fmt: skip
    return {**state, **changes}


def no_signal(bed: str = "bed-1", *, age_s: float = 7.0, **changes: Any) -> dict[str, Any]:
    """What it says once the mat is silent."""
    state = bed_state(bed, signal="none", **changes)
    for name in ("pressure", "keypoints", "posture"):
        del state[name]
    return {**state, "epoch_s": time.time() - age_s, "age_s": age_s}


def part_rows(**dose_mmhg_h: float) -> list[dict[str, Any]]:
    """Rows of all parts; a part's dose is 10 mmHg h a code, unless it is named."""
    return [
        {"code": code, "name": name, "peak_mmhg": 2.0 * code, "mean_mmhg": 1.0 * code, "area_cm2": 10.0 * code,
         "single_cell": code == 1, "dose_mmhg_h": dose_mmhg_h.get(name, 10.0 * code), "loaded_s": 60.0 * code}
        for code, name in enumerate(PART_NAMES[1:], start=1)
    ]  # fmt: skip


class PageServer:
    """Serves the page on 127.0.0.1, tells every listener the states it holds each beat, and can be switched off.

    Args:
        beat_s: from one beat to the next.
    """

    def __init__(self, *, beat_s: float = 0.25) -> None:
        self.port = 0
        self.beat_s = beat_s
        self.states: dict[str, Callable[[], dict[str, Any]]] = {}
        self.history: dict[str, list[dict[str, Any]]] = {"postures": [], "events": []}
        self.refuse = False  # answer 401 to all but the page, as to a reader without the token
        self._loop = asyncio.new_event_loop()
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def forget(self) -> None:
        """As new: nobody in any bed, no history, and open to everybody."""
        self.states, self.history, self.refuse = {}, {"postures": [], "events": []}, False
        if self._server is None:
            self.start()

    def start(self) -> None:
        """Open the port, the same as before."""
        self._do(self._start())

    def stop(self) -> None:
        """Close the port and every line."""
        self._do(self._stop())

    def close(self) -> None:
        """Stop, and end the thread."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def show(self, *beds: str, **changes: Any) -> None:
        """Say from now on that these beds are well, but for the changes; times are fresh at every beat."""
        for bed in beds:
            self.states[bed] = lambda bed=bed: bed_state(bed, **changes)
        self.tell()

    def silence(self, bed: str, **changes: Any) -> None:
        """Say from now on that a bed's mat is silent."""
        self.states[bed] = lambda: no_signal(bed, **changes)
        self.tell()

    def tell(self, *messages: dict[str, Any]) -> None:
        """Say something at once: by default, all states."""
        self._do(self._tell(messages))

    def _do(self, what) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _start(self) -> None:
        self._server = await serve(
            self._listen, "127.0.0.1", self.port, process_request=self._answer, max_size=None, compression=None
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._beat = asyncio.create_task(self._beats())

    async def _stop(self) -> None:
        if self._server:
            self._beat.cancel()
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(self.beat_s)
            await self._tell(())

    async def _tell(self, messages: tuple[dict[str, Any], ...]) -> None:
        if not self._server:
            return
        for message in messages or tuple(state() for state in list(self.states.values())):
            whole, small = json.dumps(message), json.dumps(_small(message))
            bed = message.get("event", message).get("bed")
            listeners = [(line, _asked(line)) for line in self._server.connections]
            broadcast([line for line, asked in listeners if asked == bed], whole)
            broadcast([line for line, asked in listeners if asked is None], small)

    async def _listen(self, line: ServerConnection) -> None:
        for state in list(self.states.values()):
            message = state()
            if _asked(line) in (None, message["bed"]):
                await line.send(json.dumps(message if _asked(line) else _small(message)))
        await line.wait_closed()

    def _answer(self, line: ServerConnection, request: Request) -> Response | None:
        path = unquote(urlsplit(request.path).path)
        if self.refuse and path.startswith("/v1/"):
            return _response(HTTPStatus.UNAUTHORIZED, b"{}", "application/json")
        if path == "/v1/live":
            return None
        what = path.rpartition("/")[2]
        if path.startswith("/v1/beds"):
            answer = self.history.get(what, [{"bed": bed} for bed in self.states])
            return _response(HTTPStatus.OK, json.dumps(answer).encode(), "application/json")
        name = "index.html" if path == "/" else what
        file = files("matpose.live").joinpath("static", name)
        if path not in ("/", f"/static/{name}") or not file.is_file():
            return _response(HTTPStatus.NOT_FOUND, b"", "text/plain")
        return _response(HTTPStatus.OK, file.read_bytes(), KINDS[name.rpartition(".")[2]])


def _asked(line: ServerConnection) -> str | None:
    query = parse_qs(urlsplit(line.request.path).query) if line.request else {}
    return query["bed"][0] if "bed" in query else None


def _small(message: dict[str, Any]) -> dict[str, Any]:
    """A state as the wall gets it: a thumbnail in the place of map and joints."""
    small = {name: value for name, value in message.items() if name not in ("pressure", "keypoints")}
    return {**small, "thumb": message["pressure"]} if "pressure" in message else small


def _response(status: HTTPStatus, body: bytes, kind: str) -> Response:
    headers = Headers(
        {"Content-Type": kind, "Content-Length": str(len(body)), "Content-Security-Policy": POLICY,
         "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Connection": "close"}
    )  # fmt: skip
    return Response(status.value, status.phrase, headers, body)
