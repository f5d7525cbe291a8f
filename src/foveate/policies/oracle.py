"""oracle: a control of ViTMAlis that knows what each configuration will bring; simulations alone can run it."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import Candidates, ContentInputs, FrameContent
from foveate.policies._balancing import Balancing
from foveate.policies._base import DeviceState
from foveate.policies.configurations import QUALITIES, configurations
from foveate.policies.region_types import region_types

SUBSET_QUALITIES, SUBSET_POINTS = (80, 95), (2, 4)
"""10 configurations: 2 of the whole frame, 8 of the two masks."""


@dataclass(frozen=True, kw_only=True)
class Oracle(Balancing):
    """The choice of ViTMAlis by true numbers: bytes, F1 of the frame, and the latency that the link will really give.

    It knows the link's future and the model's outputs, not what will be shown later: it balances one offload at a time.
    With `content=device` the same configurations are compared by estimates; what lies between the two is what better
    estimates could bring.
    """

    name: ClassVar[str] = "oracle"

    content: ContentInputs = "truth"
    """`truth`: every configuration is carried out, and the best one counts; otherwise as in `vitmalis`."""
    every: bool = False
    """Whether all 77 configurations are compared, not 10: that many inferences for each offload."""

    @property
    def compared(self) -> int:
        """At most."""
        return 77 if self.every else 10

    def _candidates(self, state: DeviceState, content: FrameContent) -> Candidates:
        """Those of ViTMAlis, or the subset."""
        points = state.restoration_points
        return configurations(
            region_types(content),
            content,
            restoration_points=points if self.every else [p for p in SUBSET_POINTS if p in points] or points,
            qualities=QUALITIES if self.every else SUBSET_QUALITIES,
        )
