"""Runs side by side: named by what differs, measured alike, drawn; and the verb that does it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_runs import blob_maps, fake_run
from PIL import Image
from tiny import tiny_recipe

from matpose.errors import MatposeError, ModelError
from matpose.nn.efd import EFD
from matpose.training import comparison, comparison_report
from matpose.training.comparison import compare, runs_in
from matpose.training.comparison_report import shown_rows
from matpose.training.data import Maps
from matpose.training.kept_maps import KEPT_NAME, MOST, keep_maps, kept_maps
from matpose.training.measure import presence_f, rebuilt_presence


@pytest.fixture(scope="module")
def val() -> Maps:
    return blob_maps().of_subjects(["blobs/3"])


@pytest.fixture(scope="module")
def folder(val, tmp_path_factory) -> Path:
    """Five finished runs of three variants, and one unfinished."""
    place = tmp_path_factory.mktemp("runs")
    for name, changes in {
        "a": ("seed=1",), "b": (), "c": ("crwt=false",), "d": ("exchange=false",), "e": ("exchange=false", "seed=7"),
    }.items():  # fmt: skip
        fake_run(place / name, tiny_recipe(*changes, f"name={name}"), val)
    fake_run(place / "cut-short", tiny_recipe("dilation=false"), val)
    (place / "cut-short" / "model.safetensors").unlink()
    return place


def test_runs_are_grouped_by_what_differs_besides_name_and_seed(folder):
    variants, unfinished = runs_in(folder)
    assert {name: [run.folder.name for run in runs] for name, runs in variants.items()} == {
        "full": ["b", "a"],
        "- CRWT": ["c"],
        "- exchange": ["d", "e"],
    }
    assert list(variants) == ["full", "- CRWT", "- exchange"]
    assert unfinished == ["cut-short"]


def test_other_differences_are_named_by_their_value(val, tmp_path):
    for name, changes in {"a": ("points=4",), "b": (), "c": ("points=4", "crwt=false"), "d": ()}.items():
        fake_run(tmp_path / name, tiny_recipe(*changes), val)
    variants, _ = runs_in(tmp_path)
    assert list(variants) == ["points=4", "points=4, - CRWT", "points=6"]  # no number has most of the runs


def test_the_value_of_most_runs_is_not_named(val, tmp_path):
    for name, changes in {"a": (), "b": ("crwt=false",), "c": ("crwt=false", "points=4")}.items():
        fake_run(tmp_path / name, tiny_recipe(*changes), val)
    variants, _ = runs_in(tmp_path)
    assert list(variants) == ["full", "- CRWT", "points=4, - CRWT"]


def test_runs_validated_on_other_people_are_not_compared(val, tmp_path):
    fake_run(tmp_path / "a", tiny_recipe(), val)
    fake_run(tmp_path / "b", tiny_recipe(), blob_maps().of_subjects(["blobs/2"]))
    with pytest.raises(MatposeError, match="different people"):
        runs_in(tmp_path)


def test_an_empty_folder_says_what_to_give(tmp_path):
    with pytest.raises(MatposeError, match=r"no finished run.*folder of runs"):
        runs_in(tmp_path)


def test_the_table_holds_mean_and_sd_over_seeds_at_the_best_epoch(folder, monkeypatch):
    monkeypatch.setattr(
        comparison, "_measure", lambda run: {"l1": float(run.model.recipe.seed), "l2": 0.25, "presence_f": 1.0}
    )
    table = compare(runs_in(folder)[0])
    full, no_crwt, no_exchange = table["variants"]
    assert (full["seeds"], full["best_epochs"]) == ([0, 1], [2, 2])
    assert full["l1"] == pytest.approx({"mean": 0.5, "sd": np.sqrt(0.5)})
    assert no_exchange["l1"] == pytest.approx({"mean": 3.5, "sd": 7 / np.sqrt(2)})
    assert no_crwt["l1"] == {"mean": 0.0, "sd": None}
    assert "same number of epochs" in table["note"]
    rows = shown_rows(table)
    assert [row["variant"] for row in rows] == ["full", "- CRWT", "- exchange"]
    assert rows[2]["L1"] == "3.50 \N{PLUS-MINUS SIGN} 4.95"
    assert rows[1]["L2"] == "0.250"
    assert rows[1]["stage 1 F"] == "\N{EN DASH}"


def test_a_perfect_reconstruction_has_presence_f_1_on_every_map_whatever_its_gain(val, monkeypatch):
    from matpose.nn.scaling import scale_free

    monkeypatch.setattr(EFD, "forward", lambda self, pressure: scale_free(pressure))
    gain = torch.linspace(0.1, 30, len(val)).view(-1, 1, 1, 1)
    louder = Maps(**{**vars(val), "pressure": val.pressure * gain, "threshold": val.threshold * gain.view(-1)})
    model = EFD(*(torch.nn.Identity() for _ in range(3)))  # pyright: ignore[reportArgumentType]
    for maps in (val, louder):
        present = rebuilt_presence(model, maps)
        assert presence_f(present, maps) > 0.999
        assert 0.02 < present.mean() < 0.5
    dimmer = Maps(**{**vars(val), "threshold": val.threshold * 8})
    assert rebuilt_presence(model, dimmer).sum() < rebuilt_presence(model, val).sum()


def test_kept_maps_come_back_as_they_were(val, tmp_path):
    keep_maps(tmp_path / "v", val)
    back = kept_maps(tmp_path / "v")
    for name in ("pressure", "threshold", "mat", "coverage"):
        assert torch.equal(getattr(back, name), getattr(val, name))
    for name in ("subject", "recording", "posture"):
        assert getattr(back, name).tolist() == getattr(val, name).tolist()
    assert back.canvas == val.canvas


def test_no_more_maps_are_kept_than_a_picture_needs(val, tmp_path):
    keep_maps(tmp_path / "v", val.select(np.arange(1000) % len(val)))
    assert len(kept_maps(tmp_path / "v")) == MOST


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_kept_maps_that_are_not_whole_are_a_user_error(tmp_path, content):
    if content is not None:
        (tmp_path / KEPT_NAME).write_bytes(content)
    with pytest.raises(ModelError, match="Mend"):
        kept_maps(tmp_path / KEPT_NAME)


def test_a_model_file_in_their_place_is_told(folder):
    with pytest.raises(ModelError, match="not the maps of a run"):
        kept_maps(folder / "b" / "model.safetensors")


def test_the_verb_compares_a_folder_of_runs(folder, shell, tmp_path):
    answer = shell("report", folder, "-o", tmp_path / "page.html", "--json")
    assert answer.code == 0
    told = json.loads(answer.out)
    assert [row["name"] for row in told["variants"]] == ["full", "- CRWT", "- exchange"]
    full = told["variants"][0]
    assert set(full) == {
        "name", "seeds", "best_epochs", "l1", "l2", "ssim", "ssim_global", "presence_f", "stage_1_f",
        "equivariance_median_pct", "swap_ratio",
    }  # fmt: skip
    assert told["unfinished"] == ["cut-short"]
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<img") == 3
    assert "left out: cut-short" in page
    for name in ("presence", "curves", "reconstruction"):
        picture = tmp_path / "figures" / f"{name}.png"
        assert Image.open(picture).width <= 650
        assert picture.stat().st_size < 200_000


def test_the_verb_draws_a_run_again(folder, shell):
    answer = shell("report", folder / "b", "--json")
    assert answer.code == 0
    told = json.loads(answer.out)
    assert 0 <= told["rebuilt_presence_f"] <= 1
    assert set(told["presence"]) == {"model"}  # its rivals are fitted on the training maps
    assert (folder / "b" / "report.html").read_text("utf-8").count("<img") >= 6
    assert {"presence.png", "curves.png", "reconstruction.png"} <= {
        path.name for path in (folder / "b" / "figures").iterdir()
    }


def test_the_verb_tells_people_as_well(folder, shell, tmp_path, monkeypatch):
    figures = {key: {"mean": 0.5, "sd": 0.1} for key in ("l1", "equivariance_median_pct")}
    table = {"variants": [{"name": name, "seeds": [0, 1], **figures} for name in ("full", "- exchange")], "note": "Hm."}
    monkeypatch.setattr(comparison_report, "report_comparison", lambda folder, path: table)
    answer = shell("report", folder, "-o", tmp_path / "page.html")
    assert answer.code == 0
    for word in ("- exchange", "0, 1", "equivariance", "0.500 \N{PLUS-MINUS SIGN} 0.100", "Hm.", "page.html"):
        assert word in answer.err


def test_the_verb_refuses_what_is_no_run(shell, tmp_path):
    answer = shell("report", tmp_path / "nowhere")
    assert answer.code == 2
    assert "there is no such file" in answer.err
