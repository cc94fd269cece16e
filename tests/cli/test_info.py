"""`matpose info`: the contract's JSON, and the published counts."""

from __future__ import annotations

import json

import pytest


def test_paper_json_has_the_published_counts(shell):
    answer = shell("info", "paper", "--json")
    assert answer.code == 0
    found = json.loads(answer.out)
    assert found["name"] == "paper"
    assert found["encoder"] == {"parameters": 138_400, "conv_macs": 557_088_768, "input": [1, 1, 256, 256]}
    assert found["paper_convention"] == {"params": 69_200, "flops": 613_327_344}
    assert found["parameters"] == sum(found[part]["parameters"] for part in ("encoder", "fuser", "decoder"))


def test_native_json_keeps_its_budget(shell):
    found = json.loads(shell("info", "native", "--json").out)
    assert found["encoder"]["input"] == [1, 1, 64, 32]
    assert found["encoder"]["parameters"] <= 140_000
    assert found["encoder"]["conv_macs"] <= 15_000_000
    assert found["decoder"]["parameters"] <= 200_000
    assert found["decoder"]["conv_macs"] > 0
    assert found["paper_convention"] is None


@pytest.mark.slow
def test_text_names_the_figures(shell):
    answer = shell("info", "paper")
    assert "138,400" in answer.out
    assert "557,088,768" in answer.out
    assert "0.6133 GFLOPs" in answer.out


def test_text_says_what_it_is_for(shell):
    answer = shell("info", "native")
    assert answer.code == 0
    assert "not a medical device" in answer.out
    assert "learning_rate" in answer.out


@pytest.mark.parametrize(
    ("name", "said"),
    [("papre", "native, paper"), ("nothing.safetensors", "no trained model"), (".", "no trained model")],
)
def test_what_is_not_there_is_one_line(shell, tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    answer = shell("info", name, "--json")
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_a_recipe_that_does_not_parse_is_one_line(shell, tmp_path):
    path = tmp_path / "mine.yaml"
    for text in ("name: mine\nepohcs: 3\n", "name: [", "\x00", "name: mine\nrows: 17\n"):
        path.write_text(text)
        answer = shell("info", path)
        assert answer.code == 2
        assert answer.err.count("\n") == 1


def test_an_exported_file_is_told_as_text(shell, exported):
    answer = shell("info", exported.path)
    assert answer.code == 0
    for said in ("native: input [1, 1, 64, 32]", "supine", "Apache-2.0", "learning_rate"):
        assert said in answer.out
