"""Files that are not an exported model are told in one line, with a mend."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from matpose.errors import ModelError
from matpose.runtime import Detector
from matpose.runtime.onnx_backend import OnnxBackend


def _refused(path) -> str:
    with pytest.raises(ModelError) as caught:
        Detector(path)
    said = str(caught.value)
    assert str(path) in said
    assert "Mend: " in said
    assert "\n" not in said
    return said


def test_a_file_that_is_not_there(tmp_path):
    assert "no model here" in _refused(tmp_path / "none.onnx")
    (tmp_path / "folder.onnx").mkdir()
    assert "no model here" in _refused(tmp_path / "folder.onnx")


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"1,2,3\n4,5,6\n", b"\x89HDF\r\n\x1a\n" * 9])
def test_bytes_that_are_no_model(tmp_path, content):
    path = tmp_path / "odd.onnx"
    path.write_bytes(content)
    _refused(path)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.99])
def test_a_file_cut_short(tmp_path, tiny_onnx, share):
    content = tiny_onnx.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(content[: int(share * len(content))])
    _refused(path)


def test_another_programs_model(tmp_path):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", values[:1], values[1:])
    path = tmp_path / "relu.onnx"
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)]), path)
    assert "matpose export" in _refused(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "matpose-onnx/0"),
        ("canvas", None),
        ("canvas", "[]"),
        ("canvas", '{"rows": 16, "cols": 9, "cell_m": 0.1}'),
        ("points", "many"),
        ("points", "null"),
        ("joint_names", '["head_top"]'),
        ("joint_names", "{"),
        ("postures", None),
        ("mats", "nothing"),
    ],
)
def test_a_damaged_card(tmp_path, tiny_onnx, key, value):
    net = onnx.load(tiny_onnx)
    kept = {prop.key: prop.value for prop in net.metadata_props if prop.key != key}
    helper.set_model_props(net, kept if value is None else kept | {key: value})
    path = tmp_path / "damaged.onnx"
    onnx.save(net, path)
    _refused(path)


def test_it_computes_on_one_thread_that_does_not_spin(tiny_onnx):
    options = OnnxBackend(tiny_onnx)._session.get_session_options()
    assert options.intra_op_num_threads == options.inter_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
