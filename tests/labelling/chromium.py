"""Debian's chromium, driven over its debugging pipe: real clicks and keys, and no package for it."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
KEY_CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Delete": 46}


class Page:
    """One tab; a fresh one for every test."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.problems: list[str] = []

    @contextlib.contextmanager
    def tab(self) -> Iterator[Page]:
        """Open a tab, and close it."""
        self.problems.clear()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        try:
            yield self
        finally:
            self._session = None
            self.call("Target.closeTarget", targetId=target)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._unread:
                if not select.select([self._from], [], [], 20)[0]:
                    raise TimeoutError(f"chromium does not answer to {method}")
                piece = os.read(self._from, 1 << 20)
                if not piece:
                    raise RuntimeError("chromium ended")
                self._unread += piece
            one, _, self._unread = self._unread.partition(b"\0")
            said = json.loads(one)
            about = said.get("params", {})
            if "exceptionDetails" in about or about.get("entry", {}).get("level") == "error":
                self.problems.append(json.dumps(about))
            if said.get("method") == "Page.javascriptDialogOpening":
                raise RuntimeError(f"the page asks: {said['params']}")  # unanswered, it would hold everything up
            if said.get("id") == self._number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']}")
                return said["result"]

    def open(self, url: str, width: int = 1200, height: int = 900, *, phone: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && document.getElementById('title')?.textContent !== 'Loading…'")

    def value(self, expression: str) -> Any:
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in said:
            raise RuntimeError(json.dumps(said["exceptionDetails"]))
        return said["result"].get("value")

    def until(self, expression: str, seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while not self.value(expression):
            if time.monotonic() > end:
                raise TimeoutError(f"never became true: {expression}; page: {self.text('body')[:400]}; {self.problems}")
            time.sleep(0.03)

    def text(self, selector: str) -> str:
        return self.value(f"document.querySelector({json.dumps(selector)}).innerText")

    def mouse(self, kind: str, x: float, y: float, *, held: bool = False) -> None:
        self.call(
            "Input.dispatchMouseEvent",
            type=kind, x=x, y=y, button="none" if kind == "mouseMoved" and not held else "left", buttons=int(held),
            clickCount=1,
        )  # fmt: skip

    def click(self, x: float, y: float) -> None:
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, held=True)
        self.mouse("mouseReleased", x, y)

    def drag(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start, held=True)
        for share in (0.3, 0.7, 1.0):
            x, y = (a + share * (b - a) for a, b in zip(start, stop, strict=True))
            self.mouse("mouseMoved", x, y, held=True)
        self.mouse("mouseReleased", *stop)

    def key(self, name: str, *, shift: bool = False) -> None:
        code = KEY_CODES.get(name, ord(name[0]))
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, modifiers=8 * shift)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A browser with an empty profile in the folder; it reads from file 3 and writes to file 4."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # out of the way of 3 and 4 themselves
    high = [fcntl.fcntl(each, fcntl.F_DUPFD, 20) for each in (theirs_in, theirs_out)]

    def place() -> None:
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)

    browser = subprocess.Popen(
        [
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}",
        ],
        preexec_fn=place, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for each in (theirs_in, theirs_out, *high):
        os.close(each)
    try:
        yield Page(ours_out, ours_in)
    finally:
        os.close(ours_out)  # it ends when nobody speaks to it
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
        os.close(ours_in)
