"""What can be said of discovered points without any label: do they follow the body, are they used, where are they?"""

from __future__ import annotations

import numpy as np
import torch

from matpose.canvas import Canvas
from matpose.losses.ssim import global_ssim, ssim
from matpose.nn.efd import EFD, batches_that_fit
from matpose.nn.scaling import scale_free
from matpose.nn.warp import Warp, published_warps

FOREGROUND = 0.1  # of the scaled map


@torch.no_grad()
def label_free_metrics(
    model: EFD,
    pressure: torch.Tensor,
    *,
    subject: np.ndarray,
    recording: np.ndarray,
    posture: np.ndarray,
    canvas: Canvas,
) -> dict[str, float]:
    """The label-free metrics of a model on N maps.

    Args:
        model: in eval mode.
        pressure: (N, 1, H, W), any unit.
        subject, recording, posture: (N,) str.
        canvas: the grid of the maps.

    Returns:
        ``equivariance_median_pct``, ``equivariance_p95_pct``: error over the published warps, mean over the points,
        in % of the canvas's height; ``equivariance_median_cm``; ``swap_ratio``, ``feature_shuffle_ratio``:
        foreground-weighted squared error of the reconstruction with the coordinates, or features, of another
        person's map in another posture, over its own (near 1: that input is ignored); ``distance_mean_cm``,
        ``distance_min_cm`` between points; ``point_sd_cm`` over maps; ``within_recording_sd_cm``; ``on_contact``:
        share of the heatmaps' mass on loaded cells; ``entropy`` of the heatmaps, 1 = spread over the whole canvas;
        ``l1``, ``l2``, ``ssim``, ``ssim_global`` of the reconstruction.
    """
    x = scale_free(pressure)
    xy_norm, k_c, k_f, on_contact, entropy = _encode(model, pressure)
    half_height_cm = canvas.height_m * 50
    xy = xy_norm * xy_norm.new_tensor((canvas.width_m / canvas.height_m, 1.0))  # half-heights, isotropic
    equivariance = equivariance_error(model, pressure, xy_norm, canvas.width_m / canvas.height_m)

    partner = torch.from_numpy(_partners(subject, recording, posture))
    batch = len(batches_that_fit(x)[0])
    own = _rebuild(model, k_c, k_f, batch)
    own_error = _foreground_l2(own, x)
    distance = torch.cdist(xy, xy) * half_height_cm  # (N, K, K)
    distance = distance + torch.diag_embed(torch.full(distance.shape[:2], torch.inf))
    within = [
        xy[torch.from_numpy(recording == name)].std(0, correction=0).norm(dim=-1).mean()
        for name in sorted(set(recording.tolist()))
    ]
    return {
        "equivariance_median_pct": 50 * equivariance.median().item(),
        "equivariance_p95_pct": 50 * equivariance.quantile(0.95).item(),
        "equivariance_median_cm": half_height_cm * equivariance.median().item(),
        "swap_ratio": _foreground_l2(_rebuild(model, k_c[partner], k_f, batch), x) / own_error,
        "feature_shuffle_ratio": _foreground_l2(_rebuild(model, k_c, k_f[partner], batch), x) / own_error,
        "distance_mean_cm": distance[distance.isfinite()].mean().item(),
        "distance_min_cm": distance.amin((1, 2)).mean().item(),
        "point_sd_cm": half_height_cm * xy.std(0, correction=0).norm(dim=-1).mean().item(),
        "within_recording_sd_cm": half_height_cm * torch.stack(within).mean().item(),
        "on_contact": on_contact,
        "entropy": entropy,
        "l1": (own - x).abs().mean().item(),
        "l2": (own - x).square().mean().item(),
        "ssim": ssim(own, x).mean().item(),
        "ssim_global": global_ssim(own, x).mean().item(),
    }


@torch.no_grad()
def equivariance_error(model: EFD, pressure: torch.Tensor, xy_norm: torch.Tensor, aspect: float) -> torch.Tensor:
    """Distance between the points of a warped map, brought back, and those of the map itself.

    Args:
        model: in eval mode.
        pressure: (N, 1, H, W).
        xy_norm: (N, K, 2) the model's points on ``pressure``.
        aspect: width / height of the canvas.

    Returns:
        (N, 20) mean over the points, in half-heights of the canvas.
    """
    warps = published_warps(aspect)
    stretch = xy_norm.new_tensor((aspect, 1.0))
    batches = batches_that_fit(pressure)
    points_of = xy_norm.split(len(batches[0]))
    errors = []
    for index in range(len(warps.scale)):
        per_map = []
        for maps, points in zip(batches, points_of, strict=True):
            count = len(maps)
            warp = Warp(
                warps.turn_rad[index].expand(count),
                warps.scale[index].expand(count),
                warps.shift[index].expand(count, 2),
                warps.bend[index].expand(count, 25, 2),
                aspect,
            )
            back = warp.source(model.points(warp.maps(maps)).xy_norm)
            per_map.append(((back - points) * stretch).norm(dim=-1).mean(-1))
        errors.append(torch.cat(per_map))
    return torch.stack(errors, 1)


def _encode(model: EFD, pressure: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float, float]:
    xy, k_c, k_f, contact, entropy = [], [], [], [], []
    for maps in batches_that_fit(pressure):
        encoded = model.encoder(model.see(maps))
        fused = model.fuser(encoded)
        share = encoded.heatmaps / encoded.heatmaps.sum((2, 3), keepdim=True).clamp_min(1e-12)
        loaded = torch.nn.functional.adaptive_max_pool2d(scale_free(maps), share.shape[2:]) > FOREGROUND
        contact.append((share * loaded).sum((2, 3)).mean(1))
        entropy.append(torch.special.entr(share).sum((2, 3)).mean(1) / np.log(share[0, 0].numel()))
        xy.append(fused.xy_norm)
        k_c.append(fused.positions)
        k_f.append(fused.features)
    return (
        torch.cat(xy),
        torch.cat(k_c),
        torch.cat(k_f),
        torch.cat(contact).mean().item(),
        torch.cat(entropy).mean().item(),
    )


def _rebuild(model: EFD, k_c: torch.Tensor, k_f: torch.Tensor, batch: int) -> torch.Tensor:
    pairs = zip(k_c.split(batch), k_f.split(batch), strict=True)
    return torch.cat([model.rebuild(c, f) for c, f in pairs])


def _foreground_l2(rebuilt: torch.Tensor, x: torch.Tensor) -> float:
    weight = 1 + 4 * (x > FOREGROUND)
    return ((rebuilt - x).square() * weight).sum().item() / weight.sum().item()


def _partners(subject: np.ndarray, recording: np.ndarray, posture: np.ndarray) -> np.ndarray:
    """For every map another one: of another person in another posture, else of whatever differs most."""
    count = len(subject)
    partner = np.arange(count)
    for index in range(count):
        others = np.roll(np.arange(count), -index - 1)[:-1]  # a different order for each, so partners spread
        difference = (
            4 * (posture[others] != posture[index])
            + 2 * (subject[others] != subject[index])
            + (recording[others] != recording[index])
        )
        if len(others):
            partner[index] = others[np.argmax(difference)]
    return partner
