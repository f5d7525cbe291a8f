"""A renderer without a screen, or the reason why there is none."""

import os

import pytest

from foveate.world import RendererError
from foveate.world.canvas import Canvas

ADVICE = "no renderer without a screen; on Debian install libegl1 libgl1-mesa-dri"


@pytest.fixture(scope="session")
def renderer() -> None:
    """Skips without a renderer, and fails where everything is required."""
    try:
        Canvas(size=(32, 32)).close()
    except RendererError as error:
        if os.environ.get("FOVEATE_REQUIRE_ALL") == "1":
            pytest.fail(f"{ADVICE} ({error})")
        pytest.skip(f"{ADVICE} ({error})")
