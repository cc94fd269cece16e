"""Small sound files of every format, made here: where the fuzzers start."""

from __future__ import annotations

import io
from tempfile import TemporaryDirectory

import h5py
import numpy as np
from numpy.lib import format as npy_format
from PIL import Image

from matpose.mat import PRESETS, Mat
from matpose.readers import write_recording
from matpose.recording import POSTURES, Recording


def bare_recording() -> Recording:
    """Only what every recording has."""
    frames = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    return Recording(frames, Mat(4, 3, None, None), "raw", np.arange(2.0), np.zeros(2, np.uint16))


def full_recording() -> Recording:
    """All that a recording can know."""
    mat = PRESETS["pmatdata-i"].with_changes(rows=3, cols=2)
    return Recording(
        np.ones((7, 3, 2), np.float32), mat, "kPa", np.arange(7.0), np.arange(7, dtype=np.uint16),
        name="i/S1/7", subject="Zoë", source="a.txt", start_time="2024-05-01T22:00:00+02:00",
        posture=np.array([*POSTURES]), joints_m=np.ones((7, 14, 3), np.float32),
        joint_contact=np.ones((7, 14), bool), parts=np.ones((7, 3, 2), np.uint8),
        landmarks_m=np.ones((7, 12, 3), np.float32), person=np.arange(7, dtype=np.uint32),
        events=((1.5, "turn"), (2.25, "exit")), meta={"posture17": "7"},
    )  # fmt: skip


def _hdf5() -> list[bytes]:
    seeds = []
    with TemporaryDirectory() as folder:
        for recording in (bare_recording(), full_recording()):
            write_recording(f"{folder}/a.h5", recording)
            with open(f"{folder}/a.h5", "rb") as file:
                seeds.append(file.read())
    # the newest layout, whose blocks carry checksums; and no recording of ours
    for version, name in (("latest", "schema_version"), ("earliest", "x")):
        memory = io.BytesIO()
        with h5py.File(memory, "w", libver=version) as file:
            file.attrs[name] = 1
            file["frames"] = np.ones((1, 2, 2), "<f4")
        seeds.append(memory.getvalue())
    return seeds


def _npy() -> list[bytes]:
    seeds = []
    cells = np.arange(24).reshape(2, 4, 3)
    for array, version in (
        (cells.astype("<f4"), (1, 0)),
        (cells[0].astype("u1"), (2, 0)),
        (np.asfortranarray(cells.astype(">i2")), None),
        (cells.astype("f2"), None),
        (cells[0] > 5, None),
    ):
        memory = io.BytesIO()
        npy_format.write_array(memory, array, version, allow_pickle=False)
        seeds.append(memory.getvalue())
    return seeds


def _png() -> list[bytes]:
    seeds = []
    for dtype, options in (("u1", {}), ("u2", {}), ("u1", {"transparency": 0, "dpi": (72, 72)}), ("?", {})):
        memory = io.BytesIO()
        Image.fromarray(np.arange(20).reshape(5, 4).astype(dtype)).save(memory, "PNG", **options)
        seeds.append(memory.getvalue())
    return seeds


def _tekscan() -> list[bytes]:
    header = (
        b"DATA_TYPE MOVIE\r\nVERSION 6.10\r\nFILENAME C:\\a.fsx\r\nSENSOR_TYPE 5315\r\nROWS 2\r\nCOLS 3\r\n"
        b"ROW_SPACING 5.08 mm\r\nCOL_SPACING 0.508 centimeters\r\nSENSEL_AREA 0.258064 cm2\r\nNOISE_THRESHOLD 3\r\n"
        b"SECONDS_PER_FRAME 0.1\r\nTIME Thursday, 16 February 2017 11:26:22 a.m.\r\nSATURATION_PRESSURE 345 KPa\r\n"
        b"CALIBRATION_POINT_1 65 kg\r\nSENSITIVITY S-10\r\nCOMMENTS: two lines\r\nof it\r\nSTART_FRAME 1\r\n"
        b"END_FRAME 2\r\nUNITS KPa\r\nMIRROR_ROW 0\r\nMIRROR_COL 0\r\nASCII_DATA @@\r\n\r\n"
    )
    plain = b"Frame 1\r\n1,2,B\r\n3,4.5,6\r\n\r\nFrame 2\r\n0,0,B\r\n1,2,3\r\n\r\n@@\r\n"
    timed = b"Frame 1, 0.1,, 10:00:00.5,,,Raw Sum=,,6\n1,2,3\n\nFrame 2, 0.2,, 10:00:00.6,,,Raw Sum=,,6\n1,B,3\n\n@@\n"
    return [header + plain, b"ROWS 1\nCOLS 3\nUNITS raw\nASCII_DATA @@\n\n" + timed]


