"""A source by its name."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from listening import run, taken

from matpose.errors import MatposeError
from matpose.live.sources.mqtt import MqttSource
from matpose.live.sources.replay import Replay
from matpose.live.sources.serial_port import SerialSource
from matpose.live.sources.simulated import Simulated, SimulatedNight
from matpose.live.sources.spec import broker_of, open_source
from matpose.live.sources.tcp import TcpClient, TcpListener
from matpose.runtime.recording_report import sample_night

MAT: dict[str, Any] = {"mat": "bt3510"}


def opened(spec: str, **how) -> Any:
    return open_source(spec, **how)


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "night?.csv"
    path.write_text("1,2,3\n4,5,6\n\n1,2,3\n4,5,7\n")
    return path


def test_replay(csv):
    source = opened(f"replay:{csv}", rows=2, cols=3, pitch_mm=30, unit="mmHg", rate_hz=5, bed="7")
    assert isinstance(source, Replay)
    assert (source.unit, source.beds, source.mat.rows, source._speed, source._loop) == ("kPa", ("7",), 2, 1.0, False)
    source = opened(f"replay:{sample_night()}?speed=max&loop=yes&bed=9")
    assert (source._speed, source._loop, source.beds) == (inf, True, ("9",))
    assert len(run(taken(source, 300))) == 300
    with pytest.raises(MatposeError, match="does not say when it began"):
        opened(f"replay:{sample_night()}?start=own")


def test_simulated():
    assert opened("simulated").beds == ("simulated",)
    assert opened("simulated?beds=3", bed="x").beds == ("x-1", "x-2", "x-3")
    assert isinstance(opened("simulated?bed=a"), Simulated)
    night = opened("simulated:night?seed=4&bed=n", **MAT)
    assert isinstance(night, SimulatedNight)
    assert (night._seed, night.beds, night.mat.name) == (4, ("n",), "bt3510")
    assert isinstance(opened("simulated:night"), SimulatedNight)


def test_serial():
    source = opened("serial:/dev/ttyACM3?baud=9600&format=text&bed=2", unit="raw", **MAT)
    assert isinstance(source, SerialSource)
    assert (source._port, source._baud, source.unit, source.beds) == ("/dev/ttyACM3", 9600, "raw", ("2",))
    assert opened("serial:COM3", **MAT)._baud == 115200


def test_tcp():
    source = opened("tcp://mat.ward:7000?bed=2", **MAT)
    assert isinstance(source, TcpClient)
    assert (source._place, source.beds, source.unit) == (("mat.ward", 7000), ("2",), "kPa")
    assert opened("tcp://[::1]:7000/", **MAT)._place == ("::1", 7000)
    source = opened("tcp-listen://:7000?format=text", **MAT)
    assert isinstance(source, TcpListener)
    assert (source._place, source.unit) == (("127.0.0.1", 7000), "raw")  # of this machine alone, unless said
    assert opened("tcp-listen://0.0.0.0:7000", **MAT)._place == ("0.0.0.0", 7000)


def test_mqtt(monkeypatch):
    source = opened("mqtt://broker/?beds=1,2&service=ward-3", **MAT)
    assert isinstance(source, MqttSource)
    broker = source._broker
    assert source.beds == ("1", "2")
    assert (broker.host, broker.port, broker.user, broker.tls, broker.service) == (
        "broker", 1883, None, False, "ward-3",
    )  # fmt: skip
    broker = broker_of("mqtts://nurse:a%40b@broker")
    assert (broker.port, broker.user, broker.password, broker.tls) == (8883, "nurse", "a@b", True)
    monkeypatch.setenv("MATPOSE_MQTT_USER", "me")
    monkeypatch.setenv("MATPOSE_MQTT_PASSWORD", "pass")
    broker = broker_of("mqtt://broker:1884/")
    assert (broker.port, broker.user, broker.password) == (1884, "me", "pass")
    assert broker_of("mqtt://other@broker").user == "other"


@pytest.mark.parametrize(
    "spec",
    ["", "night.csv", "replay", "replay:", "replay://", "serial", "serial:", "tcp", "tcp:host:7000", "tcp://host",
     "tcp://:7000", "tcp://host:70000", "tcp://host:x", "tcp://host:7000/path", "tcp-listen://", "mqtt:host",
     "mqtt://", "mqtt://host/topic", "mqtt://[host/", "simulated:day", "simulatedx", "SIMULATED", "http://host:80",
     "tcp://host:7000#x"],
)  # fmt: skip
def test_what_is_no_source_lists_the_forms(spec):
    with pytest.raises(MatposeError) as caught:
        opened(spec, **MAT)
    if spec == "replay://":
        assert "folder" in str(caught.value)
    else:
        for form in ("replay:FILE", "simulated", "serial:/dev/ttyUSB0", "tcp://HOST:PORT", "mqtt://"):
            assert form in caught.value.mend


def test_a_password_is_not_repeated():
    with pytest.raises(MatposeError) as caught:
        opened("mqtt://nurse:secret@host/topic", **MAT)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("simulated?speed=2", "this source has bed, beds"),
        ("simulated?beds=0", "0 beds"),
        ("simulated?beds=100000", "100000 beds"),
        ("simulated?beds=x", "beds=x is no number"),
        ("simulated?beds=1&beds=2", "twice"),
        ("simulated?bed=a/b", "no name of a bed"),
        ("tcp://h:1?baud=3", "'baud'"),
        ("tcp://h:1?format=morse", "use wire or text"),
        ("serial:/dev/x?baud=fast", "baud=fast is no number"),
        ("serial:/dev/x?baud=1", "1 baud"),
        ("mqtt://h/?beds=a b", "no name of a bed"),
        ("mqtt://h/?service=a/b", "no name of a bed"),
        (f"replay:{sample_night()}?speed=0", "a speed of 0"),
        (f"replay:{sample_night()}?speed=nan", "speed=nan is no number"),
        (f"replay:{sample_night()}?loop=maybe", "use loop=no or yes"),
        ("replay:/no/such/file.h5", "no such file"),
    ],
)
def test_options_that_it_does_not_have(spec, says):
    with pytest.raises(MatposeError, match=says):
        opened(spec, **({} if spec.startswith(("simulated", "replay")) else MAT))


@pytest.mark.parametrize("spec", ["tcp://h:1", "tcp-listen://:1", "serial:/dev/x", "mqtt://h/"])
def test_the_mat_must_be_known(spec):
    with pytest.raises(MatposeError, match="does not say its mat"):
        opened(spec)
    with pytest.raises(MatposeError, match="pitch"):
        opened(spec, rows=4, cols=3)
    with pytest.raises(MatposeError, match="unknown unit"):
        opened(spec, unit="stones", **MAT)
    assert opened(spec, rows=4, cols=3, pitch_mm="30x20").mat.pitch_m == (0.03, 0.02)
    with pytest.raises(MatposeError, match="own mat"):
        opened("simulated", **MAT)
