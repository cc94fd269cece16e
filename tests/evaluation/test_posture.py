"""The protocols: who trains, who is tested, what an encoder may know, and that nothing leaks between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matpose.canvas import Canvas
from matpose.errors import MatposeError
from matpose.evaluation.posture import leave_one_subject_out, train_and_test
from matpose.evaluation.posture_frames import LabelledFrames
from matpose.evaluation.posture_rows import Row, Seen, standard_rows
from matpose.mat import preset

K = 8
PEOPLE = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def frames() -> LabelledFrames:
    """Four people in three postures, five frames each: a blot's place is the posture, its peak the person."""
    rng = np.random.default_rng(0)
    canvases, label, subject, recording = [], [], [], []
    for person, name in enumerate(PEOPLE):
        for posture in range(3):
            for _ in range(5):
                canvas = 0.1 * rng.random((16, 8))
                canvas[4 + 4 * posture - 1 : 4 + 4 * posture + 2, 2:6] += 1 + person
                canvases.append(np.kron(canvas, np.ones((2, 2))))
                label.append(posture)
                subject.append(name)
                recording.append(f"{name}/{posture}")
    return LabelledFrames(
        np.array(canvases, np.float32), np.array(label), ("supine", "left", "right"),
        np.array(subject), np.array(recording), np.arange(60) % 5 < 2,
    )  # fmt: skip


