"""Several scales: the regression net corrects what it is given, and one scale is the plain test."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from matpose.errors import ModelError
from matpose.zoo.coding.gaussian import gaussian_maps
from matpose.zoo.heads.heatmap import HeatmapHead
from matpose.zoo.heads.multi_scale import MultiScaleHead
from matpose.zoo.scales import at_scales
from matpose.zoo.system import JOINTS, Answer, Backbone, Seen, System, Truth


def _seen(seed: int = 0) -> Seen:
    draw = torch.Generator().manual_seed(seed)
    sizes = ((16, 8), (32, 16))
    return Seen(torch.zeros(2, 4, 32, 16), tuple(torch.randn(2, JOINTS, *size, generator=draw) for size in sizes))


class TestRegressionNet:
    def test_it_starts_as_the_last_scale(self):
        seen = _seen()
        head = MultiScaleHead(2, HeatmapHead(4)).eval()
        output = head(seen)
        assert len(output) == 3
        assert all(one.equal(other) for one, other in zip(output, seen.heatmaps, strict=False))
        torch.testing.assert_close(output[2], seen.heatmaps[1])
        torch.testing.assert_close(head.answer(output).xy_norm, HeatmapHead(4).answer(seen.heatmaps).xy_norm)

    def test_every_scale_and_the_joined_one_are_learned(self):
        seen = _seen()
        head = MultiScaleHead(2, HeatmapHead(4))
        truth = Truth(torch.rand(2, JOINTS, 2) - 0.5, torch.ones(2, JOINTS).bool(), torch.ones(2, JOINTS))
        plain = HeatmapHead(4).losses((*seen.heatmaps, seen.heatmaps[1]), truth)
        told = head.losses(head(seen), truth)
        torch.testing.assert_close(told, plain)
        assert set(told) == set(head.weights)

    def test_every_scale_has_a_say(self):
        torch.manual_seed(0)
        head = MultiScaleHead(2, HeatmapHead(4)).eval()
        nn.init.normal_(head.correction.weight)
        heatmaps = [maps.requires_grad_() for maps in _seen().heatmaps]
        correction = head(Seen(torch.zeros(2, 4, 32, 16), tuple(heatmaps)))[-1] - heatmaps[-1]
        for gradient in torch.autograd.grad(correction.square().sum(), heatmaps):
            assert gradient.abs().amax((0, 2, 3)).min() > 0

    def test_another_number_of_scales_is_refused(self):
        with pytest.raises(ModelError, match="2 heatmaps, not 3"):
            MultiScaleHead(3, HeatmapHead(4))(_seen())


class Echo(Backbone):
    """Its heatmaps are the map itself, each joint's weaker than the last."""

    channels, stride = 1, 1

    def forward(self, x: torch.Tensor) -> Seen:
        strength = torch.linspace(0.5, 1, JOINTS).view(1, -1, 1, 1)
        return Seen(x, (x * strength,))


class Told(System):
    """Answers as it is told, once for each call."""

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(Echo(), HeatmapHead(1))
        self.answers = answers

    def forward(self, x: torch.Tensor) -> Answer:
        return self.answers.pop(0)


class TestScales:
    system = System(Echo(), HeatmapHead(1, coding="dark")).eval()
    place = torch.tensor([[[0.21, -0.34]]])
    maps = gaussian_maps(place, (64, 32))

    def test_one_scale_is_the_plain_test(self):
        for take in ("average", "best"):
            several, plain = at_scales(self.system, self.maps, (1.0,), take=take), self.system(self.maps)
            assert several.xy_norm.equal(plain.xy_norm)
            assert several.score.equal(plain.score)

    @pytest.mark.parametrize("scale", [0.75, 1.3])
    def test_joints_are_brought_back_to_where_they_were(self, scale):
        found = at_scales(self.system, self.maps, (scale,)).xy_norm
        torch.testing.assert_close(found, self.place.expand(1, JOINTS, 2), atol=2e-3, rtol=0)

    def test_average_and_best_of_told_answers(self):
        places = torch.tensor([[[0.2, 0.4]], [[0.6, -0.8]]])[:, :, None].expand(2, 1, 2, 2)
        scores = torch.tensor([[[0.9, 0.1]], [[0.3, 0.2]]])
        answers = [Answer(xy_norm, score) for xy_norm, score in zip(places, scores, strict=True)]
        mean = at_scales(Told(list(answers)), self.maps, (1.0, 2.0))
        torch.testing.assert_close(mean.xy_norm, torch.tensor([0.25, 0.0]).expand(1, 2, 2))  # (.2, .4), (.3, -.4)
        torch.testing.assert_close(mean.score, torch.tensor([[0.6, 0.15]]))
        best = at_scales(Told(list(answers)), self.maps, (1.0, 2.0), take="best")
        torch.testing.assert_close(best.xy_norm, torch.tensor([[[0.2, 0.4], [0.3, -0.4]]]))
        torch.testing.assert_close(best.score, torch.tensor([[0.9, 0.2]]))

    @pytest.mark.parametrize("scales", [(), (1.0, 0.0)])
    def test_scales_are_above_nothing(self, scales):
        with pytest.raises(ModelError, match="above 0"):
            at_scales(self.system, self.maps, scales)
