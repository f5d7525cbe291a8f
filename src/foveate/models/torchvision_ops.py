"""The compiled operations of torchvision, where it is installed and fits the build of torch."""

from functools import lru_cache
from types import ModuleType


@lru_cache(maxsize=1)
def torchvision_ops() -> ModuleType | None:
    """`torchvision.ops`, or None. Beside a build of torch that it was not made for, it raises while it is imported."""
    try:
        from torchvision import ops  # noqa: PLC0415  # an option that most installations lack
    except (ImportError, RuntimeError, OSError):
        return None
    found: ModuleType = ops
    return found
