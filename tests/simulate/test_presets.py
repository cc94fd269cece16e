"""PmatData's seventeen postures, simulated: one person after another, each on the side that the data set says."""

from __future__ import annotations

from matpose.datasets.pmatdata import POSTURE_I
from matpose.mat import preset
from matpose.simulate.postures import STYLES
from matpose.simulate.presets import PMATDATA, draw_pmatdata


def test_every_posture_lies_as_the_data_set_says():
    assert {number: STYLES[style] for number, (style, _) in PMATDATA.items()} == POSTURE_I


def test_seventeen_in_turn_are_one_person():
    mat = preset("pmatdata-i")
    first, last, next_one = (draw_pmatdata(index, seed=0, mat=mat) for index in (0, 16, 17))
    assert [sample.facts["posture17"] for sample in (first, last, next_one)] == ["1", "17", "1"]
    assert first.facts["stature_m"] == last.facts["stature_m"] != next_one.facts["stature_m"]
    assert (first.facts["raised_deg"], last.facts["raised_deg"]) == ("0", "60")
