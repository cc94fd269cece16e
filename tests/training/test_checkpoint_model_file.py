"""Checkpoints and model files: nothing lost, no pickle, faults told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tiny import tiny_recipe

from matpose.errors import ModelError
from matpose.training.build import build_efd
from matpose.training.checkpoint import SafetensorsIO, pack, unpack
from matpose.training.model_file import FILE_NAME, TrainedModel, load_model, posture_net, save_model

scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8)
tensors = st.builds(
    lambda shape, dtype: (7 * torch.rand(shape)).to(dtype),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
    st.sampled_from([torch.float32, torch.float64, torch.int64, torch.bool, torch.bfloat16]),
)
keys = st.text(max_size=5) | st.integers(-9, 9) | st.sampled_from(["tensor", "tuple", "items"])
trees = st.recursive(
    scalars | tensors,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


def _equal(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    return a == b


@settings(deadline=None, max_examples=60)
@given(tree=trees)
def test_unpack_undoes_pack_through_json(tree):
    held: dict[str, torch.Tensor] = {}
    packed = json.loads(json.dumps(pack(tree, held)))
    assert _equal(unpack(packed, held), tree)


def test_what_json_cannot_hold_is_refused_not_lost():
    for value in (object(), {1, 2}, b"bytes", 1j):
        with pytest.raises(TypeError, match=type(value).__name__):
            pack({"deep": [value]}, {})


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    tree = {"epoch": 3, "state_dict": {"w": torch.randn(4, 3).T}, "loops": [{"done": (1, None)}], "inf": float("inf")}
    io, path = SafetensorsIO(), tmp_path / "c.safetensors"
    io.save_checkpoint(tree, path)
    assert _equal(io.load_checkpoint(path), tree)
    io.remove_checkpoint(path)
    assert not path.exists()


def _trained(*changes: str, postures: tuple[str, ...] = ("supine", "left")) -> TrainedModel:
    torch.manual_seed(0)
    recipe = tiny_recipe("sharpness=8", *changes)
    head = posture_net(recipe, len(postures)).eval() if postures else None
    return TrainedModel(build_efd(recipe).eval(), recipe, head, postures, {"train_subjects": ["a"]})


@pytest.mark.parametrize("postures", [("supine", "left"), ()])
def test_a_model_comes_back_and_answers_the_same(tmp_path, postures):
    model = _trained(postures=postures)
    save_model(tmp_path / FILE_NAME, model)
    for place in (tmp_path, tmp_path / FILE_NAME):
        again = load_model(place)
        assert (again.recipe, again.postures, again.facts) == (model.recipe, model.postures, model.facts)
        x = torch.rand(2, 1, 32, 16)
        with torch.no_grad():
            found, expected = again.efd.points(x), model.efd.points(x)
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
            assert (again.posture is None) == (not postures)
            if again.posture and model.posture:
                answers = [net(expected.xy_norm, expected.features) for net in (again.posture, model.posture)]
                torch.testing.assert_close(*answers)
        assert not again.efd.training


def _head(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        return json.loads(file.read(size))["__metadata__"]


def test_a_model_says_what_it_is_for(tmp_path):
    save_model(tmp_path / FILE_NAME, _trained())
    head = _head(tmp_path / FILE_NAME)
    assert "Not a medical device" in head["notice"]
    assert json.loads(head["recipe"])["points"] == 6


def test_an_absent_model(tmp_path):
    for place in (tmp_path, tmp_path / "nothing.safetensors"):
        with pytest.raises(ModelError, match="no trained model"):
            load_model(place)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b"",
        lambda raw: raw[:100],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"\xff" * 8 + raw[8:],  # a header of 16 EiB
        lambda raw: b"PK\x03\x04" + raw,
        lambda raw: b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    ],
)
def test_a_spoilt_model_file(tmp_path, spoil):
    path = tmp_path / FILE_NAME
    save_model(path, _trained())
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ModelError, match="not a whole model file"):
        load_model(path)


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": "[1, 2]"},
        {"recipe": "{}"},
        {"recipe": "no json"},
        {"postures": "3"},
        {"postures": '["supine", "left", "right"]'},
        {"facts": "{"},
    ],
)
def test_a_forged_header(tmp_path, change):
    path = tmp_path / FILE_NAME
    model = _trained()
    save_model(path, model)
    save_file({f"efd.{k}": v.contiguous() for k, v in model.efd.state_dict().items()}, path, _head(path) | change)
    with pytest.raises(ModelError, match="does not fit this version"):
        load_model(path)


def test_a_checkpoint_is_no_model_and_a_model_no_checkpoint(tmp_path):
    SafetensorsIO().save_checkpoint({"epoch": 0}, tmp_path / "c.safetensors")
    with pytest.raises(ModelError, match="not a model"):
        load_model(tmp_path / "c.safetensors")
    save_model(tmp_path / "m.safetensors", _trained())
    with pytest.raises(ModelError, match="not a checkpoint"):
        SafetensorsIO().load_checkpoint(tmp_path / "m.safetensors")
