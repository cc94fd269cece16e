"""Who may look: the token, and which names of this server a browser may use."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from matpose.errors import MatposeError
from matpose.live.metrics import Metrics
from matpose.live.refusal import refuse, safe_headers

OPEN = "/healthz"
"""The one path without a token."""
COOKIE_S = 30 * 86400
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{22,256}", re.ASCII)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)


def new_token() -> str:
    """A token that nobody guesses: 192 random bits."""
    return secrets.token_urlsafe(24)


def token_of(path: Path) -> str:
    """The token in a file; a new one is written where there is no file, for its owner's eyes alone.

    Raises:
        MatposeError: the file cannot be read or made, or holds no token.
    """
    try:
        if not path.exists():
            token = new_token()
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(token + "\n")
            return token
        with path.open("rb") as file:
            text = file.read(1024).decode("ascii", errors="replace").strip()
    except OSError as error:
        raise MatposeError(
            f"the token's file cannot be used: {error.strerror}", mend="choose another --token-file", path=path
        ) from None
    if not _TOKEN.fullmatch(text):
        raise MatposeError(
            "holds no token: one line of 22 to 256 letters, digits, . _ ~ or -",
            mend="remove it, and a new one is made",
            path=path,
        )
    return text


def readable_by_others(path: Path) -> bool:
    """Whether other users of this machine may read the file."""
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)


@dataclass(frozen=True)
class Access:
    """What a client must show.

    Args:
        token: the secret.
        host: what the server is bound to.
        port: likewise.
        allowed: further names under which browsers reach it, as behind a proxy: ``ward.example`` or with its port.
    """

    token: str
    host: str
    port: int
    allowed: tuple[str, ...] = ()

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers do not tell a machine's ports apart."""
        return f"matpose_{self.port}"

    def knows_host(self, host: str, reached: str | None) -> bool:
        """Whether a Host header names this server. A page that bends its own name to our address fails here.

        Args:
            host: the header, name and perhaps port.
            reached: our address on this connection; a page cannot bend a bare address.
        """
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        name, port = match[1], match[2]
        if any(each.lower() in (name, match[0]) for each in self.allowed):
            return True
        names = {_bracketed(self.host.lower())}
        if reached is not None and _is_address(reached):
            names.add(_bracketed(reached))
        if self.host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "::"):
            names |= {"127.0.0.1", "localhost", "[::1]"}
        return name in names and int(port or 80) == self.port

    def knows_token(self, token: str | None) -> bool:
        """Whether this is the token; it takes equally long for every wrong one."""
        return token is not None and secrets.compare_digest(token.encode(), self.token.encode())


class Gate:
    """ASGI middleware: only who shows the token comes in, and no page of another site.

    ``GET /?token=T`` gives a browser the token as a cookie that scripts cannot read and other sites cannot send, and
    takes it out of the address bar.

    Args:
        app: what lies behind.
        access: what must be shown.
        metrics: counts the refused.
    """

    def __init__(self, app: Any, access: Access, metrics: Metrics) -> None:
        self._app = app
        self._access = access
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        refusal = self._foreign(scope, headers)
        if refusal is None and scope["path"] == "/" and scope["type"] == "http" and b"token=" in scope["query_string"]:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
            if len(given) == 1 and self._access.knows_token(given[0]):
                await self._let_in(scope, send)
                return
            refusal = 401, "this token is not, or no longer, valid: open the address that matpose serve printed last"
        elif refusal is None and scope["path"] != OPEN and not self._access.knows_token(self._shown(headers)):
            refusal = 401, "open the whole address that matpose serve printed, or send the token as a bearer"
        if refusal is not None:
            self._metrics.refused[refusal[0]] += 1
            more = [(b"www-authenticate", b"Bearer")] if refusal[0] == 401 else []
            await refuse(scope, send, *refusal, more)
            return

        async def send_safely(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": safe_headers(message.get("headers", []))}
            await send(message)

        await self._app(scope, receive, send_safely)

    def _foreign(self, scope: Any, headers: dict[str, list[str]]) -> tuple[int, str] | None:
        hosts = headers.get("host", [])
        reached = (scope.get("server") or (None,))[0]
        if len(hosts) != 1 or not self._access.knows_host(hosts[0], reached):
            return 403, "this server does not go by that name; see --allow-host"
        for origin in headers.get("origin", []):
            at = urlsplit(origin.lower())
            if at.scheme not in ("http", "https") or at.netloc != hosts[0].lower():
                return 403, "another site's page may not ask here"
        return None

    def _shown(self, headers: dict[str, list[str]]) -> str | None:
        """The token that a client shows."""
        for value in headers.get("authorization", []):
            scheme, _, token = value.partition(" ")
            return token.strip() if scheme.lower() == "bearer" else None
        for value in headers.get("cookie", []):
            for pair in value.split(";"):
                name, _, token = pair.strip().partition("=")
                if name == self._access.cookie:
                    return token
        return None

    async def _let_in(self, scope: Any, send: Any) -> None:
        cookie = f"{self._access.cookie}={self._access.token}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Strict"
        if scope.get("scheme") == "https":
            cookie += "; Secure"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 303, "headers": safe_headers(headers)})
        await send({"type": "http.response.body", "body": b""})


def check_host_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names for :class:`Access`, as given on the command line.

    Raises:
        MatposeError: something else than a name with or without a port.
    """
    for name in names:
        if not _HOST.fullmatch(name.lower()):
            raise MatposeError(f"no name of a host: {name!r}", mend="give it as ward.example or ward.example:8443")
    return tuple(names)


def _headers(scope: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
