"""The verbs inspect and convert: contract of their JSON, what people read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from matpose.cli.convert import convert
from matpose.cli.inspect import FLAG_MEANING, inspect
from matpose.cli.thumbnail import thumbnail
from matpose.errors import MatposeError, UnreadableFile
from matpose.mat import Mat
from matpose.readers import read
from matpose.recording import Flag

app = typer.Typer()
app.command()(inspect)
app.command()(convert)


def matpose(*words: str | Path) -> str:
    """Output of a verb; errors of the user are raised, as the entry point catches them."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Three frames of a body-like block on a 64 x 27 mat, one of them with a cell missing."""
    frames = np.zeros((3, 64, 27))
    frames[:, 10:40, 8:20] = 3.0
    frames[:, 15:30, 12:16] = 6.0
    frames[1, 0, 0] = np.nan
    np.savetxt(tmp_path / "night.csv", frames.reshape(3, -1), delimiter=",", fmt="%g")
    return tmp_path / "night.csv"


def test_inspect_json_of_a_known_mat(night):
    facts = json.loads(matpose("inspect", night, "--mat", "bt3510", "--unit", "kPa", "--rate-hz", "2", "--json"))
    assert facts["format"] == "text"
    wanted = {"rows": 64, "cols": 27, "pitch_y_m": 0.0286, "pitch_x_m": 0.0275, "rotate": 0, "mirror": False}
    assert facts["mat"] == {"name": "bt3510"} | wanted
    assert (facts["frames"], facts["duration_s"], facts["unit"]) == (3, 1.0, "kPa")
    assert facts["flags"] == {"nan": 1}
    assert facts["candidates"] == []
    assert facts["assumed"] == []
    cell_m2 = 0.0286 * 0.0275
    assert facts["pressure"]["peak"] == 6.0
    assert facts["pressure"]["contact_area_m2"] == pytest.approx(360 * cell_m2)
    assert facts["pressure"]["contact_mean_kpa"] == pytest.approx((300 * 3 + 60 * 6) / 360)
    assert facts["pressure"]["force_n"] == pytest.approx((300 * 3 + 60 * 6) * 1000 * cell_m2)


def test_inspect_json_of_an_unknown_mat(night):
    facts = json.loads(matpose("inspect", night, "--json"))
    assert set(facts["mat"].values()) == {None}
    assert facts["candidates"] == ["pmatdata-ii", "bt3510"]
    assert facts["grid_as_stored"] == [64, 27]
    assert facts["frames"] == 3
    assert facts["unit"] is None
    assert facts["duration_s"] is None
    assert facts["flags"]["nan"] == 1


def test_inspect_what_fits_nothing(tmp_path):
    (tmp_path / "odd.txt").write_text("1 2 3 4 5 6 7\n")
    facts = json.loads(matpose("inspect", tmp_path / "odd.txt", "--json"))
    assert (facts["frames"], facts["grid_as_stored"], facts["pressure"]) == (None, None, None)
    assert "--rows, --cols and --pitch-mm" in matpose("inspect", tmp_path / "odd.txt")


def test_inspect_without_pitch_says_what_is_missing(night):
    facts = json.loads(matpose("inspect", night, "--rows", "64", "--cols", "27", "--unit", "kPa", "--json"))
    assert facts["mat"]["pitch_y_m"] is None
    assert facts["pressure"]["force_n"] is None
    assert facts["pressure"]["contact_mean_kpa"] > 0
    assert "--pitch-mm" in facts["notes"][0]
    assert facts["assumed"] == ["one frame a second"]


def test_inspect_of_nothing_but_missing_readings(tmp_path):
    (tmp_path / "nan.csv").write_text("NaN,NaN\nNaN,NaN\n")
    words = (
        "inspect",
        tmp_path / "nan.csv",
        "--rows",
        "2",
        "--cols",
        "2",
        "--pitch-mm",
        "30",
        "--unit",
        "kPa",
    )
    assert json.loads(matpose(*words, "--json"))["pressure"]["peak"] is None
    assert "no reading" in matpose(*words)


def test_inspect_speaks_to_people(night):
    said = " ".join(matpose("inspect", night, "--mat", "bt3510", "--unit", "kPa").split())
    for words in (
        "64 x 27 cells, 28.6 x 27.5 mm",
        "3 in 2 s, kPa",
        "nan: 1 frames; a cell has no reading",
        "head edge up",
    ):
        assert words in said
    force_n = (300 * 3 + 60 * 6) * 1000 * 0.0286 * 0.0275
    assert f"{force_n:.0f} N ({force_n / 9.80665:.1f} kgf)" in said
    assert "@" in said  # the picture, without a terminal's colours
    unknown = " ".join(matpose("inspect", night).split())
    assert "--mat pmatdata-ii or --mat bt3510" in unknown
    assert "as stored" in unknown


def test_inspect_recognises_whose_counts_these_look_like(tmp_path):
    np.savetxt(tmp_path / "map.txt", np.random.default_rng(0).integers(42, 48, (64, 27)), fmt="%d")
    facts = json.loads(matpose("inspect", tmp_path / "map.txt", "--json"))
    assert "experiment ii" in facts["notes"][0]
    assert facts["mat"]["rows"] is None  # likely is not proven


def test_inspect_shows_the_frame_of_median_total(tmp_path):
    frames = np.zeros((6, 64, 27))
    for frame, load in zip(frames, (0, 4, 3, 5, 0, 0), strict=True):  # three empty beds do not count
        frame[10:40, 8:20] = load
    np.savetxt(tmp_path / "night.txt", frames.reshape(6, -1), fmt="%g")
    words = ("inspect", tmp_path / "night.txt", "--mat", "bt3510", "--unit", "kPa", "--json")
    facts = json.loads(matpose(*words))
    assert facts["pressure"]["frame"] == 1
    assert facts["flags"]["empty_bed"] == 3


