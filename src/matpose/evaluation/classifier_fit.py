"""Train a small classifier: AdamW, one learning-rate cycle, no early stopping."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

# Settings found on the development subjects (experiment i, S1-S6) alone, and the same for every net.
EPOCHS = 8
LEAST_STEPS = 300  # where frames are few, more epochs
BATCH = 64
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2
LABEL_SMOOTHING = 0.05


def fit_classifier(
    net: nn.Module, look: Callable[[Tensor], tuple[Tensor, ...]], label: Tensor, *, epochs: int | None = None
) -> None:
    """Train a net in place, by the global random state; nothing is chosen while it trains, so no frame is spent on it.

    Args:
        net: takes what ``look`` gives, answers with logits.
        look: indices (B,) to the net's inputs, disturbed anew at each call.
        label: (N,) int64.
        epochs: passes over the frames; by default 8, or as many as make 300 steps.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> net, x = nn.Linear(1, 2), torch.tensor([[-1.0], [1.0]])
        >>> fit_classifier(net, lambda index: (x[index],), torch.tensor([0, 1]))
        >>> net(x).argmax(1).tolist()
        [0, 1]
    """
    batches = max(1, round(len(label) / BATCH))
    epochs = epochs or max(EPOCHS, -(-LEAST_STEPS // batches))
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=WEIGHT_DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=epochs * batches)
    net.train()
    for _ in range(epochs):
        for index in torch.randperm(len(label)).tensor_split(batches):
            loss = cross_entropy(net(*look(index)), label[index], label_smoothing=LABEL_SMOOTHING)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cycle.step()
    net.eval()
