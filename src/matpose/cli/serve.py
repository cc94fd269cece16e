"""`matpose serve`: beds, live, on a page: postures, joints, turns and pressure by body part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matpose.cli.options import Cols, JsonOut, MatName, Mirror, PitchMm, Rotate, Rows, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from matpose.live.access import Access
    from matpose.live.arrival import Source
    from matpose.live.journal import Journal
    from matpose.live.mqtt_publisher import MqttPublisher
    from matpose.live.service import WatchFor
    from matpose.mat import Mat
    from matpose.monitor.moment import Event

_SERVER = "Server"
_KEEP = "What is kept"
_WARD = "Ward"


def serve(
    sources: Annotated[
        list[str],
        typer.Option(
            "--source",
            metavar="SPEC",
            help="replay:FILE, simulated, serial:/dev/ttyUSB0, tcp://HOST:PORT, mqtt://HOST/ ...; several for several "
            "beds, each with ?bed=NAME.",
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.", rich_help_panel=_SERVER)] = 8765,
    host: Annotated[
        str, typer.Option(help="Address to listen at; this machine alone by default.", rich_help_panel=_SERVER)
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:PORT]", help="A name by which browsers reach it.", rich_help_panel=_SERVER),
    ] = None,
    mqtt_publish: Annotated[
        str | None,
        typer.Option(metavar="mqtt://HOST/", help="Tell states and events to a broker too.", rich_help_panel=_SERVER),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Token to use; made if it is not there.", rich_help_panel=_SERVER),
    ] = None,
    store: Annotated[
        Path, typer.Option(metavar="FILE", help="SQLite file of events, postures and doses.", rich_help_panel=_KEEP)
    ] = Path("matpose.sqlite"),
    no_store: Annotated[bool, typer.Option("--no-store", help="Keep nothing.", rich_help_panel=_KEEP)] = False,
    keep_days: Annotated[
        float, typer.Option(min=0.01, max=36500, help="Forget what is older.", rich_help_panel=_KEEP)
    ] = 30.0,
    save_frames: Annotated[
        bool, typer.Option("--save-frames", help="Keep the pressure maps too.", rich_help_panel=_KEEP)
    ] = False,
    turn_interval: Annotated[
        float | None, typer.Option(metavar="HOURS", help="Turn within; 2 by default.", rich_help_panel=_WARD)
    ] = None,
    recovery_h: Annotated[
        float | None,
        typer.Option(
            "--recovery-h", metavar="HOURS", help="Half-life of a relieved part's dose.", rich_help_panel=_WARD
        ),
    ] = None,
    signal_s: Annotated[
        float, typer.Option("--signal-s", min=1, max=600, help='Seconds until "no signal".', rich_help_panel=_WARD)
    ] = 5.0,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE.yaml", help="Settings of the ward and of its beds.", rich_help_panel=_WARD),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", metavar="MODEL", help="By default the model of the package.")
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="onnxruntime, openvino or torch; by default what the model is of."),
    ] = None,
    as_json: JsonOut = False,
    mat: MatName = None,
    rows: Rows = None,
    cols: Cols = None,
    pitch_mm: PitchMm = None,
    unit: Unit = None,
    rotate: Rotate = 0,
    mirror: Mirror = False,
) -> None:
    """Watch beds live and show them on a page: postures, joints, turns and pressure by part of the body.

    Prints the page's address, then a line for everything that happens. Ctrl-C ends it; what was seen is in the store.
    """
    import asyncio
    import logging

    import uvicorn  # noqa: F401 - a missing extra is told before anything is opened

    from matpose.live.access import Access, check_host_names, new_token, readable_by_others, token_of
    from matpose.live.running import bound, serve_until_stopped
    from matpose.live.server import make_app
    from matpose.live.service import Service

    logging.basicConfig(format="matpose: %(message)s", level=logging.WARNING)
    logging.getLogger("matpose.live").setLevel(logging.INFO)  # lines that are cut and come back
    known_mat = {
        "mat": mat, "rows": rows, "cols": cols, "pitch_mm": pitch_mm, "unit": unit, "rotate": rotate, "mirror": mirror,
    }  # fmt: skip
    given = {"turn_interval_h": turn_interval, "recovery_h": recovery_h}
    watch_for = _watching(settings, {name: value for name, value in given.items() if value is not None}, model, backend)
    opened = _opened(sources, known_mat)
    allowed = check_host_names(allow_host or [])
    publisher = None if mqtt_publish is None else _publisher(mqtt_publish, sources)
    token = new_token() if token_file is None else token_of(token_file)
    listening = bound(host, port)
    journal = None if no_store else _journal(store, keep_days, save_frames)
    try:
        heard = _teller(as_json)
        if publisher is not None:
            heard = _published(heard, publisher)
        service = Service(opened, watch_for, signal_s=signal_s, journal=journal, heard=heard)
    except BaseException:
        listening.close()
        if journal is not None:
            journal.close()
        raise
    if publisher is not None:
        service.hub.told = lambda bed: publisher.pose(bed, _without_pressure(service.hub.text(bed, full=True)))
    access = Access(token, host, listening.getsockname()[1], allowed)
    if token_file is not None and readable_by_others(token_file):
        typer.secho(f"note: other users of this machine can read {token_file}: chmod 600", fg="yellow", err=True)
    asyncio.run(
        serve_until_stopped(
            service,
            make_app(service, access),
            listening,
            ready=lambda: _greet(access, token_file, as_json),
            beside=None if publisher is None else publisher.run,
        )
    )
    if not as_json:
        typer.echo("ended" if journal is None else f"ended; what was seen is in {store}")


def _opened(specs: list[str], known_mat: dict[str, Any]) -> list[Source]:
    """Sources, each with a bed of its own: "bed" where there is one, "bed-1", "bed-2" ... where there are several."""
    from matpose.live.sources.spec import open_source

    one = len(specs) == 1
    return [
        open_source(spec, **known_mat) if one else open_source(spec, bed=f"bed-{number}", **known_mat)
        for number, spec in enumerate(specs, start=1)
    ]


def _watching(path: Path | None, given: dict[str, float], model: Path | None, backend: str | None) -> WatchFor:
    """What makes each bed's watch, with the bed's own settings; all share a model."""
    from matpose.live.ward import read_ward
    from matpose.monitor.watch import Watch
    from matpose.runtime import Detector

    ward = read_ward(path, given)
    detector = Detector(model, backend=backend)

    def watch_for(bed: str, mat: Mat, unit: str) -> tuple[Watch, float]:
        settings = ward.settings_of(bed)
        return Watch(detector, mat, unit, settings), settings.turn_interval_h

    return watch_for


def _journal(path: Path, keep_days: float, save_frames: bool) -> Journal:
    from matpose.live.journal import Journal
    from matpose.monitor.store import Store

    return Journal(
        Store(path, keep_days=keep_days), lambda: Store(path, read_only=True), save_frames=save_frames
    )  # fmt: skip


def _publisher(address: str, sources: list[str]) -> MqttPublisher:
    from matpose.live.mqtt_publisher import MqttPublisher
    from matpose.live.sources.spec import broker_of

    return MqttPublisher(broker_of(address), announce=not any(spec.startswith("mqtt") for spec in sources))


def _published(heard: Callable[[str, Event], None], publisher: MqttPublisher) -> Callable[[str, Event], None]:
    from matpose.live.state import event_fields

    def both(bed: str, event: Event) -> None:
        heard(bed, event)
        publisher.event(bed, event_fields(bed, event))

    return both


def _without_pressure(state: str) -> dict[str, Any]:
    """A bed's state as others may know it: how somebody lies, not their map."""
    told = json.loads(state)
    told.pop("pressure", None)
    return told


