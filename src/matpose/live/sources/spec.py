"""A source by its name, as it stands on a command line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import matpose
from matpose.errors import MatposeError, UnknownMat
from matpose.live.arrival import Source
from matpose.live.receiver import MAX_BEDS
from matpose.mat import Mat
from matpose.readers.contents import Contents
from matpose.readers.mats import MatOptions, chosen_mat

if TYPE_CHECKING:
    from matpose.live.mqtt_broker import Broker

FORMS = (
    "replay:FILE[?speed=2|max&loop=yes&start=own]",
    "simulated[?beds=4]",
    "simulated:night[?seed=1]",
    "serial:/dev/ttyUSB0[?baud=115200&format=wire|text]",
    "tcp://HOST:PORT[?format=wire|text]",
    "tcp-listen://HOST:PORT[?format=wire|text]",
    "mqtt://[USER:PASSWORD@]HOST[:1883]/[?service=matpose&beds=1,2]",
    "mqtts://... (the same over TLS, port 8883)",
)
"""What a source may be called. Those of one bed also take ``bed=NAME``."""
_KIND = re.compile(r"[a-z-]+(?=[:?]|$)")
Number = TypeVar("Number", int, float)


def open_source(
    spec: str,
    *,
    bed: str = "bed",
    mat: str | Mat | None = None,
    rows: int | None = None,
    cols: int | None = None,
    pitch_mm: str | float | tuple[float, float] | None = None,
    unit: str | None = None,
    rotate: int = 0,
    mirror: bool = False,
    rate_hz: float | None = None,
) -> Source:
    """The source of that name. Nothing is connected before its arrivals are asked for.

    Args:
        spec: one of ``FORMS``. MQTT's user and password may also stand in the environment, as ``MATPOSE_MQTT_USER``
            and ``MATPOSE_MQTT_PASSWORD``, where other users of the machine do not see them.
        bed: name of the bed, of sources of one bed whose spec does not say it.
        mat, rows, cols, pitch_mm, unit, rotate, mirror: as for :func:`matpose.read`. On the wire, None as unit means
            that frames state their scale, or the mat has one.
        rate_hz: as for :func:`matpose.read`, of replays.

    Raises:
        MatposeError: no such form, an option that it does not have, a mat of unknown grid or pitch.

    Example:
        >>> source = open_source("tcp://192.168.1.20:7000", bed="7", mat="bt3510", unit="mmHg")
        >>> source.beds, source.unit, source.mat.rows
        (('7',), 'kPa', 64)
    """
    options = MatOptions(mat, rows, cols, pitch_mm, rotate, mirror)
    kind = _KIND.match(spec)
    rest = spec[kind.end() + 1 :] if kind else ""
    match kind and kind[0]:
        case "replay" if rest:
            return _replay(rest, bed, {**vars(options), "unit": unit, "rate_hz": rate_hz})
        case "simulated":
            return _simulated(spec, bed, options)
        case "serial" if rest:
            from matpose.live.sources.serial_port import SerialSource

            port, said = _options(rest, ("bed", "baud", "format"))
            return SerialSource(
                port, mat=_live_mat(options), unit=unit, bed=said.get("bed", bed),
                format=said.get("format", "wire"), baud=_number(said, "baud", 115200, int),
            )  # fmt: skip
        case "tcp" | "tcp-listen":
            from matpose.live.sources.tcp import TcpClient, TcpListener

            url, said = _url(spec, ("bed", "format"))
            if url.port is None or (url.scheme == "tcp" and not url.hostname) or url.path not in ("", "/"):
                raise _no_such(spec)
            make = TcpClient if url.scheme == "tcp" else TcpListener
            return make(
                url.hostname or "127.0.0.1", url.port, mat=_live_mat(options), unit=unit,
                bed=said.get("bed", bed), format=said.get("format", "wire"),
            )  # fmt: skip
        case "mqtt" | "mqtts":
            from matpose.live.sources.mqtt import MqttSource

            _, said = _url(spec, ("service", "beds"))
            beds = [name for name in said.get("beds", "").split(",") if name]
            return MqttSource(broker_of(spec), mat=_live_mat(options), unit=unit, beds=beds)
        case _:
            raise _no_such(spec)


def broker_of(spec: str) -> Broker:
    """The broker of an ``mqtt://`` or ``mqtts://`` address.

    Raises:
        MatposeError: it is none.
    """
    from matpose.live.mqtt_broker import Broker

    url, said = _url(spec, ("service", "beds"))
    tls = url.scheme == "mqtts"
    if url.scheme not in ("mqtt", "mqtts") or not url.hostname or url.path not in ("", "/"):
        raise _no_such(spec)
    user = os.environ.get("MATPOSE_MQTT_USER") if url.username is None else unquote(url.username)
    password = os.environ.get("MATPOSE_MQTT_PASSWORD") if url.password is None else unquote(url.password)
    port = url.port or (8883 if tls else 1883)
    return Broker(url.hostname, port, user, password, tls, said.get("service", "matpose"))


def _replay(rest: str, bed: str, how: dict) -> Source:
    from matpose.live.sources.replay import Replay

    whole = Path(rest).is_file()  # a file's name may hold a "?"
    path, said = (rest, {}) if whole else _options(rest, ("bed", "speed", "loop", "start"))
    speed = inf if said.get("speed") == "max" else _number(said, "speed", 1.0, float)
    return Replay(
        matpose.read(path, **how), bed=said.get("bed", bed), speed=speed,
        loop=_choice(said, "loop", ("no", "yes")) == "yes", own_start=_choice(said, "start", ("now", "own")) == "own",
    )  # fmt: skip


def _simulated(spec: str, bed: str, options: MatOptions) -> Source:
    from matpose.live.sources.simulated import Simulated, SimulatedNight

    bed = "simulated" if bed == "bed" else bed
    form = spec.partition("?")[0]
    if form == "simulated:night":
        _, said = _options(spec, ("bed", "seed"))
        mat = Mat(64, 27, 0.0286, 0.0275) if options == MatOptions() else _live_mat(options)
        return SimulatedNight(mat, seed=_number(said, "seed", 0, int), bed=said.get("bed", bed))
    if form != "simulated":
        raise _no_such(spec)
    _, said = _options(spec, ("bed", "beds"))
    if options != MatOptions():
        raise MatposeError(
            "the packaged night has its own mat", mend="leave out the mat's options, or use simulated:night"
        )
    count = _number(said, "beds", 1, int)
    if not 1 <= count <= MAX_BEDS:
        raise MatposeError(f"{count} beds", mend=f"simulate 1 to {MAX_BEDS}")
    bed = said.get("bed", bed)
    return Simulated((bed,) if count == 1 else tuple(f"{bed}-{number}" for number in range(1, count + 1)))


def _live_mat(options: MatOptions) -> Mat:
    """The mat that the caller said: frames of a line say their grid at most."""
    try:
        mat = chosen_mat(Contents(Path("live"), "live"), options)
    except UnknownMat as error:
        raise MatposeError(
            "a live source does not say its mat", mend="give --mat PRESET, or --rows, --cols and --pitch-mm"
        ) from error
    mat.pitch_m  # noqa: B018 - says how to give it
    return mat


def _url(spec: str, known: Iterable[str]) -> tuple[SplitResult, dict[str, str]]:
    try:
        url = urlsplit(spec)
        _ = url.port, url.hostname
    except ValueError:
        raise _no_such(spec) from None
    if not spec.startswith(f"{url.scheme}://") or url.fragment:
        raise _no_such(spec)
    return url, _said(url.query, known)


def _options(rest: str, known: Iterable[str]) -> tuple[str, dict[str, str]]:
    """What stands before the last "?", and the options after it."""
    before, mark, query = rest.rpartition("?")
    return (before, _said(query, known)) if mark else (rest, {})


def _said(query: str, known: Iterable[str]) -> dict[str, str]:
    known = tuple(known)
    pairs = parse_qsl(query, keep_blank_values=True)
    said = dict(pairs)
    if len(said) < len(pairs) or (strange := [name for name in said if name not in known]):
        wrong = "one of them twice" if len(said) < len(pairs) else f"{strange[0]!r}"  # pyright: ignore
        raise MatposeError(f"a source's options hold {wrong}", mend=f"this source has {', '.join(known)}")
    return said


def _number(said: dict[str, str], name: str, default: Number, kind: type[Number]) -> Number:
    try:
        number = kind(said.get(name, default))
        if isfinite(number):
            return number
    except (ValueError, OverflowError):
        pass
    raise MatposeError(f"{name}={said[name]} is no number", mend=f"give {name}={default}, for example")


def _choice(said: dict[str, str], name: str, choices: tuple[str, str]) -> str:
    """The first choice is the default."""
    choice = said.get(name, choices[0])
    if choice not in choices:
        raise MatposeError(f"{name}={choice}", mend=f"use {name}={' or '.join(choices)}")
    return choice


def _no_such(spec: str) -> MatposeError:
    shown = spec if "@" not in spec else "that"  # it may hold a password
    return MatposeError(f"{shown!r} is no source", mend=f"give one of: {'; '.join(FORMS)}")
