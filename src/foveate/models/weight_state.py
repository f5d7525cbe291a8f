"""When a weight changes, so that nothing that was made of its older values is used.

Torch counts changes of a tensor in place, but not those by a fused optimiser: the steps of all optimisers are counted
here beside. Values written through `.data` are counted by nobody.
"""

from dataclasses import dataclass, field
from typing import Any, Self

from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

_steps = 0


def weight_state(weight: Tensor) -> tuple[int, int, int]:
    """Another one after a change in place, a step of any optimiser, or when a tensor elsewhere took the weight's place.

    The address of a freed tensor may be the next one's: whoever does not keep the weight itself needs a `WeightKey`.
    """
    changes = 0 if weight.is_inference() else weight._version  # noqa: SLF001
    return weight.data_ptr(), changes, _steps


@dataclass(frozen=True)
class WeightKey:
    """A key for what was made of a weight; keeps the weight's memory, so that its address is no other's."""

    state: tuple[int, int, int]
    memory: Tensor = field(compare=False, repr=False)

    @classmethod
    def of(cls, weight: Tensor) -> Self:
        """The key of its present values."""
        return cls(state=weight_state(weight), memory=weight.detach())

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        """Itself: a copy's memory has another address."""
        return self


def _count_step(*_: Any) -> None:
    global _steps  # noqa: PLW0603 - optimisers of all models share it
    _steps += 1


register_optimizer_step_post_hook(_count_step)
