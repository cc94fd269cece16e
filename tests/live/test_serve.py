"""`matpose serve` as a process: its lines, its end, its sudden death; and what it refuses at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import httpx
import pytest

import matpose
from matpose.errors import MatposeError
from matpose.live.running import is_loopback
from matpose.live.ward import read_ward
from matpose.monitor.store import Store

NIGHT = Path(matpose.__file__).parent / "samples" / "night.h5"
FAST = f"replay:{NIGHT}?speed=max&loop=yes&bed=a"
MOSQUITTO = "/usr/sbin/mosquitto"
TOKEN = "a-token-of-the-tests-only"


class Process:
    """A `matpose serve` of its own."""

    def __init__(self, *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "matpose", "serve", "--port", "0", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
        )  # fmt: skip

    def line(self) -> str:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, self.ended()[1]
        return text.strip()

    def json(self) -> dict:
        return json.loads(self.line())

    def ended(self, number: int | None = None) -> tuple[int, str]:
        """Exit status, and all that was still said."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out + err


@pytest.fixture
def serve() -> Iterator:
    begun: list[Process] = []

    def begin(*words: object) -> Process:
        begun.append(Process(*words))
        return begun[-1]

    yield begin
    for each in begun:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


def test_a_sudden_death_loses_no_event_and_the_next_goes_on(serve, tmp_path):
    path = tmp_path / "night.sqlite"
    kept: list[dict] = []
    for _ in range(2):
        process = serve("--source", FAST, "--store", path, "--json")
        assert process.json()["url"].startswith("http://127.0.0.1:")
        for _ in range(12):
            event = process.json()
            if event["kind"] not in ("signal", "no_signal"):  # those of silence are written just after
                kept.append(event)
        status, _ = process.ended(signal.SIGKILL)
        assert status == -signal.SIGKILL
        with Store(path, read_only=True) as store:
            stored = {(one["epoch_s"], one["kind"]) for one in store.events("a", limit=None)}
        assert {(one["epoch_s"], one["kind"]) for one in kept} <= stored
    assert len(kept) >= 20


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_it_ends_well(serve, tmp_path, number):
    path = tmp_path / "night.sqlite"
    ward = tmp_path / "ward.yaml"
    ward.write_text("all_beds: {settle_s: 0}")
    process = serve("--source", "simulated?bed=a", "--store", path, "--settings", ward)
    url = process.line().removeprefix("Open ")
    assert "not a medical device" in process.line()
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 303
    assert TOKEN not in answer.text
    assert "  a: " in process.line()
    status, said = process.ended(number)
    assert status == 0, said
    assert "ended; what was seen is in" in said
    assert "Traceback" not in said
    with Store(path, read_only=True) as store:
        assert [bed["bed"] for bed in store.beds()] == ["a"]
        assert store.postures("a")


def test_a_token_of_a_file_is_not_printed(serve, tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN, encoding="ascii")
    path.chmod(0o644)
    process = serve("--source", "simulated", "--no-store", "--token-file", path, "--host", "0.0.0.0")
    line = process.line()
    address = line.removeprefix("Open ").partition("?")[0]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{address}v1/beds", headers=headers, trust_env=False).status_code == 200
    status, said = process.ended(signal.SIGINT)
    assert status == 0
    assert TOKEN not in line + said
    assert "chmod 600" in said
    assert "unencrypted" in said
    assert "--allow-host" in said