def _xsensor() -> list[bytes]:
    head = "\ufeffFile:,a.xsn,,\r\nUnits:,mmHg,,\r\nThreshold:,5.00,,\r\n,,,\r\n"
    block = (
        "FRAME,{n},,\r\nDate,16/02/2017,,\r\nTime,11:26:2{n}.5 AM,,\r\n,,,\r\n"
        "SENSOR,{sensor},,\r\nRows,2,,\r\nColumns,3,,\r\n"
        "Sensel Width (cm),1.27,,\r\nSensel Height (cm),1.27,,\r\nPeak Pressure (mmHg),9.5,,\r\nSENSELS,,,\r\n"
        "1,2.5,3,\r\n4,,6,\r\n,,,\r\n"
    )
    frames = [block.format(n=n, sensor=sensor) for n in (1, 2) for sensor in ("PX100-S1", "PX100-S2")]
    spelled = head + frames[0] + frames[2]
    european = '"Units:";"mmHg"\n' + "".join(
        f'"Frame:";"{n}"\n"Date:";"17.06.23"\n"Time:";"15.21.0{n}"\n"Sensor:";"A"\n"Rows:";"2"\n"Columns:";"2"\n'
        '"Sensel Width (cm):";"1,27"\n"Sensel Height (cm):";"1,27"\n"Sensels:"\n"1,5";"2"\n"3";"4"\n'
        for n in (1, 2)
    )
    return [spelled.encode(), european.encode(), (head + "".join(frames)).encode("utf-16")]


def _pliance() -> list[bytes]:
    head = (
        "file name:\ta.pco\tdate/time 17.06.23 15:21:00\n\npliance expert\nmat type:\tS2001\nscanning rate[Hz]:\t50\n"
        "pressure values in {unit}\n\ntime[secs]\t{ids}\n"
    )
    table = "0.02\t1.5\t2\t3\t4\n0.04\t5\t6\t7\t8\n0.06\t0\t0\t0\t0\n\nMPP\t5\t6\t7\t8\n\n"
    force = "time[secs]\tforce[N]\tx[cm]\ty[cm]\n0.02\t1\t1\t1\n\n"
    corners = [("sensor\t" + "\t".join(map(str, range(1, 5)))), "corner[cm]"]
    for axis, low in (("x", (0, 1, 0, 1)), ("y", (0, 0, 1, 1))):
        for corner in range(4):
            far = corner in ((1, 2) if axis == "x" else (2, 3))
            corners.append(f"{axis}[{corner}]\t" + "\t".join(f"{side + far}.00" for side in low))
    whole = head.format(unit="kPa", ids="1\t2\t3\t4") + table + force + "\n".join(corners) + "\n"
    return [whole.encode(), (head.format(unit="N/cm²", ids="1 2") + "0,02 1,5 2\n0,04 5 6\n").encode("latin-1")]


def _tactilus() -> list[bytes]:
    frame = "FRAME      {n}(mmHg)\n8/16/2022 8:21:1{n}.982 PM\n   1   2  30\n   4   5   6\n\n"
    return ["".join(frame.format(n=n) for n in (1, 2, 3)).encode(), b"made by hand\nFRAME 1(kPa)\n1 2\n3 4\n"]


SEEDS: dict[str, list[bytes]] = {
    "hdf5": _hdf5(),
    "npy": _npy(),
    "png": _png(),
    "pmatdata": [(b"7\t" * 2048 + b"\r\n") * 2, (b"0\t" * 2047 + b"1000\t\r\n") * 3],
    "tekscan": _tekscan(),
    "xsensor": _xsensor(),
    "pliance": _pliance(),
    "tactilus": _tactilus(),
    "text": [
        b"1 2 3\n4 5 6\n",
        b"  1   2  3\r\n 40  5  6",
        b"1\t2\t3\t\r\n4\t5\t6\t\r\n",
        b"1, 2, 3\r4, 5, 6\r",
        b"1;2,5;3\n4;;6,25\n",
        b"1,5 2,5 3\n4 5 6,25\n",
        b'a,b,c\n"1,5","2","3"\n"4","","6"\n',
        b"-1.5e2 +2 .5\n1. 0 1E-2\n",
        b"1 NaN 3\nB - nan\n",
        b"\xef\xbb\xbf# pressure of 2 cells\n1,2\n3,4\n",
        "a;b\n1;2\n3;4\n".encode("utf-16"),
        b"\n1 2\n3 4\n\n\n5 6\n7 8\n \n9 9\n",
    ],
}
