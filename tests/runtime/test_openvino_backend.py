"""OpenVINO runs the same exported file to the same answers, in full precision, on one thread, and in silence."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from matpose.errors import ModelError
from matpose.runtime import Detector
from matpose.runtime.onnx_backend import OnnxBackend
from matpose.runtime.parity import PARITY, check_parity, differences, parity_maps


@pytest.fixture
def openvino_backend():
    pytest.importorskip("openvino", reason="openvino is not installed: pip install 'matpose[openvino]'")
    from matpose.runtime.openvino_backend import OpenVinoBackend

    return OpenVinoBackend


@pytest.mark.parametrize("which", ["tiny", "shipped"])
def test_it_answers_as_onnxruntime_does(openvino_backend, tiny_onnx, which):
    from matpose.runtime.detector import SHIPPED

    path = tiny_onnx if which == "tiny" else SHIPPED
    expected, backend = OnnxBackend(path), openvino_backend(path)
    maps = parity_maps(expected.canvas)
    answers = expected(maps)
    parity = check_parity(answers, backend, maps)  # frames alone and all together
    assert max(parity.values()) <= PARITY
    assert max(differences(answers, backend(maps[::-1].copy())).values()) > PARITY  # else it could not fail
    assert (backend.joint_names, backend.postures) == (expected.joint_names, expected.postures)
    assert (backend.canvas, backend.points, backend.card) == (expected.canvas, expected.points, expected.card)


def test_answers_are_not_overwritten_by_the_next(openvino_backend, tiny_onnx):
    backend = openvino_backend(tiny_onnx)
    maps = parity_maps(backend.canvas)
    first = backend(maps[:1])
    kept = first.joints_xy_norm.copy()
    backend(maps[1:2])
    np.testing.assert_array_equal(first.joints_xy_norm, kept)


def test_full_precision_and_one_thread(openvino_backend, tiny_onnx):
    backend = openvino_backend(tiny_onnx)
    for request in (backend._one, backend._many):
        compiled = request.get_compiled_model()
        assert compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"
        assert compiled.get_property("INFERENCE_NUM_THREADS") == 1


def test_what_reports_its_use_is_not_even_loaded(openvino_backend, tiny_onnx):
    code = (
        "import sys; from matpose.runtime import Detector;"
        f"Detector({str(tiny_onnx)!r}, backend='openvino');"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert said.stdout.strip() == "[]"


def test_files_that_are_no_model_are_told_in_one_line(openvino_backend, tmp_path):
    path = tmp_path / "odd.onnx"
    path.write_bytes(b"1,2,3\n")
    with pytest.raises(ModelError, match="not a whole ONNX model") as caught:
        openvino_backend(path)
    assert "\n" not in str(caught.value)


def test_without_the_package_it_names_the_extra(monkeypatch, tiny_onnx):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match=r"matpose\[openvino\]"):
        Detector(tiny_onnx, backend="openvino")
