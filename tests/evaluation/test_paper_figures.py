"""The paper's figures 4 and 5: presence beside its truth, and the loss curves of several variants."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from matpose.errors import MatposeError
from matpose.evaluation.palette import MISSING_RGB
from matpose.evaluation.presence_figure import presence_beside_truth
from matpose.evaluation.variant_curves import COLOURS, variant_curves


def _row(epoch: int, value: float, stage: str = "reconstruction") -> dict:
    return {"stage": stage, "epoch": epoch, "val_l1": value, "val_l2": value / 10, "val_ssim": 1 - value / 100}


def _history(*values: float) -> list[dict]:
    return [{"stage": "presence", "epoch": 0, "val_loss": 1.0}, *(_row(e, value) for e, value in enumerate(values))]


def test_presence_is_white_absence_black_and_beside_the_mat_is_grey():
    present = np.zeros((1, 4, 2), bool)
    present[0, 1, 1] = True
    on_mat = np.ones_like(present)
    on_mat[0, 3] = False
    measured, answered = presence_beside_truth(present, {"net": present}, on_mat, ["S1"]).axes
    for panel in (measured, answered):
        colours = panel.images[0].to_rgba(np.ma.asarray(panel.images[0].get_array()))
        assert colours[1, 1].tolist() == [1, 1, 1, 1]
        assert colours[0, 0].tolist() == [0, 0, 0, 1]
        np.testing.assert_allclose(colours[3, 0, :3] * 255, MISSING_RGB)


def test_every_answer_has_the_f_score_of_its_own_map_on_the_mat():
    present = np.zeros((2, 4, 2), bool)
    present[:, 0] = True
    half = present.copy()
    half[1, 0, 0] = False
    half[:, 3] = True  # beside the mat: must not count
    on_mat = np.ones_like(present)
    on_mat[:, 3] = False
    axes = presence_beside_truth(present, {"good": present, "half": half}, on_mat, ["a", "b"]).axes
    assert [panel.get_xlabel() for panel in axes] == ["", "F 1.000", "F 1.000", "", "F 1.000", "F 0.667"]
    assert [panel.get_title() for panel in axes[:3]] == ["measured", "good", "half"]
    assert [panel.get_ylabel() for panel in axes[::3]] == ["a", "b"]


def test_a_line_is_the_mean_over_seeds_and_the_band_their_range():
    figure = variant_curves({"full": [_history(4, 2), _history(6, 4)], "- CRWT": [_history(9, 8)]})
    l1, l2, ssim = figure.axes
    for panel, scale in ((l1, 1), (l2, 0.1), (ssim, 0.01)):
        full, without = panel.lines
        np.testing.assert_allclose(np.asarray(full.get_ydata()) / scale, [5, 3])
        np.testing.assert_allclose(np.asarray(without.get_ydata()) / scale, [9, 8])
        assert np.asarray(full.get_xdata()).tolist() == [1, 2]
        assert (full.get_color(), without.get_color()) == COLOURS[:2]
        (band,) = [part for part in panel.collections if isinstance(part, PolyCollection)]
        heights = np.asarray(band.get_paths()[0].vertices)[:, 1] / scale
        np.testing.assert_allclose(sorted({round(height, 6) for height in heights.tolist()}), [2, 4, 6])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["full", "- CRWT"]


def test_only_the_last_epochs_are_drawn_and_a_line_ends_with_its_shortest_seed():
    long, short = list(range(50)), list(range(48))
    figure = variant_curves({"a": [_history(*long)], "b": [_history(*long), _history(*short)]})
    a, b = figure.axes[0].lines
    assert np.asarray(a.get_xdata()).tolist() == list(range(11, 51))
    assert np.asarray(b.get_xdata()).tolist() == list(range(11, 49))
    assert np.asarray(a.get_ydata())[0] == 10


def test_more_variants_than_colours_are_told_apart_by_dashes():
    figure = variant_curves({str(index): [_history(1, 2)] for index in range(8)})
    styles = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}
    assert len(styles) == 8


@pytest.mark.parametrize(
    "draw",
    [
        lambda: variant_curves({}),
        lambda: variant_curves({"a": []}),
        lambda: variant_curves({"a": [[_row(0, 1.0, stage="presence")]]}),
        lambda: presence_beside_truth(np.ones((0, 2, 2), bool), {}, np.ones((0, 2, 2), bool), []),
        lambda: presence_beside_truth(np.ones((1, 2, 2), bool), {}, np.ones((1, 2, 2), bool), ["a", "b"]),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_mend(draw):
    with pytest.raises(MatposeError, match="Mend: "):
        draw()
