"""Two people on one mat: pairs to learn from, and who is found from above and from below."""

from __future__ import annotations

import pytest
import torch

from matpose.canvas import Canvas
from matpose.compare.couple_figures import couple_figures, couple_score
from matpose.compare.couples import Couples, couple_canvas, side_by_side, simulated_couples
from matpose.compare.look import Look
from matpose.errors import DatasetError
from matpose.nn.heatmap import soft_argmax
from matpose.zoo.heads.grouping import GroupingHead
from matpose.zoo.system import Answer, Backbone, Head, Seen, System, Truth

CANVAS = Canvas()
WIDE = couple_canvas(CANVAS)


def people(count: int = 3) -> tuple[torch.Tensor, Truth]:
    """Blocks, their joints all at the middle of them."""
    x, xy_norm = torch.zeros(count, 1, 64, 32), torch.zeros(count, 14, 2)
    for number in range(count):
        top, left = 8 + 6 * number, 10 + 2 * number
        x[number, 0, top : top + 20, left : left + 8] = 1.0 + number
        xy_norm[number] = torch.tensor(((left + 4) / 16 - 1, (top + 10) / 32 - 1))
    return x, Truth(xy_norm, torch.ones(count, 14, dtype=torch.bool), torch.ones(count, 14))


@pytest.mark.parametrize("seed", range(5))
def test_pairs_carry_the_loads_and_places_of_both(seed):
    x, truth = people()
    both, two = side_by_side(x, truth, CANVAS, torch.Generator().manual_seed(seed))
    assert both.shape == (3, 1, WIDE.rows, WIDE.cols)
    torch.testing.assert_close(both.sum((1, 2, 3)), (x + x.roll(1, 0)).sum((1, 2, 3)))
    assert two.xy_norm.shape == (3, 2, 14, 2)
    size = torch.tensor((WIDE.cols / 2, WIDE.rows / 2))
    for number in range(3):
        for person, whose in enumerate((number, (number - 1) % 3)):
            col, row = ((two.xy_norm[number, person, 0] + 1) * size).tolist()
            assert float(both[number, 0, int(row), int(col)]) == 1.0 + whose
    apart_m = (two.xy_norm[:, 1, 0, 0] - two.xy_norm[:, 0, 0, 0])[1:] * WIDE.width_m / 2 + 2 * CANVAS.cell_m
    assert ((apart_m > 0.68) & (apart_m < 1.02)).all(), "the second is two cells left of the first in these maps"


def test_on_a_wide_canvas_who_is_pushed_off_it_has_no_weight():
    wide = Canvas(64, 64, 0.032)
    x = torch.zeros(2, 1, 64, 64)
    x[..., 30:34] = 1.0
    xy_norm = torch.zeros(2, 14, 2)
    xy_norm[:, 0, 0] = -0.9
    both, two = side_by_side(
        x, Truth(xy_norm, torch.ones(2, 14, dtype=torch.bool), torch.ones(2, 14)), wide, torch.Generator()
    )
    assert both.shape == x.shape
    assert (two.weight[:, 0, 0] == 0).all()
    assert two.weight[:, 0, 1:].all()
    assert two.weight[:, 1].all()


def test_joints_are_given_to_whoever_they_fit():
    truth = torch.rand(2, 2, 14, 2, generator=torch.Generator().manual_seed(0))
    couples = Couples(torch.zeros(2, 1, 8, 8), truth, torch.full((2, 2), 0.1))
    third = torch.full((1, 14, 2), 5.0)
    assert couple_score([truth[0].flip(0), torch.cat((third, truth[1]))], couples, 1.0) == {
        "pckh20": 1.0,
        "two_found": 0.5,
    }
    assert couple_score([truth[0, :1], torch.zeros(0, 14, 2)], couples, 1.0) == {"pckh20": 0.25, "two_found": 0.0}
    near = truth + torch.tensor((0.019, 0.0))
    assert couple_score(list(near), couples, 1.0)["pckh20"] == 1.0
    assert couple_score(list(near), couples, 2.0)["pckh20"] < 0.1, "a fifth of the head, in half-heights"


class Glass(Backbone):
    channels, stride, sides, heatmaps = 1, 1, 48, 0

    def forward(self, x: torch.Tensor) -> Seen:
        return Seen(x, ())


class Middle(Head):
    """All joints at the centre of what is seen."""

    def forward(self, seen: Seen) -> torch.Tensor:
        return seen.features

    def answer(self, output: torch.Tensor) -> Answer:
        return Answer(soft_argmax(output).expand(-1, 14, -1), torch.ones(len(output), 14))

    def losses(self, output: torch.Tensor, truth: Truth) -> dict[str, torch.Tensor]:
        return {}


def far_apart() -> Couples:
    x, truth = people(2)
    both, two = side_by_side(x, truth, CANVAS, torch.Generator().manual_seed(0))
    return Couples(both.half(), two.xy_norm, torch.full((2, 2), 0.26))


@pytest.mark.parametrize("crop", ["none", "full"])
def test_from_above_each_is_as_if_alone(crop):
    found = couple_figures(System(Glass(), Middle()).eval(), far_apart(), CANVAS, Look(crop))
    assert found == {"top_down": {"pckh20": 1.0, "two_found": 1.0}}


def test_from_below_places_are_on_the_map_of_both():
    couples = far_apart()

    class Knowing(GroupingHead):
        def everybody(self, output):
            on_padded = couples.xy_norm * torch.tensor((64 / 96, 64 / 96))  # Glass asks for multiples of 48
            on_padded[..., 1] += 64 / 96 - 1
            return [Answer(one, torch.ones(2, 14)) for one in on_padded]

    system = System(Glass(), Knowing(1, 1)).eval()
    found = couple_figures(system, couples, CANVAS, Look())
    assert found["bottom_up"] == {"pckh20": 1.0, "two_found": 1.0}
    assert set(couple_figures(system, couples, CANVAS, Look("full"))) == {"top_down"}


def test_simulated_couples_are_two_people_and_kept(tmp_path):
    pytest.importorskip("mujoco", reason="people are simulated by the extra `simulate`")
    from matpose.compare.couples import _couple

    (one,) = _couple(3, canvas=WIDE, seed=5)
    assert one["pressure"].shape == (1, 64, WIDE.cols)
    middle = one["xy_norm"][..., 0].mean(1)
    assert abs(middle[0] - middle[1]) * WIDE.width_m / 2 > 0.4
    force_n = one["pressure"].astype(float).sum() * 1e3 * WIDE.cell_m**2
    assert force_n / 9.81 > 80, "of two"
    path = tmp_path / "couples.safetensors"
    from matpose.training.checkpoint import write_tensors

    write_tensors(path, {"pressure": torch.zeros(1)}, {"asked": "others"})
    with pytest.raises(DatasetError, match="other couples"):
        simulated_couples(path, 2, CANVAS, seed=1)
