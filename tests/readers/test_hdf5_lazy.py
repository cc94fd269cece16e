"""A recording whose frames stay on the disk: the same as read whole, and as distrustful."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from matpose.errors import UnreadableFile
from matpose.readers import read, write_recording
from matpose.readers.hdf5_lazy import FramesOnDisk, opened
from matpose.simulate.blobs import blob_recording


@pytest.fixture
def night(tmp_path):
    path = tmp_path / "night.h5"
    write_recording(path, blob_recording(3, frames=300))
    return path


def test_what_is_sliced_is_what_is_read_whole(night):
    whole = read(night)
    with opened(night) as lazy:
        assert isinstance(lazy.frames, FramesOnDisk)
        assert (len(lazy), lazy.mat, lazy.unit, lazy.name) == (300, whole.mat, whole.unit, whole.name)
        part = lazy.select(slice(130, 171))
        assert isinstance(part.frames, np.ndarray)
        for name in ("frames", "time_s", "flags"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[130:171])
        assert lazy.joints_m is None  # labels are not loaded
        assert whole.joints_m is not None


def dataset(file: h5py.File, name: str) -> h5py.Dataset:
    found = file[name]
    assert isinstance(found, h5py.Dataset)
    return found


@pytest.mark.parametrize("spoil", ["version", "shape", "type", "absent", "link", "value", "time"])
def test_a_forged_file_is_refused_like_when_read_whole(night, spoil):
    with h5py.File(night, "r+") as file:
        frames = dataset(file, "frames")[()]
        if spoil == "version":
            file.attrs["schema_version"] = 99
        elif spoil == "value":
            dataset(file, "frames")[7, 3, 3] = 1e9
        elif spoil == "time":
            dataset(file, "time_s")[7] = -5.0
        else:
            del file["frames"]
            if spoil == "shape":
                file["frames"] = frames[:, :5]
            elif spoil == "type":
                file["frames"] = frames.astype("f8")
            elif spoil == "link":
                file["frames"] = h5py.ExternalLink("/etc/hostname", "frames")
    with pytest.raises(UnreadableFile):
        read(night)
    with pytest.raises(UnreadableFile), opened(night):
        pass


def test_a_file_cut_short_and_one_of_another_kind_are_told(night, tmp_path):
    night.write_bytes(night.read_bytes()[:-4000])
    with pytest.raises(UnreadableFile, match=r"night\.h5"), opened(night):
        pass
    with pytest.raises(UnreadableFile, match="cannot be read"), opened(tmp_path / "absent.h5"):
        pass


def test_damage_in_the_midst_is_told_with_the_file(night):
    with h5py.File(night, "r") as file:
        chunk = dataset(file, "frames").id.get_chunk_info(3)
    with night.open("rb+") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)
    with pytest.raises(UnreadableFile, match=r"night\.h5"), opened(night):
        pass
