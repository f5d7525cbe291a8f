"""The contract of every router: what is known of one sample in, who answers it out."""

from typing import ClassVar, Protocol

from foveate.core import Route, RoutingState


class Router(Protocol):
    """Decides who answers a sample that the generalist has seen.

    A router is a frozen keyword-only dataclass whose fields are its parameters. `decide` is pure: no clock, no file, no
    global randomness; equal states give equal routes. A router that draws does so from the state's seed and sample.
    """

    name: ClassVar[str]
    """What users call it."""
    asks_generalist: ClassVar[bool]
    """Whether the generalist runs first; without it every sample is offloaded as it comes."""

    def decide(self, state: RoutingState) -> Route:
        """The route of one sample; with no expert at hand it is the generalist's."""
        ...
