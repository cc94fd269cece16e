"""Every test, and every example in a docstring, starts from the same chance, whatever ran before it."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def same_chance() -> None:
    import torch

    torch.manual_seed(0)
