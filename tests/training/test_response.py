import pytest
import torch

from matpose.training.response import DEAF_TO, responded


@pytest.fixture
def maps() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(64, 1, 16, 8, generator=generator) * torch.arange(1.0, 65.0).view(-1, 1, 1, 1)


def test_the_order_of_pressures_is_kept_and_only_what_is_faint_gets_lost(maps):
    seen = responded(maps, torch.Generator().manual_seed(1)).flatten(1)
    assert ((seen >= 0) & (seen <= 1)).all()
    torch.testing.assert_close(seen.amax(1), torch.ones(64))
    order = maps.flatten(1).argsort(1)
    assert (seen.gather(1, order).diff(dim=1) >= 0).all()
    lost = seen == 0
    assert 0 < lost.float().mean() < 0.5
    kept = torch.where(lost, torch.ones_like(seen), seen)
    assert kept.amin(1)[lost.any(1)].max() < 3 * DEAF_TO


def test_curves_bend_either_way_and_know_no_unit(maps):
    maps = maps / maps.amax((2, 3), keepdim=True)
    seen = responded(maps, torch.Generator().manual_seed(1))
    middle = (maps > 0.4) & (maps < 0.6)
    shares = torch.stack([seen[index][middle[index]].mean() for index in range(64)])
    assert shares.min() < 0.3
    assert shares.max() > 0.7
    torch.testing.assert_close(responded(1000 * maps, torch.Generator().manual_seed(1)), seen)


def test_an_empty_map_stays_empty():
    assert not responded(torch.zeros(8, 1, 4, 4), torch.Generator().manual_seed(0)).any()
