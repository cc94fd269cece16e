"""Figures in words: the phrases that tables of the method and of the model share."""

from __future__ import annotations


def percent(share: float | None) -> str:
    """A share, or a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"


def points_of_percent(share: float | None) -> str:
    """A difference of shares, or a dash where there is none."""
    return "-" if share is None else f"{100 * share:.1f} points"


def cm(value: float | None) -> str:
    """Centimetres, or a dash where there are none."""
    return "-" if value is None else f"{value:.1f} cm"


def follows(found: dict) -> list[str]:
    """Whether points follow the body and are used, as Markdown lines."""
    lines = [
        f"- Equivariance error: median {found['equivariance_median_pct']:.1f} %, 95th centile "
        f"{found['equivariance_p95_pct']:.1f} % of the canvas's height ({found['equivariance_median_cm']:.0f} cm).",
        f"- Swap ratio {found['swap_ratio']:.1f}, feature-shuffle ratio {found['feature_shuffle_ratio']:.1f}; "
        f"reconstruction SSIM {found['ssim']:.3f} (by the paper's global equation {found['ssim_global']:.3f}).",
    ]
    if "rigid_residual_cm" in found:
        lines.append(
            f"- The same person in the same pose elsewhere on another mat (experiment ii, B1-B5): "
            f"{found['rigid_residual_cm']:.1f} cm left after the best turn and shift "
            f"({found['rigid_residual_over_spread']:.2f} of the points' spread); centre of pressure and its axes: "
            f"{found['rigid_residual_axes_cm']:.1f} cm "
            f"({found['rigid_residual_axes_over_spread']:.2f} of theirs)."
        )
    return lines


def speed(result: dict) -> list[str]:
    """Time of a frame, as Markdown lines."""
    exported = result.get("native_onnx_frame_to_points_ms")
    as_file = f", {exported['p50']:.1f} ms as an exported file without torch" if exported else ""
    return [
        f"**Speed**, one core of an {result['machine']['cpu']}: a frame to points in "
        f"{result['native_frame_to_points_ms']['p50']:.1f} ms (p50) with torch{as_file}. The `paper` encoder "
        f"alone takes {result['paper_encoder_ms']['p50']:.0f} ms in the same run, {result['ratio_p50']:.1f} times "
        "the former.",
    ]