def encode(canvases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """K points spread about the centre of pressure, and their share of the load."""
    y = np.linspace(-1, 1, canvases.shape[1])
    centre = (canvases.sum(2) * y).sum(1) / canvases.sum((1, 2))
    xy = np.stack([np.tile(np.linspace(-1, 1, K), (len(y := centre), 1)), y[:, None] + 0.1 * np.arange(K)], -1)
    return xy, np.repeat(canvases.max((1, 2))[:, None, None], K, 1)


def fixed(held_out: frozenset[str]):
    return encode, False


def spy(seen: list) -> Row:
    """A primary row that notes what it was given, and always answers class 0."""

    def fit(train: Seen, label: np.ndarray, classes: int, seed: int):
        def answer(test: Seen) -> np.ndarray:
            seen.append((train, label, test, seed))
            return np.tile(np.eye(classes)[0], (len(test.xy), 1))

        return answer

    return Row("spy", fit, primary=True, seeded=True)


def persons_of(canvases: np.ndarray) -> set[str]:
    return {PEOPLE[round(float(peak)) - 1] for peak in canvases.max((1, 2)) - 0.05}


def test_each_person_is_tested_whole_by_fit_frames_of_all_the_others(frames):
    seen: list = []
    table = leave_one_subject_out(frames, fixed, [frozenset("ab"), frozenset("cd")], seeds=[7, 8], rows=[spy(seen)])
    assert [seed for *_, seed in seen] == [7, 8] * 4
    for (train, label, test, _), held_out in zip(seen[::2], PEOPLE, strict=True):
        assert persons_of(test.canvases) == {held_out}
        assert persons_of(train.canvases) == set(PEOPLE) - {held_out}
        assert (len(test.canvases), len(train.canvases)) == (15, 3 * 3 * 2)
        places = train.canvases[:, [8, 16, 24]].sum(2).argmax(1)
        np.testing.assert_array_equal(label, places)  # labels still belong to their frames
    (row,) = table["rows"]
    assert (row["n_frames"], row["n_recordings"], row["n_subjects"]) == (60, 12, 4)
    assert row["accuracy"] == pytest.approx(1 / 3) == row["balanced_accuracy"]
    assert row["wrong_recordings"] == [f"{person}/{posture}" for person in PEOPLE for posture in (1, 2)]
    assert table["confusion"] == [[40, 0, 0]] * 3
    assert row.keys() >= {"name", "primary", "accuracy_recordings", "ci95", "encoder_saw_test_subjects"}


def test_a_strict_encoder_is_asked_for_once_a_group_and_shown_only_what_is_needed(frames):
    asked, shown = [], []

    def encoder_for(held_out: frozenset[str]):
        asked.append(held_out)

        def noted(canvases: np.ndarray):
            shown.append(len(canvases))
            return encode(canvases)

        return noted, False

    groups = [frozenset("ab"), frozenset("c")]
    table = leave_one_subject_out(frames, encoder_for, groups, seeds=[0], rows=[spy([])])
    assert asked == groups
    assert shown == [2 * 15 + 2 * 6, 15 + 3 * 6]
    assert table["rows"][0]["n_subjects"] == 3  # d only trained


def test_points_reach_the_rows_in_half_canvas_heights(frames):
    seen: list = []
    leave_one_subject_out(frames, fixed, [frozenset("a")], seeds=[0], rows=[spy(seen)])
    test = seen[0][2]
    xy_norm, features = encode(test.canvases)
    np.testing.assert_allclose(test.xy, xy_norm * [16 / 32, 1], atol=1e-6)
    np.testing.assert_allclose(test.features, features)


def test_an_encoder_that_saw_the_tested_is_told_in_the_rows_that_use_it(frames):
    blind = replace(spy([]), name="blind", primary=False, uses_encoder=False)
    for saw in (True, False):
        rows = [spy([]), blind]
        table = leave_one_subject_out(frames, lambda _: (encode, saw), [frozenset("a")], seeds=[0], rows=rows)  # noqa: B023
        assert [row["encoder_saw_test_subjects"] for row in table["rows"]] == [saw, False]


def test_figures_are_means_over_the_seeds(frames):
    def fit(train: Seen, label: np.ndarray, classes: int, seed: int):
        return lambda test: np.tile(np.eye(classes)[0 if seed else 1], (len(test.xy), 1))

    only_class_0 = replace(frames, label=np.zeros(60, int), recording=frames.subject)  # right with any seed but 0
    rows = [Row("seeded", fit, primary=True, seeded=True)]
    table = leave_one_subject_out(only_class_0, fixed, [frozenset("ab")], seeds=[0, 1, 2, 3], rows=rows)
    assert table["seeds"] == [0, 1, 2, 3]
    assert table["rows"][0]["accuracy"] == pytest.approx(0.75)
    assert table["rows"][0]["accuracy_sd"] == pytest.approx(0.5)
    assert table["confusion"][0] == [90, 30, 0]


def test_a_row_without_chance_is_fitted_once_and_counts_for_every_seed(frames):
    seen: list = []
    unseeded = replace(spy(seen), seeded=False)
    table = leave_one_subject_out(frames, fixed, [frozenset("a")], seeds=[5, 6, 7], rows=[unseeded])
    assert [seed for *_, seed in seen] == [5]
    assert table["rows"][0]["accuracy_sd"] is None  # not a spread of zero: there was nothing to spread
    assert np.sum(table["confusion"]) == 3 * table["rows"][0]["n_frames"]


def test_train_and_test_takes_only_fit_frames_of_the_one_and_all_of_the_other(frames):
    seen: list = []
    train, test = np.isin(frames.subject, ["a", "b"]), frames.subject == "d"
    asked = []

    def encoder_for(held_out: frozenset[str]):
        asked.append(held_out)
        return encode, True

    table = train_and_test(frames, encoder_for, train, test, seeds=[0], rows=[spy(seen)])
    assert asked == [frozenset("d")]
    assert (len(seen[0][0].xy), len(seen[0][2].xy)) == (12, 15)
    assert persons_of(seen[0][2].canvases) == {"d"}
    assert table["rows"][0]["encoder_saw_test_subjects"]
    assert table["rows"][0]["ci95"] is None  # one person


def test_leaving_one_out_is_train_and_test_for_each(frames):
    rows = [replace(row, primary=row.name == "PCA + logistic regression") for row in standard_rows()[-2:]]
    whole = leave_one_subject_out(frames, fixed, [frozenset("a")], seeds=[0], rows=rows)
    theirs = frames.subject == "a"
    assert train_and_test(frames, fixed, ~theirs, theirs, seeds=[0], rows=rows) == whole


def test_a_person_on_both_sides_is_refused(frames):
    with pytest.raises(MatposeError, match="b would train and be tested"):
        train_and_test(frames, fixed, np.isin(frames.subject, ["a", "b"]), np.isin(frames.subject, ["b", "c"]))
    with pytest.raises(MatposeError, match="no frames"):
        train_and_test(frames, fixed, np.zeros(60, bool), frames.subject == "b")


@pytest.mark.parametrize("groups", [[frozenset("ab"), frozenset("b")], [frozenset("z")]])
def test_groups_that_overlap_or_name_strangers_are_refused(frames, groups):
    with pytest.raises(MatposeError, match="cannot test"):
        leave_one_subject_out(frames, fixed, groups)


def test_exactly_one_row_is_primary(frames):
    for rows in ([], [spy([]), spy([])], [replace(spy([]), primary=False)]):
        with pytest.raises(MatposeError, match="one primary row"):
            leave_one_subject_out(frames, fixed, [frozenset("a")], rows=rows)
    assert [row.name for row in standard_rows() if row.primary] == ["GraphSAGE"]


def test_points_that_are_not_finite_are_refused(frames):
    def broken(canvases: np.ndarray):
        xy, features = encode(canvases)
        return np.where(np.arange(len(xy))[:, None, None] == 3, np.nan, xy), features

    with pytest.raises(MatposeError, match="not finite"):
        leave_one_subject_out(frames, lambda _: (broken, False), [frozenset("a")], rows=[spy([])])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": np.zeros(59, int)}, "label is not one value"),
        ({"label": np.full(60, 3)}, "not the index of a class"),
        ({"recording": np.full(60, "one")}, "several subjects"),
        ({"label": np.arange(60) % 3}, "several labels"),
    ],
)
def test_frames_that_contradict_themselves_are_refused(frames, change, words):
    with pytest.raises(MatposeError, match=words):
        replace(frames, **change)


