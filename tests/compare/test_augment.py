"""Masking: what each kind does to a map, and to what may still be called contact."""

from __future__ import annotations

import torch
from test_system_fit import spots

from matpose.compare.augment import masked


def both(masking):
    maps = spots(200, 3)
    return maps, *masked(maps, masking, torch.Generator().manual_seed(0), aspect=0.5)


def test_none_is_the_map():
    maps, pressure, contact = both("none")
    assert torch.equal(pressure, maps.pressure.float())
    assert torch.equal(contact, maps.contact)


def test_some_lose_the_contact_of_a_joint():
    maps, pressure, contact = both("contact")
    changed = (pressure != maps.pressure.float()).any(dim=(1, 2, 3))
    assert 0.25 < changed.float().mean() < 0.55
    assert (pressure <= maps.pressure.float()).all()
    assert torch.equal(changed, ~contact.all(1)), "all joints are on the one spot that was lost"


def test_some_have_a_joint_a_second_time():
    maps, pressure, contact = both("transplant")
    changed = (pressure != maps.pressure.float()).any(dim=(1, 2, 3))
    assert 0.2 < changed.float().mean() < 0.55
    assert (pressure >= maps.pressure.float()).all(), "nothing is taken away"
    assert torch.equal(contact, maps.contact)


def test_boxes_cover_what_they_cover():
    maps, pressure, contact = both("boxes")
    assert ((pressure == 0) | (pressure == maps.pressure.float())).all()
    hidden = ~contact.all(1)
    assert hidden.any()
    assert not hidden.all()
    where = ((maps.xy_norm[:, 0] + 1) / 2 * torch.tensor([16.0, 32.0])).long()
    at_joint = pressure[torch.arange(200), 0, where[:, 1], where[:, 0]]
    assert (at_joint[hidden] == 0).float().mean() > 0.9
