"""Muon: momentum whose matrices are brought to equal singular values, and AdamW for everything else.

Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon); the scale of a step, which lets both parts share one
learning rate and decay, is that of Liu et al. 2025 ("Muon is scalable for LLM training", section 2.2). In few steps a
classifier learns far more by it than by AdamW (docs/log.md).
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from foveate.training.optimise import DECAY, NO_DECAY

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic whose iterates bring singular values near 1 (Jordan et al. 2024)."""
HIDDEN = ("blocks.", "laterals.", "_tower.")
"""Parts of names: layers between two others. Their kernels count as matrices of one row per output channel."""
EXPLORED = 0.2
"""Root mean square of a step, in learning rates: about that of AdamW's."""


class Muon(torch.optim.Optimizer):
    """Groups marked `orthogonal` take orthogonalised steps, the others AdamW's; the rate is set at every step."""

    def __init__(
        self, matrices: Iterable[nn.Parameter], decayed: Iterable[nn.Parameter], plain: Iterable[nn.Parameter]
    ):
        """`matrices`: weights of maps and convolutions; `decayed`: others that shall decay; `plain`: the rest."""
        groups: list[dict[str, Any]] = [
            {"params": list(matrices), "weight_decay": DECAY, "orthogonal": True},
            {"params": list(decayed), "weight_decay": DECAY, "orthogonal": False},
            {"params": list(plain), "weight_decay": 0.0, "orthogonal": False},
        ]
        super().__init__([group for group in groups if group["params"]], {"lr": 0.0, "betas": (0.9, 0.99)})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change all parameters that have a gradient."""
        assert closure is None
        for group in self.param_groups:
            move = self._orthogonal_step if group["orthogonal"] else self._adaptive_step
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    move(parameter, group)

    def _orthogonal_step(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state, grad = self.state[parameter], parameter.grad
        assert grad is not None
        momentum = state.setdefault("momentum", torch.zeros_like(parameter))
        momentum.lerp_(grad, 1 - MOMENTUM)
        ahead = grad.lerp(momentum, MOMENTUM).flatten(1)
        scale = EXPLORED * max(ahead.shape) ** 0.5
        parameter.sub_(orthogonalised(ahead).view_as(parameter), alpha=group["lr"] * scale)

    def _adaptive_step(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state, grad, (first, second) = self.state[parameter], parameter.grad, group["betas"]
        assert grad is not None
        state["step"] = state.get("step", 0) + 1
        mean = state.setdefault("mean", torch.zeros_like(parameter)).lerp_(grad, 1 - first)
        square = (
            state.setdefault("square", torch.zeros_like(parameter)).mul_(second).addcmul_(grad, grad, value=1 - second)
        )
        unbiased = (square / (1 - second ** state["step"])).sqrt_().add_(1e-8)
        parameter.addcdiv_(mean, unbiased, value=-group["lr"] / (1 - first ** state["step"]))


def orthogonalised(matrix: Tensor) -> Tensor:
    """`(rows, columns)` with the same singular vectors and singular values near 1, by products in bfloat16."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.t() if tall else matrix).bfloat16()
    x = x / (torch.linalg.matrix_norm(x) + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.t()
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.t() if tall else x).to(matrix.dtype)


def make_muon(model: nn.Module) -> Muon:
    """Muon for blocks, laterals and towers; AdamW for embedding, predictions, norms, biases and tables of positions."""
    matrices: list[nn.Parameter] = []
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2 or name.endswith(NO_DECAY):
            plain.append(parameter)
        else:
            (matrices if any(part in name for part in HIDDEN) else decayed).append(parameter)
    return Muon(matrices, decayed, plain)
