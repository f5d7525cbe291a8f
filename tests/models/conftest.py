"""Independent implementations of single operations."""

from types import ModuleType

import pytest


@pytest.fixture
def torchvision() -> ModuleType:
    """`torchvision.ops`; skips where it is missing or was built for another torch."""
    try:
        from torchvision import ops
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"needs torchvision, built for this torch, in an environment of its own ({error})")
    return ops
