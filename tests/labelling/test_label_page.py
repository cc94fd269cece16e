"""The page in a real browser: clicks, drags and keys end in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from chromium import CHROMIUM, Page, chromium
from made_maps import MAT, session

from matpose.labelling.marks import Mark, read_marks
from matpose.labelling.server import LabelServer
from matpose.labelling.session import MARGIN_M

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(browser, tmp_path) -> Iterator[Page]:
    with LabelServer(session(tmp_path)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with browser.tab():
                browser.open(server.url)
                browser.until("document.getElementById('progress').textContent")
                yield browser
                assert browser.problems == []
        finally:
            server.shutdown()
            thread.join()


def _px(page: Page, x_m: float, y_m: float) -> tuple[float, float]:
    left, top, width, height = page.value(
        "(b => [b.x, b.y, b.width, b.height])(document.getElementById('map').getBoundingClientRect())"
    )
    scale = min(width / (MAT.width_m + 2 * MARGIN_M), height / (MAT.height_m + 2 * MARGIN_M))
    return left + width / 2 + (x_m - MAT.width_m / 2) * scale, top + height / 2 + (y_m - MAT.height_m / 2) * scale


def _saved(page: Page, folder: Path) -> dict[str, Mark]:
    page.until("document.getElementById('saved').textContent === 'saved'")
    return {mark.name: mark for mark in read_marks(folder / "m.csv")}


def _current(page: Page) -> str | None:
    return page.value("document.querySelector('[aria-current=true]')?.id.replace('point-', '')")


def test_clicks_place_one_joint_after_the_other(page, tmp_path):
    assert _current(page) == "head_top"
    page.click(*_px(page, 0.30, 0.10))
    assert _current(page) == "thorax"
    page.click(*_px(page, 0.60, 0.35))  # where nothing presses
    assert _current(page) == "right_shoulder"
    found = _saved(page, tmp_path)
    assert found["head_top"].xy_m == pytest.approx((0.30, 0.10), abs=0.002)
    assert found["thorax"].xy_m == pytest.approx((0.60, 0.35), abs=0.002)
    assert [found[name].visibility for name in ("head_top", "thorax")] == [2, 1]
    assert "2 of 14 joints" in page.text("#progress")


def test_keys_judge_nudge_and_remove_the_point_just_placed(page, tmp_path):
    page.click(*_px(page, 0.30, 0.10))
    page.key("0")
    page.key("ArrowRight", shift=True)
    found = _saved(page, tmp_path)["head_top"]
    assert found.visibility == 0
    assert found.xy_m == pytest.approx((0.305, 0.10), abs=0.002)
    page.key("Delete")
    page.until("document.getElementById('saved').textContent === 'saved'")
    assert _current(page) == "head_top"
    assert _saved(page, tmp_path) == {}


def test_a_point_is_dragged_and_the_next_stays_selected(page, tmp_path):
    page.click(*_px(page, 0.30, 0.10))
    page.drag(_px(page, 0.30, 0.10), _px(page, 0.50, 0.60))
    assert _current(page) == "thorax"
    assert _saved(page, tmp_path)["head_top"].xy_m == pytest.approx((0.50, 0.60), abs=0.002)


def test_a_joint_goes_upon_another_and_nothing_is_placed_beyond_the_margin(page, tmp_path):
    page.click(*_px(page, 0.30, 0.10))
    page.click(*_px(page, 0.30, 0.10))
    assert set(_saved(page, tmp_path)) == {"head_top", "thorax"}
    page.click(*_px(page, MAT.width_m + 0.2, 0.5))
    assert _current(page) == "right_shoulder"


def test_a_click_hits_the_same_place_when_zoomed(page, tmp_path):
    centre = _px(page, MAT.width_m / 2, MAT.height_m / 2)
    page.value("document.getElementById('in').click()")
    page.click(centre[0] + 60, centre[1])
    plain = _px(page, 0.0, 0.0)
    scale = (centre[0] - plain[0]) / (MAT.width_m / 2) * 1.5
    assert _saved(page, tmp_path)["head_top"].xy_m == pytest.approx(
        (MAT.width_m / 2 + 60 / scale, MAT.height_m / 2), abs=0.002
    )


def test_the_wheel_zooms_about_the_place_under_it(page, tmp_path):
    at = _px(page, 0.30, 0.40)
    page.call("Input.dispatchMouseEvent", type="mouseWheel", x=at[0], y=at[1], deltaX=0, deltaY=-300)
    page.click(*at)
    assert _saved(page, tmp_path)["head_top"].xy_m == pytest.approx((0.30, 0.40), abs=0.002)
    page.drag((at[0] + 60, at[1]), (at[0] + 100, at[1]))  # off the point: the map goes with the pointer
    page.click(at[0] + 40, at[1] + 30)
    found = _saved(page, tmp_path)["thorax"].xy_m
    assert found[0] == pytest.approx(0.30, abs=0.002)
    assert found[1] > 0.40


def test_arrows_leaf_and_marks_stay_with_their_map(page, tmp_path):
    page.click(*_px(page, 0.30, 0.10))
    page.key("ArrowRight")
    page.until("document.getElementById('title').textContent.startsWith('i/S3/15')")
    assert "0 of 14 joints" in page.text("#progress")
    assert _current(page) == "head_top"
    page.key("ArrowLeft")
    page.until("document.getElementById('title').textContent.startsWith('i/S3/14')")
    assert "1 of 14 joints" in page.text("#progress")
    assert _current(page) == "thorax"
    assert _saved(page, tmp_path)["head_top"].recording == "i/S3/14"


def test_the_ruler_measures_and_warns(page, tmp_path):
    page.click(*_px(page, 0.40, 0.10))
    page.click(*_px(page, 0.40, 0.30))
    assert "head\t20" in page.text("#bones")
    assert page.value("document.querySelectorAll('.impossible').length") == 0
    page.drag(_px(page, 0.40, 0.10), _px(page, 0.40, 0.80))
    assert "head\t50 > 32" in page.text("#bones")
    _saved(page, tmp_path)


def test_a_page_with_unsaved_marks_asks_before_it_is_left(page, tmp_path):
    path = tmp_path / "m.csv"
    kept = path.read_bytes()
    path.write_text("notes\n")
    page.click(*_px(page, 0.30, 0.10))
    page.until("document.getElementById('saved').textContent.startsWith('not saved')")
    with pytest.raises(RuntimeError, match="beforeunload"):
        page.call("Page.navigate", url="about:blank")
    page.call("Page.handleJavaScriptDialog", accept=False)
    path.write_bytes(kept)
    assert set(_saved(page, tmp_path)) == {"head_top"}
    page.problems.clear()


def test_a_file_in_trouble_is_said_and_saved_later(page, tmp_path):
    path = tmp_path / "m.csv"
    kept = path.read_bytes()
    path.write_text("notes\n")
    page.click(*_px(page, 0.30, 0.10))
    page.until("document.getElementById('saved').textContent.startsWith('not saved')")
    page.click(*_px(page, 0.30, 0.30))
    path.write_bytes(kept)
    assert set(_saved(page, tmp_path)) == {"head_top", "thorax"}
    page.problems.clear()  # the browser notes the refusals


def test_colours_show_pressure_and_toggles_change_them(page):
    def colour(x_m: float, y_m: float) -> list[int]:
        x, y = _px(page, x_m, y_m)
        return page.value(
            f"""(() => {{ const c = document.getElementById('map'), b = c.getBoundingClientRect();
            return [...c.getContext('2d').getImageData({x} - b.x, {y} - b.y, 1, 1).data] }})()"""
        )[:3]

    beside, nobody, loaded = colour(-0.05, 0.5), colour(0.7, 0.5), colour(0.2, 0.5)
    assert sum(nobody) < sum(beside) < sum(loaded)
    missing = colour(31.5 * 0.0278, 63.5 * 0.0278)
    assert missing == [96, 104, 112]
    page.value("document.getElementById('smooth').click(); document.getElementById('root').click()")
    assert colour(0.2, 0.5) == loaded
    assert colour(0.7, 0.5) == nobody


def test_a_phone_has_room_for_all_of_it(page):
    page.open(page.value("location.origin + location.pathname"), 360, 740, phone=True)
    page.until("document.getElementById('progress').textContent")
    assert page.value("document.documentElement.scrollWidth") <= 360
    assert page.value("document.getElementById('map').clientHeight") > 400
