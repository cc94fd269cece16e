"""A trained model as the one torch module that answers: what the torch backend runs and what is exported."""

from __future__ import annotations

from torch import Tensor, nn

from matpose.recording import JOINT_NAMES
from matpose.training.model_file import TrainedModel


class PointsNet(nn.Module):
    """Discovered points and posture, of a model without a joint head.

    Args:
        model: the trained model; its nets are shared, not copied.
    """

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self.efd = model.efd
        self.posture = model.posture
        canvas = model.recipe.canvas
        self.heatmap_cell_m = canvas.cell_m * model.recipe.stride
        self.width_by_height = canvas.width_m / canvas.height_m

    def forward(self, pressure: Tensor) -> tuple[Tensor, ...]:
        """(B, 1, H, W) pressure in any unit to tensors in the order of :class:`matpose.runtime.found.Found`."""
        points = self.efd.points(pressure)
        batch = pressure.shape[0]  # by `shape`, not `len`: export would freeze that
        if self.posture is None:
            posture = pressure.new_zeros(batch, 0)
        else:
            isotropic = points.xy_norm * points.xy_norm.new_tensor((self.width_by_height, 1.0))
            posture = self.posture(isotropic, points.features).softmax(-1)
        return (
            points.xy_norm,
            points.spread_cells * self.heatmap_cell_m,
            pressure.new_zeros(batch, 0, 2),
            pressure.new_zeros(batch, 0),
            pressure.new_zeros(batch, 0),
            posture,
        )


def pose_module(model: TrainedModel) -> tuple[nn.Module, tuple[str, ...]]:
    """The module of a trained model, and the names of its joints.

    Args:
        model: the trained model.

    Returns:
        In eval mode: (B, 1, H, W) pressure to tensors in the order of :class:`matpose.runtime.found.Found`; and the
        joints' names in order, none without a joint head.
    """
    if model.joints is not None:
        return model.joints.eval(), JOINT_NAMES
    return PointsNet(model).eval(), ()
