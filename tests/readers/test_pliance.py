"""novel pliance exports: a real one against its own forces, small ones, and geometries that are no grid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from maker_texts import pliance

from matpose.errors import UnknownMat, UnreadableFile
from matpose.readers import examine, read


@pytest.fixture
def wrote(tmp_path: Path):
    def write(text: str) -> Path:
        (tmp_path / "a.asc").write_text(text, newline="\r\n")
        return tmp_path / "a.asc"

    return write


def test_the_grid_is_found_from_the_corners(wrote):
    recording = read(wrote(pliance()))
    nan = np.nan
    np.testing.assert_array_equal(
        recording.frames, np.array([[[1, 2, 3], [nan, 5, nan]], [[1.5, 2.5, 3.5], [nan, 5.5, nan]]], np.float32)
    )
    assert recording.mat.pitch_m == (0.03, 0.02)
    assert recording.time_s.tolist() == [0, 0.1]
    assert recording.start_time == "2023-06-17T15:21:00.100"
    assert recording.meta == {"maker": "novel", "sensor_type": "s2160_001"}
    assert recording.unit == "kPa"


def test_sensors_are_placed_by_their_number_not_their_order(wrote):
    recording = read(wrote(pliance(ids="5 3 2 1")))
    np.testing.assert_array_equal(recording.frames[0], np.array([[5, 3, 2], [np.nan, 1, np.nan]], np.float32))


def test_a_sensor_that_was_not_exported_has_no_reading(wrote):
    text = re.sub(r"^(.*[\d.]\s+)5\.\d00$", r"\1", pliance(ids="1 2 3"), flags=re.MULTILINE)
    assert read(wrote(text)).frames[0].tolist()[0] == [1, 2, 3]
    assert np.isnan(read(wrote(text)).frames[0, 1]).all()


def test_decimal_commas_and_units(wrote):
    text = pliance().replace(".", ",").replace("17,06,23 15,21", "17.06.23 15.21").replace("in kPa", "in N/cm²")
    np.testing.assert_allclose(read(wrote(text)).frames, 10 * read(wrote(pliance())).frames)
    assert read(wrote(text)).mat.pitch_m == (0.03, 0.02)


def test_times_keep_their_digits_late_at_night(wrote):
    text = pliance().replace("0.10000", "28800.04167").replace("0.20000", "28800.08333")
    recording = read(wrote(text))
    assert recording.time_s[1] == pytest.approx(0.04166, abs=1e-9)
    assert "28800 s into" in examine(wrote(text)).notes[0]


def test_without_corners_the_caller_says_the_grid(wrote):
    text = pliance()[: pliance().index("sensor 1")]
    with pytest.raises(UnknownMat):
        read(wrote(text))
    recording = read(wrote(text), rows=2, cols=2, pitch_mm=10)
    assert recording.frames[1].tolist() == [[1.5, 2.5], [3.5, 5.5]]
    assert recording.time_s.tolist() == [0, 0.1]


def corners(xs: Sequence[tuple[float, float]], ys: Sequence[tuple[float, float]]) -> str:
    """Corner lines of four upright rectangles from their sides."""
    lines = []
    for corner, (x, y) in enumerate(((0, 1), (0, 0), (1, 0), (1, 1))):
        lines.append(f"x[{corner}] " + " ".join(str(side[x]) for side in xs))
        lines.append(f"y[{corner}] " + " ".join(str(side[y]) for side in ys))
    return "\n".join(lines) + "\n"


ROW = [(3, 6)] * 4


@pytest.mark.parametrize(
    ("geometry", "problem"),
    [
        (corners([(0, 2), (2, 4), (4, 6), (7, 9)], ROW), "no regular grid"),
        (corners([(0, 2), (2, 4), (4, 6), (6, 10)], ROW), "no regular grid"),
        (corners([(0, 2), (2, 4), (4, 6), (4, 6)], ROW), "in one place"),
        (corners([(0, 0), (2, 2), (4, 4), (6, 6)], ROW), "no regular grid"),
        (corners([(0, 2), (2, 4), (4, 6), (9e5, 9e5 + 2)], ROW), "no regular grid"),
        (corners([(0, 2), (2, 4), (4, 6), (6, 8)], ROW).replace("x[0] 0", "x[0] 1"), "no regular grid"),
        (corners([(0, 2), (2, 4), (4, 6), (6, 8)], ROW)[:-5], "has 2 values where 4 are due"),
        ("x[0] \n", "corners of sensors are missing"),
        ("x[0] 0 2 4 6\n", "corners of sensors are missing"),
    ],
)
def test_what_is_no_grid(wrote, geometry, problem):
    with pytest.raises(UnreadableFile, match=problem) as caught:
        read(wrote(pliance(corners=geometry)))
    assert "line" in (caught.value.place or "")


def test_one_row_of_spaced_sensors(wrote):
    recording = read(wrote(pliance(corners=corners([(0, 2), (2.5, 4.5), (5, 7), (10, 12)], ROW))))
    assert recording.frames.shape == (2, 1, 5)
    assert recording.mat.pitch_m == (0.03, 0.025)
    assert np.isnan(recording.frames[0, 0]).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "1.500   2.500   3.500   5.500\n      MPP",
            "1.500   2.500\n      MPP",
            "line 10: has 3 values where 5 are due",
        ),
        ("2.500   3.500", "2.500   3x500", "line 10: holds '3x500'"),
        ("  0.20000", "  0.05000", "line 8: the times do not run forward"),
        ("in kPa", "in stones", "line 4: the unit is 'stones'"),
        ("time[secs] 1 2 3 5", "time[secs] 1 2 3 3", "line 8: the sensors are not numbered"),
        ("time[secs] 1 2 3 5", "time[secs] 1 2 3 9", "line 20: sensor 9 has no corners"),
    ],
)
def test_damage_names_the_line(wrote, old, new, problem):
    assert old in pliance()
    with pytest.raises(UnreadableFile, match=re.escape(problem)) as caught:
        read(wrote(pliance().replace(old, new)))
    assert caught.value.mend


def test_the_real_mat_against_its_own_forces(real_data):
    """s2160_001 is a grid of 29 x 28 cells of 10.28 x 5.28 mm, all there; only times with load were exported."""
    file = real_data / "sensor-exports/pliance_test.asc"
    recording = read(file)
    assert recording.frames.shape == (281, 29, 28)
    assert recording.mat.pitch_m == (0.01028, 0.00528)
    assert (recording.unit, recording.meta["sensor_type"]) == ("kPa", "s2160_001")
    assert recording.duration_s == pytest.approx(17.45833 - 5.79167)
    assert not np.isnan(recording.frames).any()
    text = file.read_text()
    forces = dict(re.findall(r"^ +([\d.]+) +([\d.]+) +(?:[-\d.]+) +(?:[-\d.]+)$", text[text.index("force[N]") :], re.M))
    newtons = recording.frames.sum((1, 2), dtype=float) * 1000 * 0.01028 * 0.00528
    want = [float(forces[f"{5.79167 + time:.5f}"]) for time in recording.time_s]
    assert max(want) > 100
    np.testing.assert_allclose(newtons, want, rtol=1e-3, atol=0.01)
    lines = text.splitlines()
    ids, row = lines[7].split()[1:], lines[8 + 200].split()[1:]
    x, y = (next(line.split()[1:] for line in lines if line.startswith(name)) for name in ("x[c]", "y[c]"))
    for index in range(0, len(ids), 37):
        up, col = round((float(y[index]) - 0.514) / 1.028), round((float(x[index]) - 0.264) / 0.528)
        assert recording.frames[200, 28 - up, col] == pytest.approx(float(row[index]), abs=1e-3)
