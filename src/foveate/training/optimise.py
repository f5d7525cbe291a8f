"""AdamW with decay on matrices only, and the moving average of weights that is published in the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

DECAY = 0.05
NO_DECAY = ("positions", "relative_rows", "relative_columns")
"""Tables of positions are no matrices, whatever their shape."""


def make_optimiser(model: nn.Module) -> torch.optim.AdamW:
    """AdamW over all trainable parameters; the learning rate is set at every step."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_matrix = parameter.ndim >= 2 and not name.endswith(NO_DECAY)
            (matrices if is_matrix else others).append(parameter)
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.99), fused=True)


class MovingAverage:
    """Exponential moving average of a model's parameters; short at first, so that the start is forgotten."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.parameters: list[Tensor] = [p for p in model.parameters() if p.requires_grad]
        self.values: list[Tensor] = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after optimiser step number `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, self.parameters, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the context the model has the averaged weights."""
        trained = [p.detach().clone() for p in self.parameters]
        self._copy(self.values)
        try:
            yield
        finally:
            self._copy(trained)

    @torch.no_grad()
    def _copy(self, values: list[Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.copy_(value)
