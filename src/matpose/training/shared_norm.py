"""BatchNorm over the whole batch, of which every process sees a part; torch.nn.SyncBatchNorm does so on GPUs only."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class _Sum(torch.autograd.Function):
    """The sum over all processes; so is its gradient, as each process's loss depends on every part."""

    @staticmethod
    def forward(ctx, x: torch.Tensor) -> torch.Tensor:
        return _all_reduced(x)

    @staticmethod
    def backward(ctx, *grads: torch.Tensor) -> torch.Tensor:
        return _all_reduced(grads[0])


def _all_reduced(x: torch.Tensor) -> torch.Tensor:
    total = x.detach().clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


class _SharedBatchNorm(_BatchNorm):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(input)
        dims = [0, *range(2, input.dim())]
        shape = (1, -1, *[1] * (input.dim() - 2))
        var, mean = (part.double() for part in torch.var_mean(input, dims, correction=0))  # (C,)
        count = torch.full_like(mean, input.numel() / input.shape[1])
        # sums of moments lose digits unless they are double
        counts, means, squares = _Sum.apply(torch.stack((count, count * mean, count * (var + mean**2))))  # pyright: ignore[reportGeneralTypeIssues]
        mean = means / counts
        var = (squares / counts - mean**2).clamp_min(0)
        with torch.no_grad():
            momentum = self.momentum or 0.0
            self.running_mean.lerp_(mean.to(self.running_mean), momentum)
            self.running_var.lerp_((var * counts / (counts - 1).clamp_min(1)).to(self.running_var), momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        scale = self.weight * (var + self.eps).rsqrt().to(self.weight)
        return (input - mean.to(input).view(shape)) * scale.view(shape) + self.bias.view(shape)


class SharedBatchNorm1d(_SharedBatchNorm, nn.BatchNorm1d):
    """BatchNorm1d over the batch of all processes."""


class SharedBatchNorm2d(_SharedBatchNorm, nn.BatchNorm2d):
    """BatchNorm2d over the batch of all processes."""


def share_statistics(model: nn.Module) -> None:
    """Let every BatchNorm of a model take its statistics over all processes of the default group.

    A model so changed has the same parameters, and in eval mode it is as it was.

    Args:
        model: changed in place.
    """
    for module in model.modules():
        # the class alone changes: parameters keep their identity, and folding still sees a BatchNorm
        if type(module) is nn.BatchNorm1d:
            module.__class__ = SharedBatchNorm1d
        elif type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
