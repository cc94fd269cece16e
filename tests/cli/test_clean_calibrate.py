"""The verbs clean and calibrate: what they write, say and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from matpose.quality import clean
from matpose.readers import read
from matpose.recording import Flag

MAT = ("--rows", 50, "--cols", 20, "--pitch-mm", 40)


def save(path: Path, frames: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    np.savetxt(path, frames.reshape(len(frames), -1), delimiter=",", fmt="%g")
    return path


def plank(count: float = 500, zero: float = 40) -> np.ndarray:
    """Three frames of somebody like a plank: 300 cells of one count above zero."""
    frames = np.full((3, 50, 20), float(zero))
    frames[:, 10:40, 5:15] += count
    return frames


@pytest.fixture
def night(tmp_path: Path) -> Path:
    return save(tmp_path / "night.csv", plank())


@pytest.fixture
def worn(tmp_path: Path) -> Path:
    """In mmHg, with a dead cell in each frame, and a missing and a negative one in the first."""
    frames = plank(30, 0)
    frames[:, 20, 10] = 0
    frames[0, 30, 8] = np.nan
    frames[0, 0, 0] = -3
    return save(tmp_path / "worn.csv", frames)


def test_clean_mends_writes_and_counts(shell, worn, tmp_path):
    answer = shell("clean", worn, *MAT, "--unit", "mmHg", "-o", tmp_path / "out.h5", "--json")
    assert answer.code == 0
    (said,) = json.loads(answer.out)["recordings"]
    changed = {kind: count for kind, count in said["changed"].items() if count}
    assert changed == {"dead": 3, "nan_filled": 1, "negative": 1}
    assert (said["source"], said["output"], said["frames"]) == (str(worn), str(tmp_path / "out.h5"), 3)
    before = read(worn, rows=50, cols=20, pitch_mm=40, unit="mmHg")
    stored = read(tmp_path / "out.h5")
    np.testing.assert_array_equal(stored.frames, clean(before)[0].frames)
    np.testing.assert_array_equal(stored.flags, before.flags)
    assert Flag.DEAD | Flag.NAN in Flag(int(stored.flags[0]))
    assert stored.source == str(worn)


def test_clean_shows_a_table_of_what_occurred(shell, worn, tmp_path):
    answer = shell("clean", worn, *MAT, "--unit", "mmHg", "-o", tmp_path / "out.h5")
    head, row, *rest = (line.strip() for line in answer.out.splitlines())
    assert head.split("  ")[-1].strip() == "negative"
    assert "stuck" not in head
    assert row.split()[-5:] == ["3", "3,000", "1", "3", "1"]
    assert "3 dead cells interpolated" in " ".join(rest)


def test_every_cleaning_is_told_in_the_file(shell, worn, tmp_path):
    shell("clean", worn, *MAT, "--unit", "mmHg", "-o", tmp_path / "once.h5")
    shell("clean", tmp_path / "once.h5", "-o", tmp_path / "twice.h5")
    first, second = map(json.loads, read(tmp_path / "twice.h5").meta["cleaning"].splitlines())
    assert (first["from"], first["dead"]) == (str(worn), 3)
    assert (second["from"], second["dead"]) == (str(tmp_path / "once.h5"), 0)
    assert first["at"].endswith("+00:00")


def test_clean_of_several_fills_a_folder(shell, tmp_path):
    files = [save(tmp_path / who / "1.csv", plank()) for who in ("ada", "ben")]
    answer = shell("clean", *files, *MAT, "--unit", "raw", "-o", tmp_path / "out", "--json")
    assert [Path(said["output"]).name for said in json.loads(answer.out)["recordings"]] == ["ada-1.h5", "ben-1.h5"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["ada-1.h5", "ben-1.h5"]
    alone = shell("clean", files[0], *MAT, "-o", tmp_path / "alone")
    assert alone.code == 0
    assert (tmp_path / "alone" / "1.h5").is_file()


def test_clean_of_several_into_one_file_is_refused(shell, night, worn, tmp_path):
    answer = shell("clean", night, worn, *MAT, "-o", tmp_path / "out.h5")
    assert answer.code == 2
    assert "name a folder" in answer.err
    assert not (tmp_path / "out.h5").exists()


def test_calibrate_by_weight(shell, night, tmp_path):
    answer = shell("calibrate", night, *MAT, "--body-weight-kg", 72, "--zero-count", 40, "-o", tmp_path / "k.h5")
    assert answer.code == 0
    assert answer.err == ""
    assert "706 N (72.0 kgf) on the mat; 3 of 3 frames weighed" in answer.out
    stored = read(tmp_path / "k.h5")
    assert stored.unit == "kPa"
    assert stored.frames[0].sum() * 1000 * 0.04**2 == pytest.approx(72 * 9.80665, rel=1e-6)
    assert json.loads(stored.meta["calibration"])["body_weight_kg"] == 72


def test_calibrate_json_tells_all_and_what_to_doubt(shell, night, tmp_path):
    answer = shell("calibrate", night, *MAT, "--kpa-per-count", 0.003, "-o", tmp_path / "k.h5", "--json")
    facts = json.loads(answer.out)
    assert (facts["kpa_per_count"], facts["zero_count"], facts["frames_used"]) == (0.003, 0, 3)
    assert facts["force_n"][1] == pytest.approx((300 * 500 + 1000 * 40) * 0.003 * 1.6, rel=1e-6)
    assert "read 40 counts above zero" in facts["remarks"][0]
    said = shell("calibrate", night, *MAT, "--kpa-per-count", 0.003, "-o", tmp_path / "l.h5")
    assert "note: the least loaded cells read 40 counts" in said.err


@pytest.mark.parametrize("stored", ["csv", "h5"])
def test_the_empty_mat_is_read_as_the_same_mat(shell, tmp_path, stored):
    pattern = np.arange(1000.0).reshape(50, 20) % 37
    # on file the foot edge comes first and the columns are seen from below
    files = [
        save(tmp_path / f"{name}.csv", frames[:, ::-1])
        for name, frames in (("lying", plank(zero=0) + pattern), ("empty", np.stack([pattern, pattern])))
    ]
    options = (*MAT, "--rotate", 180, "--mirror")
    if stored == "h5":
        for file in files:
            shell("convert", file, *options, "--unit", "raw", "-o", file.with_suffix(".h5"))
        files, options = [file.with_suffix(".h5") for file in files], ()
    answer = shell("calibrate", files[0], *options, "--body-weight-kg", 72, "--zero", files[1], "-o", tmp_path / "k.h5")
    assert answer.code == 0, answer.err
    expected = np.where(plank(zero=0) > 0, 72 * 9.80665 / (300 * 1.6), 0)
    np.testing.assert_allclose(read(tmp_path / "k.h5").frames, expected, rtol=1e-6)


def test_the_empty_mat_is_read_in_counts_too(shell, tmp_path):
    lying = np.full((64, 27), 50.0)
    lying[10:40, 8:18] = 550
    for name, frame in (("lying", lying), ("empty", np.full((64, 27), 50.0))):
        np.savetxt(tmp_path / f"{name}.txt", frame, fmt="%d")
    answer = shell(
        "calibrate", tmp_path / "lying.txt", "--mat", "pmatdata-ii", "--unit", "raw", "--body-weight-kg", 72,
        "--zero", tmp_path / "empty.txt", "-o", tmp_path / "k.h5", "--json",
    )  # fmt: skip
    facts = json.loads(answer.out)
    assert facts["zero_count"] == 50
    assert facts["kpa_per_count"] == pytest.approx(72 * 9.80665 / (300 * 500 * 1000 * 0.0286 * 0.0275), rel=1e-6)


def test_a_makers_raw_exports_need_no_options(shell, tmp_path):
    head = "ROWS 50\nCOLS 20\nROW_SPACING 40 mm\nCOL_SPACING 40 mm\nUNITS {unit}\nASCII_DATA @@\n\n"
    for name, unit, frame in (("lying", "raw", plank()[0]), ("empty", "raw", plank(0)[0]), ("kpa", "KPa", plank()[0])):
        matrix = "\n".join(",".join(f"{count:g}" for count in row) for row in frame)
        (tmp_path / f"{name}.asf").write_text(f"{head.format(unit=unit)}Frame 1\n{matrix}\n\n@@\n")
    lying, empty, kpa = (tmp_path / f"{name}.asf" for name in ("lying", "empty", "kpa"))
    answer = shell("calibrate", lying, "--body-weight-kg", 72, "--zero", empty, "-o", tmp_path / "k.h5", "--json")
    assert json.loads(answer.out)["zero_count"] == 40
    refused = shell("calibrate", lying, "--body-weight-kg", 72, "--zero", kpa, "-o", tmp_path / "l.h5")
    assert refused.code == 2
    assert "not in counts" in refused.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--body-weight-kg or --kpa-per-count"),
        (("--body-weight-kg", 72, "--unit", "mmHg"), "--unit raw"),
        (("--body-weight-kg", 72, "--zero-count", 40, "--zero", "night.csv"), "--zero-count or --zero"),
        (("--body-weight-kg", 72, "--zero", "absent.csv"), "absent.csv"),
    ],
)
def test_calibrate_refuses_with_one_line(shell, night, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    answer = shell("calibrate", night, *MAT, *words, "-o", tmp_path / "k.h5")
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["night.csv"]


@pytest.mark.parametrize("verb", [("clean",), ("calibrate", "--kpa-per-count", 0.01)])
def test_neither_overwrites_unless_forced_and_never_an_input(shell, night, tmp_path, verb):
    shell("convert", night, *MAT, "--unit", "raw", "-o", tmp_path / "raw.h5")
    (tmp_path / "kept.h5").write_text("precious")
    refused = shell(*verb, tmp_path / "raw.h5", "-o", tmp_path / "kept.h5")
    assert (refused.code, (tmp_path / "kept.h5").read_text()) == (2, "precious")
    assert "--force" in refused.err
    assert shell(*verb, tmp_path / "raw.h5", "-o", tmp_path / "kept.h5", "--force").code == 0
    assert len(read(tmp_path / "kept.h5")) == 3

    before = (tmp_path / "raw.h5").read_bytes()
    (tmp_path / "link.h5").symlink_to(tmp_path / "raw.h5")
    for target in ("raw.h5", "link.h5"):
        refused = shell(*verb, tmp_path / "raw.h5", "-o", tmp_path / target, "--force")
        assert refused.code == 2
        assert "never overwritten" in refused.err
    assert (tmp_path / "raw.h5").read_bytes() == before


def test_the_empty_mats_file_is_an_input_too(shell, night, tmp_path):
    shell("convert", night, *MAT, "--unit", "raw", "-o", tmp_path / "raw.h5")
    answer = shell(
        "calibrate", night, *MAT, "--kpa-per-count", 1, "--zero", tmp_path / "raw.h5",
        "-o", tmp_path / "raw.h5", "--force",
    )  # fmt: skip
    assert answer.code == 2
    assert "never overwritten" in answer.err
