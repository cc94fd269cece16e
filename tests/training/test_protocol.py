"""The protocols on a hand-made PmatData of four people: who trains whom, who is tested, and what is said of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tiny import SMALL

import matpose.training.protocol as protocol_module
import matpose.training.strict as strict_module
from matpose.errors import MatposeError
from matpose.evaluation.posture_report import posture_report
from matpose.evaluation.posture_rows import RAW_PIXELS, Row
from matpose.training.augmentation import COPIES
from matpose.training.build import build_efd
from matpose.training.model_file import TrainedModel, save_model
from matpose.training.protocol import run_protocol
from matpose.training.recipe import load_recipe

CHANGES = (*SMALL, "crwt=false", "frames_per_recording=2", "gamma=0", "drop_lines=0", "bend=0", "turn_deg=0")
LEVEL = {1: 150, 2: 250, 3: 400, 4: 700}  # counts: a person is known by the peak of their maps
KPA_I, KPA_II = 0.1 * 0.133322, 0.2 * 0.133322


@pytest.fixture(scope="module")
def pmatdata(tmp_path_factory) -> str:
    root = tmp_path_factory.mktemp("pmatdata")
    for person, level in LEVEL.items():
        folder = root / "experiment-i" / f"S{person}"
        folder.mkdir(parents=True)
        for code in range(1, 18):
            counts = np.zeros((9, 64, 32), int)
            counts[:, 10 + code : 40 + code, 8:24] = level
            lines = ("\t".join(map(str, frame.ravel())) + "\t\r\n" for frame in counts)
            (folder / f"{code}.txt").write_text("".join(lines), newline="")
    for person in (1, 2):
        folder = root / "experiment-ii" / f"S{person}" / "Air_Mat"
        folder.mkdir(parents=True)
        for code in ("B1", "C1", "D1"):
            counts = np.full((64, 27), 44)
            counts[15:45, 8:20] += LEVEL[person] // 2
            np.savetxt(folder / f"Matrix_Air_{code}.txt", counts, fmt="%d")
    return f"pmatdata:{root}"


@pytest.fixture
def spied(monkeypatch):
    """Encoders and classifiers that only note whom they saw."""
    noted = {"encoders": [], "classifiers": []}

    def fit_efd(train, val, recipe, folder, **options):
        noted["encoders"].append(frozenset({*train.subjects, *val.subjects}))
        torch.manual_seed(0)
        return build_efd(recipe).eval(), []

    def fit(seen, label, classes, seed):
        trained_on, copies = _people(seen.canvases), len(seen.canvases)

        def answer(seen):
            noted["classifiers"].append((trained_on, _people(seen.canvases), copies, len(seen.canvases)))
            return np.tile(np.eye(classes)[0], (len(seen.canvases), 1))

        return answer

    monkeypatch.setattr(strict_module, "fit_efd", fit_efd)
    rows = (Row("GraphSAGE", fit, primary=True), Row(RAW_PIXELS, fit, uses_encoder=False))
    monkeypatch.setattr(protocol_module, "standard_rows", lambda: rows)
    return noted


def _people(canvases: np.ndarray) -> frozenset[int]:
    """Whose maps these are, by their peak."""
    levels = np.array([level * KPA_I for level in LEVEL.values()])
    peaks = np.array([np.median(frame[frame > frame.max() / 2]) for frame in canvases])
    return frozenset(list(LEVEL)[index] for index in np.abs(peaks[:, None] - levels).argmin(1))


def _run(pmatdata, tmp_path, name, **options) -> dict:
    return run_protocol(
        "native", pmatdata, name, seeds=1, group_count=2, folder=tmp_path, changes=CHANGES, **options
    )  # fmt: skip


@pytest.mark.parametrize(("name", "recordings"), [("loso3", 17), ("loso17", 17)])
def test_leaving_one_out(pmatdata, spied, tmp_path, name, recordings):
    answer = _run(pmatdata, tmp_path, name)
    everybody = {f"pmatdata/S{person}" for person in LEVEL}
    assert sorted(map(sorted, answer["groups"])) == sorted(
        map(sorted, (everybody - seen for seen in spied["encoders"]))
    )
    assert all(len(seen) == 2 for seen in spied["encoders"])
    assert len(spied["classifiers"]) == 2 * 4  # two rows, four people
    for trained, tested, fitted, frames in spied["classifiers"]:
        assert len(tested) == 1
        assert trained == set(LEVEL) - tested
        assert fitted == 3 * 17 * 2 * (1 + COPIES)
        assert frames == 17 * 3  # nine frames less three bad ones at each end
    row = answer["rows"][0]
    assert (row["n_subjects"], row["n_recordings"], row["n_frames"]) == (4, 4 * recordings, 4 * 17 * 3)
    assert row["encoder_saw_test_subjects"] is False
    # supine is the first class of three: 9 of 17 postures; of seventeen classes one
    assert row["accuracy"] == pytest.approx(9 / 17 if name == "loso3" else 1 / 17)


def test_only_the_named_people_train_and_are_tested(pmatdata, spied, tmp_path):
    answer = _run(pmatdata, tmp_path, "loso3", train_subjects="i:1-3", test_subjects="i:3-4")
    assert answer["test_subjects"] == ["pmatdata/S3", "pmatdata/S4"]
    assert {(trained, tested) for trained, tested, *_ in spied["classifiers"]} == {
        (frozenset({1, 2}), frozenset({3})),
        (frozenset({1, 2, 3}), frozenset({4})),
    }
    assert not any("pmatdata/S4" in seen for seen in spied["encoders"])


def test_transfer_trains_nobody_whom_it_tests_but_in_the_named_rows(pmatdata, spied, tmp_path):
    answer = _run(pmatdata, tmp_path, "transfer")
    assert spied["encoders"] == [frozenset({"pmatdata/S3", "pmatdata/S4"})]
    strict, known = spied["classifiers"][:2], spied["classifiers"][2:]
    assert {trained for trained, *_ in strict} == {frozenset({3, 4})}
    assert {trained for trained, *_ in known} == {frozenset({1, 2, 3, 4})}
    assert all(tested == {1, 2} and frames == 6 for _, tested, _, frames in spied["classifiers"])
    names = [row["name"] for row in answer["rows"]]
    assert names[2:] == [f"{name}, people known from the other mat" for name in names[:2]]
    assert [row["primary"] for row in answer["rows"]] == [True, False, False, False]
    assert answer["rows"][0]["accuracy"] == pytest.approx(1 / 3)


def test_frozen_fits_on_the_other_people_of_the_new_mat(pmatdata, spied, tmp_path):
    answer = _run(pmatdata, tmp_path, "frozen")
    assert spied["encoders"] == [frozenset({"pmatdata/S3", "pmatdata/S4"})]
    assert {(trained, tested) for trained, tested, *_ in spied["classifiers"]} == {
        (frozenset({2}), frozenset({1})),
        (frozenset({1}), frozenset({2})),
    }
    assert answer["rows"][0]["n_recordings"] == 6


def test_an_encoder_is_trained_once_and_kept_apart_by_recipe_and_people(pmatdata, spied, tmp_path):
    _run(pmatdata, tmp_path, "transfer")
    _run(pmatdata, tmp_path, "frozen")
    assert len(spied["encoders"]) == 1
    run_protocol("native", pmatdata, "frozen", seeds=1, folder=tmp_path, changes=(*CHANGES, "seed=1"))
    _run(pmatdata, tmp_path, "transfer", train_subjects="i:1-4", test_subjects="ii:1")
    assert len(spied["encoders"]) == 3
    assert len(list(tmp_path.iterdir())) == 3


def test_the_quick_variant_says_whom_its_encoder_saw(pmatdata, spied, tmp_path):
    recipe = load_recipe("native", CHANGES)
    facts = {"train_subjects": ["pmatdata/S1"], "validation_subjects": ["pmatdata/S3"]}
    save_model(tmp_path / "model.safetensors", TrainedModel(build_efd(recipe).eval(), recipe, facts=facts))

    def row(**options):
        return run_protocol(str(tmp_path), pmatdata, seeds=1, folder=tmp_path, **options)["rows"]

    assert not row(protocol="loso3", train_subjects="i:1-4", test_subjects="i:2,4")[0]["encoder_saw_test_subjects"]
    with_seen = row(protocol="loso3", train_subjects="i:1-4", test_subjects="i:3,4")
    assert with_seen[0]["encoder_saw_test_subjects"]
    assert not with_seen[1]["encoder_saw_test_subjects"]  # raw pixels look through no encoder
    assert spied["encoders"] == []


@pytest.mark.parametrize(
    ("dataset", "name", "options"),
    [
        ("blobs:4", "transfer", {}),
        ("blobs:4", "loso17", {}),
        ("blobs:2", "loso3", {}),
        (None, "frozen", {"test_subjects": "ii:1"}),
        (None, "loso3", {"test_subjects": "i:9"}),
    ],
)
def test_choices_that_cannot_be_run(pmatdata, spied, tmp_path, dataset, name, options):
    with pytest.raises(MatposeError) as error:
        _run(dataset or pmatdata, tmp_path, name, **options)
    assert error.value.mend


def test_the_page_stands_alone(pmatdata, spied, tmp_path):
    answer = _run(pmatdata, tmp_path / "runs", "transfer")
    page = posture_report(json.loads(json.dumps(answer)), tmp_path / "transfer.html").read_text()
    assert "GraphSAGE (primary)" in page
    assert "people known from the other mat" in page
    assert page.count("data:image/png") == 2
    assert "http" not in page
