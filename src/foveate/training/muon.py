"""Muon: momentum whose matrices are brought to equal singular values, and AdamW for everything else.

Matrices of one shape are stacked and changed together: on an accelerator a step is a few launches, not a few a matrix.
Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon); the scale of a step, which lets both parts share one
learning rate and decay, is that of Liu et al. 2025 ("Muon is scalable for LLM training", section 2.2). In few steps a
classifier learns far more by it than by AdamW (docs/log.md).
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from foveate.models.weights import choose_dtype
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
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                move = self._orthogonal_step if group["orthogonal"] else self._adaptive_step
                move(parameters, group)

    def _orthogonal_step(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        grads, momenta = _grads(parameters), self._kept(parameters, "momentum")
        torch._foreach_lerp_(momenta, grads, 1 - MOMENTUM)
        ahead = [x.flatten(1) for x in torch._foreach_lerp(grads, momenta, MOMENTUM)]  # noqa: SLF001 - torch's name
        for places in _by_shape(ahead):
            steps = orthogonalised(torch.stack([ahead[i] for i in places]))
            rate = group["lr"] * EXPLORED * max(steps.shape[1:]) ** 0.5
            changed = [parameters[i] for i in places]
            changes = [change.view_as(p) for change, p in zip(steps.unbind(), changed, strict=True)]
            torch._foreach_add_(changed, changes, alpha=-rate)

    def _adaptive_step(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        grads, (first, second) = _grads(parameters), group["betas"]
        means, squares = self._kept(parameters, "mean"), self._kept(parameters, "square")
        torch._foreach_lerp_(means, grads, 1 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, grads, grads, value=1 - second)
        steps = [self._count(parameter) for parameter in parameters]
        unbiased = torch._foreach_div(squares, [1 - second**step for step in steps])  # noqa: SLF001 - torch's name
        torch._foreach_sqrt_(unbiased)
        torch._foreach_add_(unbiased, 1e-8)
        torch._foreach_addcdiv_(parameters, means, unbiased, scalars=[-group["lr"] / (1 - first**s) for s in steps])

    def _kept(self, parameters: list[Tensor], name: str) -> list[Tensor]:
        """What is remembered of each parameter under `name`; zeros at first."""
        for parameter in parameters:
            if name not in self.state[parameter]:
                self.state[parameter][name] = torch.zeros_like(parameter)
        return [self.state[parameter][name] for parameter in parameters]

    def _count(self, parameter: Tensor) -> int:
        """The number of this step for a parameter, from 1."""
        step: int = self.state[parameter].get("step", 0) + 1
        self.state[parameter]["step"] = step
        return step


def _grads(parameters: list[Tensor]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _by_shape(matrices: list[Tensor]) -> list[list[int]]:
    """Places of matrices of equal shape, in order."""
    found: dict[torch.Size, list[int]] = {}
    for place, matrix in enumerate(matrices):
        found.setdefault(matrix.shape, []).append(place)
    return list(found.values())


def orthogonalised(matrices: Tensor) -> Tensor:
    """`(..., rows, columns)` with the same singular vectors and singular values near 1.

    Products are made in bfloat16, or in float32 where the device multiplies that faster.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if tall else matrices).to(choose_dtype("auto", matrices.device))
    x = x.reshape(-1, *x.shape[-2:])
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype).view(matrices.shape)


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
