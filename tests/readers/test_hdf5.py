"""Our own file: an exact round trip, and no trust in what a file claims."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from matpose.errors import MatposeError, UnreadableFile
from matpose.mat import PRESETS, CountScale, Mat
from matpose.readers import examine, read, write_recording
from matpose.recording import FACTS, POSTURES, Recording

SAME_FOLDER = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def bare(count: int = 3, mat: Mat | None = None) -> Recording:
    mat = mat or Mat(4, 3, None, None)
    frames = np.random.default_rng(count).random((count, mat.rows, mat.cols), np.float32)
    return Recording(frames, mat, "raw", np.arange(count, dtype=float), np.zeros(count, np.uint16))


def full() -> Recording:
    rng = np.random.default_rng(0)
    frames = rng.normal(2, 3, (7, 64, 32)).astype(np.float32)
    frames[2, 5:9] = np.nan
    return Recording(
        frames, PRESETS["pmatdata-i"], "kPa", np.cumsum(rng.random(7)),
        flags=rng.integers(0, 1024, 7).astype(np.uint16),
        name="i/S1/7", subject="Zoë", source="/data/ü.txt", start_time="2024-05-01T22:00:00+02:00",
        posture=np.array([*POSTURES]), joints_m=rng.random((7, 14, 3)).astype(np.float32),
        joint_contact=rng.random((7, 14)) > 0.5, parts=rng.integers(0, 22, (7, 64, 32)).astype(np.uint8),
        landmarks_m=rng.random((7, 12, 3)).astype(np.float32), person=rng.integers(0, 1 << 32, 7).astype(np.uint32),
        partner_posture=np.array(POSTURES[::-1]), partner_joints_m=rng.random((7, 14, 3)).astype(np.float32),
        partner_joint_contact=rng.random((7, 14)) > 0.5, whose=rng.integers(0, 3, (7, 64, 32)).astype(np.uint8),
        facts=np.array([(1.7, 70 + row, "female", "hands-behind-head", 12.5, row) for row in range(7)], FACTS),
        partner_facts=np.zeros(7, FACTS),
        events=((1.5, "turn"), (2.25, "exit")), meta={"posture17": "7", "mattress": "Schaum"},
    )  # fmt: skip


def assert_same(one: Recording, other: Recording) -> None:
    for field in fields(Recording):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, np.ndarray):
            assert left.dtype.kind == right.dtype.kind, field.name
            np.testing.assert_array_equal(left, right, err_msg=field.name)
        else:
            assert left == right, field.name


@pytest.mark.parametrize("recording", [bare(), bare(1), full()], ids=["bare", "one frame", "full"])
def test_round_trip(tmp_path, recording):
    write_recording(tmp_path / "a.h5", recording)
    assert_same(read(tmp_path / "a.h5"), recording)
    assert examine(tmp_path / "a.h5").format == "matpose-hdf5"


def test_a_file_from_before_there_were_partners_and_facts(tmp_path):
    new = ("partner_posture", "partner_joints_m", "partner_joint_contact", "whose", "facts", "partner_facts")
    write_recording(tmp_path / "a.h5", full())
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        assert file.attrs["schema_version"] == 1
        for name in new:
            del file[name]
    assert_same(read(tmp_path / "a.h5"), replace(full(), **dict.fromkeys(new)))


def test_any_hdf5_tool_finds_the_partner_and_the_facts(tmp_path):
    write_recording(tmp_path / "a.h5", full())
    with h5py.File(tmp_path / "a.h5") as file:
        whose, facts = file["whose"], file["facts"]
        assert isinstance(whose, h5py.Dataset)
        assert isinstance(facts, h5py.Dataset)
        assert bytes(np.bytes_(whose.attrs["legend"])) == b"nobody,person,partner"
        assert facts.dtype.names == FACTS.names
        assert facts["mass_kg"].tolist() == [70, 71, 72, 73, 74, 75, 76]
        assert facts[3]["style"] == b"hands-behind-head"


@SAME_FOLDER
@given(
    frames=st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)).flatmap(
        lambda shape: arrays(np.float32, shape, elements=st.floats(-1e7, 1e7, width=32) | st.just(float("nan")))
    ),
    text=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=30),
    turn=st.sampled_from([0, 90, 180, 270]),
    mirror=st.booleans(),
)
def test_round_trip_of_anything(tmp_path, frames, text, turn, mirror):
    count, rows, cols = frames.shape
    mat = Mat(rows, cols, 0.01, 0.02, turn, mirror, name=text, counts=CountScale(0.1, 4.0, 13.3), assumed=text)
    recording = Recording(
        frames, mat, "raw", np.arange(count) / 7, np.zeros(count, np.uint16), subject=text, meta={text: text}
    )
    write_recording(tmp_path / "a.h5", recording)
    assert_same(read(tmp_path / "a.h5"), recording)


def test_large_frames_are_cut_into_small_chunks(tmp_path):
    mat = Mat(1200, 900, None, None)
    recording = Recording(np.ones((2, 1200, 900), np.float32), mat, "raw", np.arange(2.0), np.zeros(2, np.uint16))
    write_recording(tmp_path / "a.h5", recording)
    assert_same(read(tmp_path / "a.h5"), recording)


def test_legends_stand_in_the_file(tmp_path):
    write_recording(tmp_path / "a.h5", full())
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["schema_version"] == 1
        assert file.attrs["unit"] == b"kPa"
        legends = {name: bytes(np.bytes_(file[name].attrs["legend"])) for name in ("posture", "parts")}
        assert legends["posture"].startswith(b"supine,prone,left,")
        assert legends["parts"].split(b",")[6] == b"sacrum"
        assert np.bytes_(file["joints_m"].attrs["joint_names"]).endswith(b"thorax,head_top")
        assert file["mat"].attrs["pitch_y_m"] == 0.0278


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    write_recording(tmp_path / "a.h5", bare())
    before = (tmp_path / "a.h5").read_bytes()

    def full_disk(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", full_disk)
    with pytest.raises(MatposeError, match="No space left"):
        write_recording(tmp_path / "a.h5", full())
    assert [file.name for file in tmp_path.iterdir()] == ["a.h5"]
    assert (tmp_path / "a.h5").read_bytes() == before


@pytest.mark.parametrize(
    "recording",
    [
        bare(0),
        replace(bare(), frames=np.full((3, 4, 3), np.inf, np.float32)),
        replace(bare(), time_s=np.array([0, 2, 1.0])),
        replace(bare(), time_s=np.array([0, np.nan, 1.0])),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, recording):
    with pytest.raises(MatposeError):
        write_recording(tmp_path / "a.h5", recording)
    assert not list(tmp_path.iterdir())


def test_options_may_complete_but_not_contradict(tmp_path):
    file = tmp_path / "a.h5"
    write_recording(file, bare())
    assert read(file, pitch_mm=20, subject="Ada").mat.pitch_m == (0.02, 0.02)
    assert read(file, subject="Ada").subject == "Ada"
    contradictions: list[dict[str, Any]] = [
        {"mat": "bpms"}, {"rows": 4, "cols": 3}, {"unit": "mmHg"}, {"rate_hz": 3}, {"mirror": True}
    ]  # fmt: skip
    for contradiction in contradictions:
        with pytest.raises(MatposeError, match="says its own"):
            read(file, **contradiction)
    write_recording(file, full())
    assert read(file, mat="pmatdata-i").mat.name == "pmatdata-i"
    with pytest.raises(MatposeError):
        read(file, pitch_mm=20)


def refused(path: Path, word: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile) as caught:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert word in f"{caught.value.place}: {caught.value.problem}"  # the path holds the test's name
    assert caught.value.path == str(path)
    assert caught.value.mend
    assert peak < 30 << 20


def dataset(name: str, **options) -> Callable[[h5py.File], None]:
    def forge(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **options)

    return forge


def link(name: str, target) -> Callable[[h5py.File], None]:
    def forge(file: h5py.File) -> None:
        del file[name]
        file[name] = target

    return forge


def attribute(name: str, value, group: str = "/") -> Callable[[h5py.File], None]:
    def forge(file: h5py.File) -> None:
        del file[group].attrs[name]
        if value is not None:
            file[group].attrs[name] = value

    return forge


FORGERIES: list[tuple[Callable[[h5py.File], None], str]] = [
    (
        dataset("frames", shape=(37 << 17, 64, 32), dtype="<f4", chunks=(1, 64, 32)),
        "'frames': it claims 37,888 MiB",
    ),
    (dataset("frames", data=np.zeros((7, 64, 32))), "is not an array of float32"),
    (dataset("frames", data=np.zeros((7, 64), "f4")), "3 axes"),
    (dataset("frames", data=np.zeros((6, 64, 32), "f4")), "has shape (7,), not (6,)"),
    (dataset("frames", data=np.full((7, 64, 32), np.inf, "f4")), "no sensor"),
    (dataset("frames", shape=(7, 64, 32), dtype="f4", chunks=(7, 64, 32), maxshape=(None, 64, 32)), ""),
    (dataset("frames", data=np.zeros((7, 64, 32), "f4"), compression="lzf"), "compression"),
    (dataset("frames", data=np.zeros((300, 64, 32), "f4"), chunks=(300, 64, 32)), "chunks"),
    (dataset("time_s", data=np.full(7, np.nan)), "times"),
    (dataset("time_s", data=np.arange(7.0)[::-1]), "times"),
    (dataset("time_s", shape=(7,), dtype=h5py.string_dtype()), "float64"),
    (dataset("posture", data=np.full(7, 200, "u1")), "legend"),
    (dataset("parts", data=np.zeros((7, 64, 32), "u1")), "legend"),
    (dataset("landmarks_m", data=np.zeros((7, 12, 3), "f4")), "landmark_names"),
    (dataset("landmarks_m", data=np.zeros((7, 11, 3), "f4")), "has shape (7, 11, 3)"),
    (dataset("person", data=np.zeros(7, "<i8")), "uint32"),
    (dataset("person", data=np.zeros(6, "<u4")), "has shape (6,)"),
    (dataset("partner_posture", data=np.full(7, 1, "u1")), "legend"),
    (dataset("partner_joints_m", data=np.zeros((7, 13, 3), "f4")), "has shape (7, 13, 3)"),
    (dataset("whose", data=np.zeros((7, 64, 32), "u1")), "legend"),
    (dataset("whose", data=np.zeros((7, 64, 31), "u1")), "has shape (7, 64, 31)"),
    (dataset("facts", data=np.zeros(7, [("stature_m", "<f4")])), "is not an array of"),
    (dataset("partner_facts", data=np.zeros(6, FACTS)), "has shape (6,)"),
    (dataset("events", data=np.frombuffer(b"[[1]]", "u1")), ""),
    (dataset("events", data=np.frombuffer(b"{", "u1")), ""),
    (dataset("meta", data=np.frombuffer(b"[1]", "u1")), ""),
    (dataset("meta", shape=(1 << 28,), dtype="u1", chunks=(1 << 19,)), "too large"),
    (link("frames", h5py.ExternalLink("/etc/passwd", "/x")), "link"),
    (link("frames", h5py.SoftLink("/time_s")), "link"),
    (link("mat", h5py.SoftLink("/nowhere")), "link"),
    (link("time_s", np.dtype("f8")), "type"),
    (attribute("schema_version", None), "no recording of Matpose"),
    (attribute("schema_version", 99), "99"),
    (attribute("schema_version", "one"), "schema_version"),
    (attribute("schema_version", [1, 1]), "shape (2,)"),
    (attribute("unit", None), "unit"),
    (attribute("unit", np.bytes_("bar")), "unit"),
    (attribute("subject", np.bytes_(b"x" * 20000)), "subject"),
    (attribute("subject", "a string on the heap"), "subject"),
    (attribute("subject", np.bytes_(b"\xff\xfe")), "utf-8"),
    (attribute("rows", None, "mat"), "0 x 32"),
    (attribute("rows", 1e300, "mat"), "mat"),
    (attribute("pitch_y_m", np.nan, "mat"), "pitch"),
    (attribute("rotate", 45, "mat"), "45"),
]


@pytest.mark.parametrize(("forge", "word"), FORGERIES)
def test_forged_files(tmp_path, forge, word):
    file = tmp_path / "a.h5"
    write_recording(file, full())
    with h5py.File(file, "a") as opened:
        forge(opened)
    if word:
        refused(file, word)
    else:
        with contextlib.suppress(UnreadableFile):
            read(file)


def test_storage_outside_the_file(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(7 * 64 * 32 * 4))
    file = tmp_path / "a.h5"
    write_recording(file, full())
    with h5py.File(file, "a") as opened:
        del opened["frames"]
        opened.create_dataset("frames", (7, 64, 32), "f4", external=[(str(tmp_path / "secret"), 0, h5py.h5f.UNLIMITED)])
    refused(file, "outside")
    layout = h5py.VirtualLayout((7, 64, 32), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (7, 64, 32))
    with h5py.File(file, "a") as opened:
        del opened["frames"]
        opened.create_virtual_dataset("frames", layout)
    refused(file, "outside")


def test_a_deflate_bomb(tmp_path):
    file = tmp_path / "a.h5"
    write_recording(file, full())
    with h5py.File(file, "a") as opened:
        del opened["frames"]
        frames = opened.create_dataset("frames", (7, 64, 32), "f4", chunks=(7, 64, 32), compression=4)
        frames.id.write_direct_chunk((0, 0, 0), bytes(3 << 20))  # might unpack to 3 GiB
    refused(file, "larger packed than unpacked")


def test_another_hdf5_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = 1
    refused(tmp_path / "a.h5", "no recording of Matpose")


def test_truncated(tmp_path):
    write_recording(tmp_path / "a.h5", full())
    content = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(content[: len(content) // 2])
    refused(tmp_path / "a.h5", "cannot be read")


@settings(SAME_FOLDER, max_examples=150)
@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
    st.floats(0.05, 1),
)
def test_damaged_anywhere(tmp_path, damage, kept):
    file = tmp_path / "a.h5"
    if not (tmp_path / "sound.h5").exists():
        write_recording(tmp_path / "sound.h5", replace(bare(), subject="Ada", meta={"a": "b"}))
    content = bytearray((tmp_path / "sound.h5").read_bytes())
    for place, byte in damage:
        content[8 + int(place * (len(content) - 8))] = byte
    file.write_bytes(content[: max(9, int(kept * len(content)))] if kept < 0.5 else content)
    with contextlib.suppress(MatposeError):
        assert read(file).frames.ndim == 3
