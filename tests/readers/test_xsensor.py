"""XSENSOR exports: a real one against its own loads, small ones in every spelling, and cut or forged ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from maker_texts import XSENSOR, XSENSOR_PRO, xsensor, xsensor_block, xsensor_frame

from matpose.errors import MatposeError, UnreadableFile
from matpose.readers import examine, read
from matpose.recording import Flag
from matpose.remarks import remarks

MMHG = 0.133322


@pytest.fixture
def wrote(tmp_path: Path):
    def write(text: str) -> Path:
        (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="\r\n")
        return tmp_path / "a.csv"

    return write


def test_the_first_sensor_and_a_loud_note(wrote):
    contents, recording = examine(wrote(xsensor())), read(wrote(xsensor()))
    assert contents.format == "xsensor"
    assert contents.notes == ("of 2 sensors this is mat LF; --sensor chooses another: mat RF",)
    assert contents.notes[0] in remarks(recording)  # so that `train` and `predict` say it too
    np.testing.assert_allclose(recording.frames, np.array([[[1, 2, 3], [4, np.nan, 6]]] * 3) * MMHG, rtol=1e-6)
    assert recording.mat.pitch_m == (0.025, 0.0127)  # height along the rows, width across
    assert recording.time_s.tolist() == [0, 0.25, 0.4]
    assert recording.start_time == "2022-08-16T23:59:59.500"
    said = {"maker": "XSENSOR", "sensor": "mat LF", "threshold": "5.5"}
    assert recording.meta == said | {"notes": contents.notes[0]}


def test_another_sensor_which_a_frame_lacks(wrote):
    recording = read(wrote(xsensor()), sensor="rf")
    np.testing.assert_allclose(recording.frames[2], np.array([[7, 8, 9], [10, 11, 12.5]]) * MMHG, rtol=1e-6)
    assert np.isnan(recording.frames[1]).all()
    assert [bool(flag & Flag.WRONG_SIZE) for flag in recording.flags] == [False, True, False]
    assert "missing in 1 of 3 frames" in examine(wrote(xsensor()), sensor="RF").notes[1]


@pytest.mark.parametrize(("sensor", "problem"), [("mat", "several sensors"), ("foot", "no sensor")])
def test_a_sensor_that_is_not_one(wrote, sensor, problem):
    with pytest.raises(MatposeError, match=rf"{problem}.*mat LF, mat RF"):
        read(wrote(xsensor()), sensor=sensor)


def test_a_whole_name_wins_over_a_part_of_two(wrote):
    text = XSENSOR + xsensor_frame(1, "1:00:00", xsensor_block("mat 12", ["1,2,3"]), xsensor_block("mat 1", ["4,5,6"]))
    assert read(wrote(text), sensor="mat 1").frames[0, 0, 0] == pytest.approx(4 * MMHG)


def test_the_spelling_of_pro(wrote):
    recording = read(wrote(XSENSOR_PRO))
    np.testing.assert_allclose(recording.frames, np.arange(1, 9).reshape(2, 2, 2) * 10)
    assert recording.time_s.tolist() == [0, 0.5]
    assert recording.start_time == "2021-03-01T21:43:52"
    assert examine(wrote(XSENSOR_PRO)).notes == ()


def test_decimal_commas_quoted_and_behind_semicolons(wrote):
    want = read(wrote(xsensor()))
    numbers = re.compile(r"(?<![\w.:])(\d+)\.(\d+)(?![\w.:])")
    quoted = wrote(numbers.sub(r'"\1,\2"', xsensor()))
    assert '"12,5"' in quoted.read_text()
    for sensor in ("LF", "RF"):
        np.testing.assert_array_equal(read(quoted, sensor=sensor).frames, read(wrote(xsensor()), sensor=sensor).frames)
        quoted = wrote(numbers.sub(r'"\1,\2"', xsensor()))
    semicolons = wrote(xsensor().replace(",", ";").replace(".", ","))
    got = read(semicolons)
    np.testing.assert_array_equal(got.frames, want.frames)
    assert (got.mat, got.start_time) == (want.mat, want.start_time)
    np.testing.assert_array_equal(got.time_s, want.time_s)
    tabs = read(wrote(xsensor().replace(",", "\t")))
    np.testing.assert_array_equal(tabs.frames, want.frames)


def test_midnight_without_dates(wrote):
    text = XSENSOR_PRO.replace("Date:,2021-03-01\n", "").replace("21:43:52.0", "23:59:59").replace("21:43:52.5", "0:00")
    recording = read(wrote(text))
    assert recording.time_s.tolist() == [0, 1]
    assert recording.start_time is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("5,6\n7,8\n", "5,6\n7", "line 27: has 1 values where 2 are due"),
        ("5,6\n7,8\n", "5,6\n", "line 25: 1 rows where 2 are due"),
        ("5,6\n7,8\n", "5,6\n7,8\n9,10\n", "line 25: 3 rows where 2 are due"),
        ("7,8\n", "7,8,9\n", "line 27: has 3 values"),
        ("7,8\n", "7,high\n", "line 27: holds 'high'"),
        ("Rows:,2\n", "Rows:,99999999\n", "line 14: Rows is '99999999'"),
        ("Columns:,2\n", "", "line 13: Columns is 'missing'"),
        ("Width (cm):,1.27", "Width (cm):,1270", "Sensel Width (Cm) is '1270'"),
        ("Units:,N/cm2", "Units:,stones", "line 2: the unit is 'stones'"),
        (
            "5,6\n7,8\n",
            "5,6\n7,8\nSensor:,PX100:48.48.02\nRows:,2\nColumns:,2\nSensels:\n1,2\n3,4\n",
            "a second matrix",
        ),
        ("Frame:,2\n", "Frame:,2\nFrame:,3\nUnits:,kPa\n", "line 19: the unit is 'kPa'"),
    ],
)
def test_damage_names_the_line(wrote, old, new, problem):
    assert old in XSENSOR_PRO
    with pytest.raises(UnreadableFile, match=re.escape(problem)) as caught:
        read(wrote(XSENSOR_PRO.replace(old, new)))
    assert caught.value.mend
    assert caught.value.path


def test_a_group_never_stands_in_for_a_sensor(wrote):
    whole = xsensor_block("mat LF", ["77,78,79"])
    without = whole[: whole.index("SENSELS")].replace("Columns,3", "Columns,2")
    text = XSENSOR + xsensor_frame(1, "1:00:00", whole) + xsensor_frame(2, "1:00:01", without)
    recording = read(wrote(text))
    assert np.isnan(recording.frames[1]).all()
    assert recording.flags[1] & Flag.WRONG_SIZE


def test_as_many_sensors_as_no_one_has(wrote):
    text = XSENSOR_PRO + "".join(f"Sensor:,{number}\n" for number in range(70))
    with pytest.raises(UnreadableFile, match="more than 64 sensors"):
        read(wrote(text))


def test_a_run_of_commas_takes_no_quadratic_time(wrote):
    text = XSENSOR_PRO.replace("5,6\n7,8\n", "5,6,\n7,8" + "," * 3_000_000 + "1\n")
    with pytest.raises(UnreadableFile, match="line 27: has 3000002 values"):
        read(wrote(text))


class TestRealExport:
    def test_both_feet_against_their_own_loads(self, real_data):
        file = real_data / "sensor-exports/xsensor_data.csv"
        said = file.read_text(encoding="utf-8-sig")
        starts = [match.end() for match in re.finditer(r"^SENSOR,", said, re.MULTILINE)]
        loads = [float(re.compile(r"Est\. Load \(N\),([\d.]+)").search(said, start)[1]) for start in starts]  # type: ignore[index]
        for index, foot in enumerate(("LF", "RF")):
            recording = read(file, sensor=foot)
            assert recording.frames.shape == (101, 31, 11)
            assert recording.mat.pitch_m == (0.0086, 0.0086)
            assert recording.unit == "kPa"
            assert recording.duration_s == pytest.approx(1.331)
            assert recording.start_time == "2022-08-16T08:21:17.982"
            newtons = recording.frames.sum((1, 2), dtype=float) * 1000 * 0.0086**2
            np.testing.assert_allclose(newtons, loads[index::2], rtol=0.005, atol=0.5)
        first = read(file)
        assert first.meta["sensor"] == "HX210.11.31.M11-DFM-LF S0073"
        assert first.meta["threshold"] == "51.72"
        assert first.frames[0, 4, 9] == pytest.approx(2657.47 * MMHG)
