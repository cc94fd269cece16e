"""Small exports in the makers' grammars, made here, with known answers."""

from __future__ import annotations

TEKSCAN = """DATA_TYPE MOVIE
VERSION Tekscan Pressure Measurement System 6.33
SENSOR_TYPE 5400
ROWS 3
COLS 4
ROW_SPACING 0.127 centimeters
COL_SPACING 5.08 mm
NOISE_THRESHOLD 3
SECONDS_PER_FRAME 0.5
TIME Thursday, 16 February 2017 11:26:22 a.m.
SATURATION_PRESSURE 20 mmHg
COMMENTS:
ROWS of chairs
ROWS 99
START_FRAME 1
END_FRAME 2
UNITS mmHg
MIRROR_ROW 0
MIRROR_COL 0
ASCII_DATA @@

Frame 1
B,0,0,B
1,2,3,4
5,6,7.5,8

Frame 3
B,0,0,B
9,8,7,6
5,4,3,20

@@
"""

XSENSOR = """\ufeffFile:,"C:\\a, b.xsn",,,
,,,,
Units:,mmHg,,,
,,,,
Threshold:,5.5,,,
"""


def xsensor_block(name: str, rows: list[str]) -> str:
    cells = "".join(f"{row},,\n,,,,\n" for row in rows)
    return (
        f"SENSOR,{name},,,\nRows,{len(rows)},,,\nColumns,3,,,\nSensel Width (cm),1.27,,,\nSensel Height (cm),2.5,,,\n"
        f"Average Pressure (mmHg),5,,,\n,,,,\nSENSELS,,,,\n,,,,\n{cells},,,,\n"
    )


def xsensor_frame(number: int, when: str, *blocks: str) -> str:
    group = "GROUP,1,,,\nName,heel,,,\nCells,2,,,\nSENSELS,,,,\n77,78,,,\n"
    return f"FRAME,{number},,,\n,,,,\nDate, 2022 Aug 16,,,\nTime, {when},,,\n{''.join(blocks)}{group}"


def xsensor() -> str:
    """Two sensors over three frames around midnight; the right one is missing from the second frame."""
    left, right = xsensor_block("mat LF", ["1,2,3", "4,,6"]), xsensor_block("mat RF", ["7,8,9", "10,11,12.5"])
    return (
        XSENSOR
        + xsensor_frame(7, "23:59:59.500", left, right)
        + xsensor_frame(8, "23:59:59.750", left)
        + xsensor_frame(9, "23:59:59.900", left, right)
    )


XSENSOR_PRO = """File:,a.xsn
Units:,N/cm2
Threshold:,0.1
Frame:,1
Date:,2021-03-01
Time:,21:43:52.0
Sensor:,PX100:48.48.02
Rows:,2
Columns:,2
Sensel Width (cm):,1.27
Sensel Height (cm):,1.27
COP Row:,1.5
Peak Pressure (N/cm2):,4
Sensels:
1,2
3,4
Frame:,2
Date:,2021-03-01
Time:,21:43:52.5
Sensor:,PX100:48.48.02
Rows:,2
Columns:,2
Sensel Width (cm):,1.27
Sensel Height (cm):,1.27
Sensels:
5,6
7,8
"""


def pliance(ids: str = "1 2 3 5", corners: str | None = None) -> str:
    """Four sensors of a grid of 2 x 3 cells, 2 cm wide and 3 cm long; numbers 1 to 3 above, 5 below 2."""
    if corners is None:
        corners = (
            "x[0] 0.0 2.0 4.0 2.0\ny[0] 6.0 6.0 6.0 3.0\nx[1] 0.0 2.0 4.0 2.0\ny[1] 3.0 3.0 3.0 0.0\n"
            "x[2] 2.0 4.0 6.0 4.0\ny[2] 3.0 3.0 3.0 0.0\nx[3] 2.0 4.0 6.0 4.0\ny[3] 6.0 6.0 6.0 3.0\n"
            "x[c] 1.0 3.0 5.0 3.0\ny[c] 4.5 4.5 4.5 1.5\narea 6 6 6 6\n"
        )
    return (
        "file name: a.mat date/time 17.06.23 15.21\nmat type s2160_001\n"
        "total times [secs]: 0.3 time per frame [secs]: 0.1 scanning rate [Hz]: 10\npressure values in kPa\n\n\n"
        f"electrical:\ntime[secs] {ids}\n"
        "  0.10000   1.000   2.000   3.000   5.000\n"
        "  0.20000   1.500   2.500   3.500   5.500\n"
        "      MPP   1.500   2.500   3.500   5.500\n      MVP   1.250   2.250   3.250   5.250\n\n\n"
        " time[secs] force[N]   x[cm]   y[cm]\n\n    0.10000    0.000       -       -\n\n\n"
        f"sensor 1 2 3 5\ncorner[cm]\n{corners}"
    )


TACTILUS = """FRAME      1(mmHg)
2019/03/05 10:11:12.500
   0   1   2
  10  20  30

FRAME      2(mmHg)
2019/03/05 10:11:13.000
   3   4   5
 100 200 300
"""
