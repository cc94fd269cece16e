"""A file is the old one or the new one, never half of either."""

from __future__ import annotations

from pathlib import Path

import pytest

from matpose.atomic import atomic_path
from matpose.errors import MatposeError


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        _write_half(temporary)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _write_half(path: Path) -> None:
    path.write_text("half")
    raise ZeroDivisionError


def test_the_old_file_stands_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == ".txt"
    assert path.read_text() == "new"


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "result.txt"
    with atomic_path(path) as first, atomic_path(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the last to end wins, whole


def test_a_folder_in_the_files_place_is_a_user_error(tmp_path):
    (tmp_path / "result.txt").mkdir()
    with (
        pytest.raises(MatposeError, match="cannot be written"),
        atomic_path(tmp_path / "result.txt") as temporary,
    ):
        temporary.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["result.txt"]


def test_a_full_disk_is_a_user_error(tmp_path):
    with pytest.raises(MatposeError, match="No space left"), atomic_path(tmp_path / "result.txt"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
