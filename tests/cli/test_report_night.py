from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from made_night import START_S, made_night

from matpose.monitor.store import Store
from matpose.readers import read, write_recording
from matpose.runtime.recording_report import sample_night


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    path = tmp_path_factory.mktemp("ward") / "ward.sqlite"
    with Store(path) as store:
        for bed in ("east", "west"):
            for moment in made_night(
                [("supine", 9000.0, {"sacrum": 60.0}), ("left", 600.0, {"left_hip": 40.0})], step_s=5
            ):
                store.add(bed, moment)
    return path


def test_a_bed_of_a_ward(shell, ward, tmp_path):
    page = tmp_path / "page.html"
    answer = shell("report", ward, "--bed", "east", "-o", page, "--json", "--csv", tmp_path / "csv")
    assert answer.code == 0
    told = json.loads(answer.out)
    assert told["report"] == str(page)
    assert told["bed"] == "east"
    assert told["missed"] == 1
    assert {row["part"]: row["mmhg_h"] for row in told["parts"]}["sacrum"] == pytest.approx(150, abs=0.01)
    assert (tmp_path / "csv" / "doses.csv").is_file()
    assert "Research use, not a medical device" in page.read_text("utf-8")
    spoken = shell("report", ward, "--bed", "east", "-o", page)
    assert "turned once" in spoken.err


def test_an_interval_and_times_can_be_given(shell, ward, tmp_path):
    words = ("report", ward, "--bed", "west", "-o", tmp_path / "a.html", "--json")
    told = json.loads(shell(*words, "--turn-interval", "3").out)
    assert (told["turn_interval_h"], told["missed"]) == (3, 0)
    told = json.loads(shell(*words, "--from", "2023-11-14T23:13+00:00", "--until", "2023-11-14T23:43Z").out)
    assert told["until_s"] - told["from_s"] == 1800
    assert told["from_s"] == pytest.approx(START_S + 3600, abs=60)


def test_what_cannot_be_reported_is_told(shell, ward, tmp_path):
    for words, said in (
        ((ward,), "give --bed with one of east, west"),
        ((ward, "--bed", "north"), "no bed 'north'"),
        ((ward, "--bed", "east", "--from", "yesterday"), "no time"),
        ((ward, "--bed", "east", "--from", "2030-01-01T00:00"), "nothing was kept"),
        ((ward, "--bed", "east", "--turn-interval", "0"), "turn interval"),
        ((ward, "--bed", "east", "--mat", "bpms"), "knows its mats"),
        ((ward, "--bed", "east", "-o", ward), "never overwritten"),
        ((tmp_path, "--bed", "east"), "a run of training is meant"),
        ((tmp_path / "none.h5",), "none.h5"),
    ):
        answer = shell("report", *words) if "-o" in words else shell("report", *words, "-o", tmp_path / "a.html")
        assert answer.code == 2, words
        assert said in " ".join(answer.err.split()), words
        assert "Traceback" not in answer.err
    assert not (tmp_path / "a.html").exists()


@pytest.fixture
def hour(tmp_path):
    """Frames of the packaged night, as if four seconds apart."""
    night = read(sample_night()).select(slice(0, 60))
    path = tmp_path / "hour.h5"
    write_recording(path, replace(night, time_s=np.arange(60) * 4.0, events=(), start_time="2026-03-12T22:00:00"))
    return path


def test_a_recording_is_watched_and_reported(shell, hour, tmp_path):
    page = tmp_path / "page.html"
    answer = shell("report", hour, "-o", page, "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["bed"] == "hour"
    assert told["quality"]["frames"] == 60
    assert told["in_bed_s"] > 100
    assert max(row["mmhg_h"] for row in told["parts"]) > 0
    assert "12 March 2026" in page.read_text("utf-8")


def test_raw_counts_say_how_to_have_a_dose(shell, hour, tmp_path):
    recording = read(hour)
    raw = tmp_path / "raw.h5"
    write_recording(raw, replace(recording, unit="raw", frames=recording.frames * 50, start_time=None))
    page = tmp_path / "page.html"
    answer = shell("report", raw, "-o", page, "--json")
    assert answer.code == 0, answer.err
    assert {row["mmhg_h"] for row in json.loads(answer.out)["parts"]} == {None}
    assert "--body-weight-kg" in page.read_text("utf-8")
