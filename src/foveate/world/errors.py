"""What can go wrong while a world is built, rendered or written.

WorldError             a world cannot be built, rendered or written, as by a full disk (also a ValueError)
├── OrderError         what was asked for cannot be: unknown scenario, odd size, another's place (also an InputError)
└── RendererError      no renderer without a screen on this machine
"""

from foveate.core.errors import FoveateError, InputError


class WorldError(FoveateError, ValueError):
    """A world cannot be built, rendered or written as asked."""


class OrderError(WorldError, InputError):
    """What was asked for cannot be, whatever the machine."""


class RendererError(WorldError):
    """VTK is missing, or it cannot open a window without a screen."""
