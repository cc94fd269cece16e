import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matpose.monitor.posture_track import PostureTrack


def run(track: PostureTrack, *stretches: tuple[dict[str, float], float], from_s: float = 0.0, step_s: float = 1.0):
    """Show what is seen for so many seconds each; the changes as (when it was said, posture, since when)."""
    changes, now_s = [], from_s
    for chances, lasts_s in stretches:
        for _ in range(round(lasts_s / step_s)):
            if track.update(chances, now_s, step_s if now_s > from_s else 0.0):
                changes.append((round(now_s, 6), track.posture, round(track.since_s or 0.0, 6)))
            now_s += step_s
    return changes


LEFT, RIGHT, SUPINE = {"left": 1.0}, {"right": 1.0}, {"supine": 1.0}


def test_a_posture_counts_after_it_has_lasted_and_is_dated_back():
    track = PostureTrack(10)
    changes = run(track, (LEFT, 100), (SUPINE, 50))
    assert changes == [(10, "left", 0), (110, "supine", 100)]
    assert track.seconds["left"] == 100
    assert track.seconds["supine"] == 49  # the last frame's own second has not passed


@pytest.mark.parametrize("lasts_s", [1, 5, 9])
def test_what_is_shorter_leaves_no_trace(lasts_s):
    track = PostureTrack(10)
    changes = run(track, (LEFT, 60), (SUPINE, lasts_s), (LEFT, 60))
    assert [posture for _, posture, _ in changes] == ["left"]
    assert track.seconds["supine"] == 0
    assert track.seconds["left"] == 119 + lasts_s


def test_noise_on_the_way_delays_a_turn_and_does_not_misdate_it():
    noisy = [(LEFT, 100), ({"prone": 1.0}, 3), (SUPINE, 2), (RIGHT, 2), (SUPINE, 40)]
    changes = run(PostureTrack(10), *noisy)
    assert changes[-1][1:] == ("supine", 100)
    assert changes[-1][0] <= 120


def test_flicker_back_takes_evidence_away():
    flicker = [(LEFT, 60)] + [(SUPINE, 2), (LEFT, 3)] * 40
    assert len(run(PostureTrack(10), *flicker)) == 1


def test_doubt_counts_by_its_margin():
    changes = run(PostureTrack(10), (LEFT, 60), ({"supine": 0.75, "left": 0.25}, 60))
    assert changes[-1] == (80, "supine", 60)


def test_one_posture_s_doubt_does_not_weigh_on_another():
    doubt = {"right": 0.4, "left": 0.35, "prone": 0.25}
    assert run(PostureTrack(10), (LEFT, 60), (doubt, 100), ({"prone": 1.0}, 30))[-1][:2] == (170, "prone")


def test_no_settling_time_follows_at_the_next_frame():
    assert run(PostureTrack(0), (LEFT, 5), (SUPINE, 5))[-1] == (6, "supine", 5)


@pytest.mark.parametrize("step_s", [0.04, 0.5, 1.0, 2.0])
def test_the_rate_of_frames_does_not_matter(step_s):
    changes = run(PostureTrack(10), (LEFT, 40), (SUPINE, 40), step_s=step_s)
    (said_s, posture, since_s) = changes[-1]
    assert (posture, since_s) == ("supine", 40)
    assert said_s == pytest.approx(50, abs=step_s + 1e-6)


def test_slow_frames_count_their_whole_distance():
    assert run(PostureTrack(10), (LEFT, 600), (SUPINE, 600), step_s=120)[-1] == (720, "supine", 600)


def test_seconds_that_nobody_saw_settle_nothing():
    track = PostureTrack(10)
    run(track, (LEFT, 30))
    for number in range(20):
        assert not track.update(SUPINE, 1000.0 + 100 * number, 0.0)
    assert track.posture == "left"


def test_what_was_lost_settles_anew():
    track = PostureTrack(10)
    run(track, (LEFT, 30))
    assert track.lose(29.0)
    assert (track.posture, track.since_s) == ("unknown", 29.0)
    assert not track.lose(29.0)
    changes = run(track, (LEFT, 30), from_s=500.0)
    assert changes == [(510, "left", 500)]


def test_undecided_while_something_speaks_against():
    track = PostureTrack(10)
    run(track, (LEFT, 30))
    assert not track.undecided
    run(track, (SUPINE, 1), from_s=30.0)
    assert track.undecided
    run(track, (SUPINE, 20), from_s=31.0)
    assert not track.undecided


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["left", "right", "empty", "unknown"]), st.floats(0.5, 1.0), st.floats(0.0, 40.0)),
        max_size=40,
    )
)
def test_every_second_is_counted_once(stretches):
    track, now_s, passed_s, since_s = PostureTrack(10), 0.0, 0.0, 0.0
    for posture, chance, seconds in stretches:
        now_s += seconds
        passed_s += seconds
        track.update({posture: chance}, now_s, seconds)
        assert track.since_s is not None
        assert since_s <= track.since_s <= now_s
        since_s = track.since_s
        assert sum(track.seconds.values()) <= passed_s + 1e-6
    track.lose(now_s)
    assert sum(track.seconds.values()) == pytest.approx(passed_s)
