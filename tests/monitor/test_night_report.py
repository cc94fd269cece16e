from __future__ import annotations

import re
import shutil
from datetime import UTC
from html.parser import HTMLParser

import pytest
from made_night import START_S, made_night

from matpose.errors import MatposeError
from matpose.monitor import pdf
from matpose.monitor.night_report import write_night_report
from matpose.monitor.night_sentences import lead
from matpose.monitor.night_summary import only_bed, summarise
from matpose.monitor.night_words import Clock
from matpose.monitor.store import Store

SUPINE = {"sacrum": 60.0, "head": 30.0}
LEFT = {"left_hip": 40.0, "head": 20.0}
HOUR = 3600.0
NIGHT = [
    ("supine", 3 * HOUR, SUPINE),
    ("left", HOUR, LEFT),
    ("gap", 1200.0, {}),
    ("left", 0.5 * HOUR, LEFT),
    ("empty", 600.0, {}),
    ("supine", HOUR, SUPINE),
]


def stored(script, *, unit="kPa", start_s=START_S) -> Store:
    store = Store(":memory:")
    for moment in made_night(script, unit=unit, step_s=4.0, start_s=start_s):
        store.add("a", moment)
    return store


def test_the_figures_of_a_night_are_those_of_its_script():
    with stored(NIGHT) as store:
        told = summarise(store, "a")
    at = {name: told[name] - START_S for name in ("from_s", "until_s")}
    assert at == {"from_s": 4.0, "until_s": 5.5 * HOUR + 1800}
    assert told["in_bed_s"] == pytest.approx(5.5 * HOUR, abs=12)
    assert told["watched_s"] == pytest.approx(told["until_s"] - told["from_s"] - 1204)
    assert told["postures_s"] == pytest.approx({"supine": 4 * HOUR, "left": 1.5 * HOUR, "empty": 600}, abs=12)
    assert [turn["posture"] for turn in told["turns"]] == ["left"]
    rows = [(row["seconds"], row["ended"], row["over_s"], row["unseen_s"]) for row in told["stretches"]]
    assert rows == [
        (pytest.approx(3 * HOUR, abs=8), "turned", pytest.approx(HOUR, abs=8), 0),
        (pytest.approx(1.5 * HOUR + 1200, abs=8), "left the bed", 0, pytest.approx(1204)),
        (pytest.approx(HOUR, abs=8), "end of the record", 0, 0),
    ]
    assert told["longest"] == told["stretches"][0]
    assert told["missed"] == 1
    assert [(row["back_s"] - row["out_s"]) for row in told["exits"]] == [600]
    dose = {row["part"]: row["mmhg_h"] for row in told["parts"] if row["mmhg_h"]}
    assert dose == pytest.approx({"sacrum": 240.0, "head": 150.0, "left_hip": 60.0})
    worst = told["loads"][0]
    assert worst["part"] == "sacrum"
    assert worst["mmhg_h"] == pytest.approx(180, rel=0.01)
    assert worst["mean_peak_mmhg"] == pytest.approx(60, rel=0.01)
    assert worst["until_s"] - worst["from_s"] == pytest.approx(3 * HOUR, abs=61)
    assert told["quality"]["confidence"] == pytest.approx(0.8)
    assert told["quality"]["gaps"] == [{"from_s": START_S + 4 * HOUR, "until_s": START_S + 4 * HOUR + 1204}]
    assert told["quality"]["flags"]["empty_bed"] == pytest.approx(600 / 4 / told["quality"]["frames"])


def test_a_restart_is_no_turn():
    """The monitor's clock of turns begins anew with the process; the page must not say that somebody was turned."""
    store = stored([("supine", 1.5 * HOUR, SUPINE)])
    store.flush()
    store._tallies.clear()  # a new process knows nothing
    for moment in made_night([("supine", HOUR, SUPINE)], start_s=START_S + 1.5 * HOUR + 300, step_s=4.0):
        store.add("a", moment)
    (stretch,) = summarise(store, "a")["stretches"]
    assert stretch["seconds"] == pytest.approx(2.5 * HOUR + 300, abs=8)
    assert stretch["over_s"] > 0
    assert stretch["unseen_s"] == pytest.approx(300, abs=8)
    store.close()


def test_times_choose_and_the_interval_can_be_another():
    with stored(NIGHT) as store:
        told = summarise(store, "a", since_s=START_S + HOUR, until_s=START_S + 2 * HOUR, turn_interval_h=0.5)
        assert told["postures_s"] == {"supine": pytest.approx(HOUR)}
        assert told["stretches"][0]["seconds"] == pytest.approx(HOUR)
        assert told["missed"] == 1
        assert {row["part"]: row["mmhg_h"] for row in told["parts"] if row["mmhg_h"]}["sacrum"] == pytest.approx(60)
        with pytest.raises(MatposeError, match="nothing was kept"):
            summarise(store, "a", since_s=START_S + 1e6)
        with pytest.raises(MatposeError, match=r"no bed 'b'.*one of a"):
            summarise(store, "b")


