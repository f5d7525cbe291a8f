"""When a weight changes, so that nothing that was made of its older values is used.

Torch counts changes of a tensor in place, but not those by a fused optimiser: the steps of all optimisers are counted
here beside. Values written through `.data` are counted by nobody.
"""

from typing import Any

from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

_steps = 0


def weight_state(weight: Tensor) -> tuple[int, int, int]:
    """Another one after another tensor took the weight's place, a change in place, or a step of any optimiser."""
    changes = 0 if weight.is_inference() else weight._version  # noqa: SLF001
    return weight.data_ptr(), changes, _steps


def _count_step(*_: Any) -> None:
    global _steps  # noqa: PLW0603 - optimisers of all models share it
    _steps += 1


register_optimizer_step_post_hook(_count_step)
