"""Fold BatchNorm into the convolution before it: the same answers, a third fewer steps."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

M = TypeVar("M", bound=nn.Module)


def folded(module: M) -> M:
    """A copy for prediction, whose convolutions carry their BatchNorms.

    A convolution called ``x`` is folded with the BatchNorm called ``x_norm`` beside it, as this package names them, and
    in an ``nn.Sequential`` with the one that follows it.

    Args:
        module: in eval mode.

    Returns:
        A copy in eval mode; answers agree to rounding.
    """
    copy = deepcopy(module).eval()
    for part in copy.modules():
        children = dict(part.named_children())
        following = zip(list(children), list(children)[1:], strict=False) if isinstance(part, nn.Sequential) else ()
        for conv, norm in [*((name, f"{name}_norm") for name in children), *following]:
            first, second = children[conv], children.get(norm)
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(part, conv, fuse_conv_bn_eval(first, second))
                setattr(part, norm, nn.Identity())
    return copy
