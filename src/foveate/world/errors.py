"""What can go wrong while a world is built, rendered or written.

WorldError             a request that cannot be met: unknown scenario, odd size, full disk (also a ValueError)
└── RendererError      no renderer without a screen on this machine
"""

from foveate.core.errors import FoveateError


class WorldError(FoveateError, ValueError):
    """A world cannot be built, rendered or written as asked."""


class RendererError(WorldError):
    """VTK is missing, or it cannot open a window without a screen."""