def test_of_weeks_the_last_day_is_shown():
    with stored([("supine", HOUR, SUPINE)]) as store:
        for moment in made_night(NIGHT, start_s=START_S + 10 * 86400, step_s=4.0):
            store.add("a", moment)
        told = summarise(store, "a")
        assert told["shortened"]
        assert told["from_s"] > START_S + 9 * 86400
        assert summarise(store, "a", since_s=START_S)["from_s"] == START_S + 4


def test_one_bed_of_several_must_be_named():
    with stored([("supine", 60.0, SUPINE)]) as store:
        assert only_bed(store, None) == "a"
        store.add("b", next(made_night([("left", 4.0, LEFT)])))
        with pytest.raises(MatposeError, match=r"2 beds.*--bed with one of a, b"):
            only_bed(store, None)
        assert only_bed(store, "b") == "b"


class Links(HTMLParser):
    """Whatever a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.found += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]


def page_of(tmp_path, script, clock=Clock(START_S, UTC, "this machine (UTC)"), **given) -> str:
    with stored(script, **given) as store:
        told = summarise(store, "a")
    return write_night_report(tmp_path / "night.html", told, clock, source="a test").read_text("utf-8")


def test_the_page_says_on_top_what_matters_and_fetches_nothing(tmp_path):
    page = page_of(tmp_path, NIGHT)
    top = re.search(r"<p class=lead>(.*?)</p>", page)
    assert top is not None
    assert top.group(1) == (
        "In bed for 5 h 30 min; turned once. The longest time without a turn was 3 h, from 22:13 to 01:13, which is "
        "1 h more than the 2-hour interval. Most pressure over time: sacrum (240 mmHg h), head (150 mmHg h) and left "
        "hip (60 mmHg h)."
    )
    links = Links()
    links.feed(page)
    assert links.found == []
    assert "script" not in links.tags
    assert "http" not in page
    assert "Research use, not a medical device" in page
    for words in ("missed by 1 h", "left bed", "For 20 min nothing came from the mat", "on the left", "not watched"):
        assert words in page


def test_the_interval_is_not_said_to_be_kept_where_nobody_watched(tmp_path):
    kept = [("supine", HOUR, SUPINE)]
    assert "interval was kept all night" in page_of(tmp_path, kept)
    page = page_of(tmp_path, [*kept, ("gap", 600.0, {}), ("supine", 600.0, SUPINE)])
    assert "interval was kept, as far as it was watched" in page
    assert "all night" not in page


def test_without_a_unit_postures_and_turns_are_told_and_how_to_have_a_dose(tmp_path):
    page = page_of(tmp_path, NIGHT, unit="raw")
    assert "--kpa-per-count" in page
    assert "--body-weight-kg" in page
    assert "mmHg h)" not in page.partition("<footer")[0].partition("How this was made")[0]
    assert "missed by 1 h" in page


def test_an_empty_bed_makes_a_page(tmp_path):
    page = page_of(tmp_path, [("empty", HOUR, {})])
    assert "In bed for 0 s; turned not once." in page
    assert "Nobody lay there" in page


def test_times_without_a_date_count_from_the_beginning(tmp_path):
    page = page_of(tmp_path, NIGHT, Clock(START_S))
    assert "from 0:00 h to 3:00 h" in page
    assert "<h1>Bed a</h1>" in page


def test_names_cannot_become_markup(tmp_path):
    with Store(":memory:") as store:
        for moment in made_night([("supine", 120.0, SUPINE)]):
            store.add("<script>alert(1)</script>", moment)
        told = summarise(store, "<script>alert(1)</script>")
    page = write_night_report(tmp_path / "a.html", told, Clock(START_S), source="<b>").read_text("utf-8")
    assert "<script>" not in page
    assert "<b>" not in page
    assert lead(told, Clock(START_S)).startswith("In bed for 2 min")


def test_a_pdf_needs_a_browser(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MatposeError, match=r"neither is installed.*apt install"):
        pdf.find_browser()


def test_a_browser_that_fails_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "find_browser", lambda: shutil.which("false"))
    with pytest.raises(MatposeError, match="made no PDF"):
        pdf.write_pdf(tmp_path / "a.html", tmp_path / "a.pdf")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="no Chromium here")
def test_the_page_prints(tmp_path):
    page_of(tmp_path, NIGHT)
    made = pdf.write_pdf(tmp_path / "night.html", tmp_path / "night.pdf").read_bytes()
    assert made.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", made)) <= 6
