"""Response curves: what sensors make of pressure, drawn at random, for networks that shall know none by heart.

Nobody calibrates a home-made mat, and resistive cells are as good as never linear. A curve only ever keeps the order of
pressures; it may press peaks together, and lose what is faint.
"""

from __future__ import annotations

import torch

GAMMA = 0.7  # of the exponent, to either side, as a logarithm
SATURATING = 0.3  # share of maps whose curve levels out
KNEE = (0.4, 7.0)  # where it does, in peaks
DEAF, DEAF_TO = 0.4, 0.06  # share of maps that lose what is faint, at most so much of the peak


def responded(pressure: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each map as a sensor with another response curve reads it.

    Args:
        pressure: (B, 1, H, W), not negative.
        generator: the only source of chance.

    Returns:
        (B, 1, H, W) in 0..1, where 1 is the map's peak.

    Example:
        >>> maps = torch.rand(3, 1, 8, 4, generator=torch.Generator().manual_seed(0))
        >>> seen = responded(maps, torch.Generator().manual_seed(1))
        >>> torch.equal(seen.flatten(1).argmax(1), maps.flatten(1).argmax(1))
        True
    """
    shape = (len(pressure), 1, 1, 1)

    def chance() -> torch.Tensor:
        return torch.rand(shape, generator=generator)

    share = pressure / pressure.amax((2, 3), keepdim=True).clamp_min(1e-12)
    share = share ** torch.exp(GAMMA * (2 * chance() - 1))
    low, high = KNEE
    knee = low * (high / low) ** chance()
    share = torch.where(chance() < SATURATING, share * (1 + knee) / (share + knee), share)
    floor = DEAF_TO * chance() * (chance() < DEAF)
    return share * (share >= floor)