def test_shuffled_coordinates_are_those_of_other_frames_with_own_features():
    seen = []

    def note(train: Seen, label: np.ndarray, classes: int, seed: int):
        seen.append(train)

        def answer(test: Seen) -> np.ndarray:
            seen.append(test)
            return np.zeros((len(test.xy), classes))

        return answer

    from matpose.evaluation.posture_rows import _shuffled

    numbers = np.arange(40.0)
    given = Seen(np.zeros((40, 2, 2)), np.tile(numbers[:, None, None], (1, K, 2)), numbers[:, None, None])
    _shuffled(note)(given, np.zeros(40, int), 2, 3)(given)
    for frames in seen:
        moved = frames.xy[:, 0, 0]
        assert sorted(moved) == numbers.tolist()
        assert (moved != numbers).all()
        assert (frames.xy == moved[:, None, None]).all()  # a frame's points stay together
        np.testing.assert_array_equal(frames.features, given.features)


@pytest.mark.slow
def test_every_standard_row_runs_and_sees_through_a_plain_task(frames):
    table = leave_one_subject_out(frames, fixed, [frozenset("ab")], seeds=[0])
    by_name = {row["name"]: row for row in table["rows"]}
    assert by_name["majority class"]["accuracy"] == pytest.approx(1 / 3)
    assert by_name["GraphSAGE"]["accuracy"] > 0.9
    assert by_name["GraphSAGE, coordinates only"]["accuracy"] > 0.9
    assert by_name["GraphSAGE, features only"]["accuracy"] < 0.7  # the features tell the person, not the posture
    assert by_name["GraphSAGE, shuffled coordinates"]["accuracy"] < 0.7
    assert by_name["logistic regression, raw pixels"]["accuracy"] > 0.9
    assert by_name["small CNN"]["accuracy"] > 0.9


def test_raw_pixels_tell_three_postures_of_real_people_apart(real_data):
    """Development subjects only; a wrong axis, label or split drops this far below."""
    mat, canvas = preset("pmatdata-i"), Canvas()
    side = {1: 0, 8: 0, 9: 0, 10: 0, 2: 2, 4: 2, 5: 2, 13: 2, 3: 1, 6: 1, 7: 1, 14: 1}
    maps, label, subject, recording = [], [], [], []
    for person in range(1, 6):
        for number, posture in side.items():
            file = real_data / "pmatdata" / "experiment-i" / f"S{person}" / f"{number}.txt"
            lines = file.read_bytes().splitlines()[3:-3]
            counts = np.array([lines[i].split() for i in np.linspace(0, len(lines) - 1, 4).astype(int)], np.float32)
            maps.append(canvas.resample(mat.canonical(np.clip(counts, 0, 1000).reshape(-1, 64, 32)), mat))
            label += [posture] * 4
            subject += [f"S{person}"] * 4
            recording += [f"i/S{person}/{number}"] * 4
    frames = LabelledFrames(
        np.concatenate(maps), np.array(label), ("supine", "left", "right"),
        np.array(subject), np.array(recording), np.ones(len(label), bool),
    )  # fmt: skip
    rows = [
        replace(row, primary="raw" in row.name) for row in standard_rows() if "raw" in row.name or "HOG" in row.name
    ]
    table = leave_one_subject_out(frames, fixed, [frozenset(frames.subject.tolist())], seeds=[0], rows=rows)
    assert all(row["accuracy"] > 0.9 for row in table["rows"])
    swapped = replace(
        frames,
        canvases=np.where((frames.subject == "S1")[:, None, None], frames.canvases[..., ::-1], frames.canvases),
    )
    mirrored = train_and_test(swapped, fixed, frames.subject != "S1", frames.subject == "S1", seeds=[0], rows=rows)
    assert mirrored["rows"][0]["accuracy"] < 0.6  # a mirrored mat swaps left and right
