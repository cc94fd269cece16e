from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from matpose.monitor.body_figure import HEIGHT, NO_LOAD, WIDTH, body_figure, dose_rgb, part_words, scale_top
from matpose.recording import PART_NAMES

DOSES = {name: 10.0 * code for code, name in enumerate(PART_NAMES[1:], start=1)}


def views(doses) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", body_figure(doses))]


def shown(view) -> dict[str, tuple[str, str, float]]:
    """Part to (fill, number, where the number stands)."""
    found = {}
    for group in view.iter("g"):
        title, path, text = group.find("title"), group.find("path"), group.find("text")
        found[title.text.split(":")[0].lower()] = (path.get("fill"), text.text, float(text.get("x")))
    return found


def test_all_parts_are_drawn_with_their_numbers_in_both_views_together():
    front, back = map(shown, views(DOSES))
    for name, dose in DOSES.items():
        both = [view[part_words(name)] for view in (front, back) if part_words(name) in view]
        assert both, name
        assert {number for _, number, _ in both} == {f"{dose:.0f}"}
    assert "chest and belly" in front
    assert "chest and belly" not in back
    assert "sacrum" in back
    assert "sacrum" not in front


def test_left_is_the_persons_own():
    front, back = map(shown, views(DOSES))
    assert front["left hip"][2] > WIDTH / 2 > front["right hip"][2]  # who looks at us has it at our right
    assert back["left hip"][2] < WIDTH / 2 < back["right hip"][2]
    for view, order in zip(views(DOSES), (["right", "left"], ["left", "right"]), strict=True):
        assert [text.text for text in view.iter("text") if text.get("class") == "side"] == order


def test_everything_lies_within_the_picture():
    for view in views(DOSES):
        for path in view.iter("path"):
            places = np.array([float(n) for n in re.findall(r"-?[\d.]+", path.get("d") or "")]).reshape(-1, 2)
            assert (places >= 0).all()
            assert (places <= (WIDTH, HEIGHT)).all()


def test_darker_is_more_for_all_eyes():
    rgb = np.array([dose_rgb(dose, 100.0) for dose in np.linspace(0, 100, 101)])
    lightness = rgb @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) < 0).all()
    assert dose_rgb(1e9, 100.0) == dose_rgb(100.0, 100.0)


def test_what_bore_nothing_is_grey_and_the_three_highest_are_outlined():
    page = body_figure({"sacrum": 90.0, "head": 30.0, "left_hip": 60.0, "right_hip": 10.0})
    assert shown(views({"sacrum": 90.0})[1])["head"][:2] == (NO_LOAD, "0")
    outlined = re.findall(r'<title>([^:]*): [^<]*</title><path [^>]*stroke-width="2.4"', page)
    assert set(outlined) == {"Sacrum", "Head", "Left hip"}
    assert 'stroke-width="2.4"' not in body_figure({})
    assert "http" not in page


@pytest.mark.parametrize(("highest", "top"), [(0, 1), (0.3, 0.3), (7, 8), (101, 150), (464, 500), (1000, 1000)])
def test_the_scale_ends_at_a_round_number(highest, top):
    assert scale_top(highest) == pytest.approx(top)