@pytest.mark.slow
@pytest.mark.skipif(which("mosquitto") is None and not Path(MOSQUITTO).exists(), reason="no mosquitto here")
def test_states_and_events_go_to_a_broker_without_their_maps(serve, tmp_path):
    import asyncio

    import aiomqtt

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    broker = subprocess.Popen([which("mosquitto") or MOSQUITTO, "-c", str(config)], stderr=subprocess.DEVNULL)

    async def heard() -> dict[str, dict]:
        found: dict[str, dict] = {}
        for _ in range(50):
            try:
                async with aiomqtt.Client("127.0.0.1", port) as client, asyncio.timeout(20):
                    await client.subscribe("matpose/v1/a/+")
                    process = serve("--source", FAST, "--no-store", "--mqtt-publish", f"mqtt://127.0.0.1:{port}/")
                    process.line()
                    async for message in client.messages:
                        assert isinstance(message.payload, bytes)
                        found[str(message.topic).rpartition("/")[2]] = json.loads(message.payload)
                        if len(found) == 2:
                            return found
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)
        return found

    try:
        found = asyncio.run(heard())
    finally:
        broker.kill()
        broker.wait()
    assert found["events"]["bed"] == "a"
    assert found["pose"]["bed"] == "a"
    assert "pressure" not in found["pose"]


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--source", "carrier-pigeon:1"], "is no source"),
            (["--source", "replay:nowhere.csv"], "nowhere.csv"),
            (["--source", "simulated?bed=a", "--source", "simulated?bed=a"], "two sources have a bed 'a'"),
            (["--source", "simulated", "--allow-host", "http://x/"], "no name of a host"),
            (["--source", "simulated", "--host", "no.such.host.invalid"], "cannot listen"),
            (["--source", "simulated", "--turn-interval", "99"], "turn_interval_h"),
            (["--source", "simulated", "--settings", "nowhere.yaml"], "nowhere.yaml"),
            (["--source", "simulated", "--model", "nowhere.onnx"], "nowhere.onnx"),
            (["--source", "simulated", "--mqtt-publish", "http://x/"], "is no source"),
        ],
    )
    def test_what_the_user_can_mend_is_one_line(self, shell, tmp_path, monkeypatch, words, said):
        monkeypatch.chdir(tmp_path)
        answer = shell("serve", "--port", "0", *words)
        assert answer.code == 2
        assert said in answer.err
        assert len(answer.err.strip().splitlines()) == 1

    def test_a_file_that_is_no_store(self, shell, tmp_path):
        path = tmp_path / "letter.sqlite"
        path.write_text("dear store")
        answer = shell("serve", "--port", "0", "--source", "simulated", "--store", path)
        assert answer.code == 2
        assert "letter.sqlite" in answer.err


class TestWard:
    def test_a_beds_own_settings_go_before_the_command_line_and_that_before_the_wards(self, tmp_path):
        path = tmp_path / "ward.yaml"
        path.write_text("all_beds: {turn_interval_h: 3, settle_s: 20}\nbeds:\n  7: {turn_interval_h: 6}\n")
        ward = read_ward(path, {"turn_interval_h": 4.0})
        assert ward.settings_of("7").turn_interval_h == 6.0
        assert ward.settings_of("8").turn_interval_h == 4.0
        assert ward.settings_of("7").settle_s == 20.0
        assert read_ward(None, {}).settings_of("7").turn_interval_h == 2.0
        assert read_ward(path, {}).settings_of("8").turn_interval_h == 3.0

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("beds: {7: {turn: 3}}", "turn"),
            ("all_beds: {turn_interval_h: -1}", "turn_interval_h"),
            ("wards: {}", "wards"),
            ("all_beds: 3", "no settings"),
            ("beds: [1]", "beds"),
            ("[", "no YAML"),
            ("- 1", "holds no settings"),
            ("!!python/object/apply:os.system ['true']", "no YAML"),
        ],
    )
    def test_what_is_no_setting_is_told(self, tmp_path, text, said):
        path = tmp_path / "ward.yaml"
        path.write_text(text)
        with pytest.raises(MatposeError, match=said):
            read_ward(path, {})

    def test_an_empty_file_says_nothing(self, tmp_path):
        path = tmp_path / "ward.yaml"
        path.write_text("all_beds:\n")
        assert read_ward(path, {}).settings_of("1").turn_interval_h == 2.0


def test_what_others_can_reach_is_known():
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("ward.local")