def test_every_flag_has_its_sentence():
    assert list(FLAG_MEANING) == [flag.names[0] for flag in Flag]


def test_inspect_refuses_what_is_no_recording(tmp_path):
    (tmp_path / "junk").write_bytes(b"\0junk")
    with pytest.raises(UnreadableFile):
        matpose("inspect", tmp_path / "junk", "--json")


@pytest.mark.parametrize("colour", [True, False])
def test_thumbnail_shows_the_head_above_and_keeps_proportions(colour):
    frame = np.zeros((64, 32), np.float32)
    frame[:4, :8] = 5
    picture = thumbnail(frame, Mat(64, 32, 0.03, 0.03), colour=colour)
    lines = picture.plain.splitlines()
    assert len(lines) == 28
    assert {len(line) for line in lines} == {28}
    if colour:
        colours = [str(span.style) for span in picture.spans]
        assert colours[0] == "#fcffa4 on #fcffa4"
        assert colours[-1] == "#000004 on #000004"
    else:
        assert lines[0].startswith("@")
        assert not lines[-1].strip()


@pytest.mark.parametrize("frame", [np.zeros((3, 2)), np.full((3, 2), np.nan), np.full((1, 1), 44.0)])
def test_thumbnail_of_nothing(frame):
    rows, cols = frame.shape
    assert not thumbnail(frame.astype(np.float32), Mat(rows, cols, None, None), colour=False).plain.strip()


def test_convert_keeps_everything(night, tmp_path):
    output = tmp_path / "new" / "night.h5"
    options = ("--mat", "bt3510", "--unit", "mmHg", "--rate-hz", "2")
    facts = json.loads(matpose("convert", night, "-o", output, *options, "--subject", "Ada", "--json"))
    assert (facts["frames"], facts["rows"], facts["cols"], facts["unit"]) == (3, 64, 27, "kPa")
    assert facts["bytes"] == output.stat().st_size
    direct, converted = read(night, mat="bt3510", unit="mmHg", rate_hz=2), read(output)
    for name in ("frames", "time_s", "flags"):
        np.testing.assert_array_equal(getattr(converted, name), getattr(direct, name))
    assert (converted.mat, converted.subject, converted.source) == (direct.mat, "Ada", str(night))
    known = json.loads(matpose("inspect", output, "--json"))
    assert (known["format"], known["subject"], known["assumed"]) == ("matpose-hdf5", "Ada", [])


def test_convert_does_not_overwrite_unless_forced(night, tmp_path):
    output = tmp_path / "night.h5"
    output.write_text("precious")
    with pytest.raises(MatposeError, match="--force"):
        matpose("convert", night, "-o", output, "--mat", "bt3510")
    assert output.read_text() == "precious"
    assert "3 frames of 64 x 27 cells" in matpose("convert", night, "-o", output, "--mat", "bt3510", "--force")
    before = output.read_bytes()
    with pytest.raises(MatposeError, match="the input"):
        matpose("convert", output, "-o", output, "--force")
    assert output.read_bytes() == before
    assert len(read(output)) == 3


def test_convert_of_an_unknown_mat_writes_nothing(night, tmp_path):
    with pytest.raises(MatposeError, match="--mat pmatdata-ii"):
        matpose("convert", night, "-o", tmp_path / "night.h5")
    assert [file.name for file in tmp_path.iterdir()] == ["night.csv"]


class TestMakersExports:
    def test_inspect_needs_nothing_else(self, real_data):
        facts = json.loads(matpose("inspect", real_data / "sensor-exports/fscan_testL.asf", "--json"))
        assert facts["format"] == "tekscan"
        assert (facts["mat"]["rows"], facts["mat"]["cols"], facts["mat"]["pitch_y_m"]) == (60, 21, 0.00508)
        assert (facts["frames"], facts["unit"], facts["start_time"]) == (205, "kPa", "2017-02-16T11:26:22")
        assert facts["duration_s"] == pytest.approx(6.528)
        assert facts["meta"]["sensor_type"] == "FSCAN"
        assert facts["assumed"] == []

    def test_another_sensor_may_be_chosen(self, real_data):
        file = real_data / "sensor-exports/xsensor_data.csv"
        said = " ".join(matpose("inspect", file).split())
        assert "said by the file: 31 x 11 cells, 8.6 x 8.6 mm" in said
        assert "--sensor chooses another: HX210.11.31.M11-DFM-RF S0073" in said
        facts = json.loads(matpose("inspect", file, "--sensor", "RF", "--json"))
        assert facts["meta"]["sensor"] == "HX210.11.31.M11-DFM-RF S0073"
        with pytest.raises(MatposeError, match="LF S0073, HX210"):
            matpose("inspect", file, "--sensor", "S0073", "--json")

    @pytest.mark.parametrize("name", ["fscan_testL.asf", "iscan_test.csv", "pliance_test.asc", "xsensor_data.csv"])
    def test_convert_keeps_everything(self, real_data, tmp_path, name):
        file = real_data / "sensor-exports" / name
        matpose("convert", file, "-o", tmp_path / "a.h5", "--rotate", "90")
        direct, converted = read(file, rotate=90), read(tmp_path / "a.h5")
        for array in ("frames", "time_s", "flags"):
            np.testing.assert_array_equal(getattr(converted, array), getattr(direct, array))
        for fact in ("mat", "unit", "start_time", "meta", "source"):
            assert getattr(converted, fact) == getattr(direct, fact)