def _greet(access: Access, token_file: Path | None, as_json: bool) -> None:
    """The page's address, once; a token of a file is not repeated: what is printed may go to a log."""
    from matpose.live.running import is_loopback

    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(access.host, access.host)
    page = f"http://{f'[{host}]' if ':' in host.strip('[]') else host}:{access.port}/"
    page = page.replace("[[", "[").replace("]]", "]")
    url = page if token_file is not None else f"{page}?token={access.token}"
    if as_json:
        typer.echo(json.dumps({"url": url}))
        return
    typer.echo(f"Open {url}" + ("" if token_file is None else f"?token=... with the token of {token_file}"))
    if not is_loopback(access.host):
        typer.secho(
            "Others on the network can reach this, and everything, the token too, crosses it unencrypted.\n"
            "Mend: leave out --host, and put TLS before it: caddy reverse-proxy --from ward.example --to "
            f"127.0.0.1:{access.port}, then matpose serve ... --allow-host ward.example; see docs/serving.md.",
            fg="yellow", err=True,
        )  # fmt: skip
    typer.echo("Research use, not a medical device. Ctrl-C ends it.")


def _teller(as_json: bool) -> Callable[[str, Event], None]:
    from matpose.live.words import line_of

    def tell(bed: str, event: Event) -> None:
        if as_json:
            typer.echo(
                json.dumps({"bed": bed, "epoch_s": event.epoch_s, "kind": event.kind, "detail": dict(event.detail)})
            )
        else:
            typer.echo(line_of(bed, event))

    return tell
