"""roi-opt: a control of ViTMAlis that may only choose the quality of full-resolution frames."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import Candidates, FrameContent
from foveate.policies._balancing import Balancing
from foveate.policies._base import DeviceState
from foveate.policies.configurations import QUALITIES, uniform_configurations


@dataclass(frozen=True, kw_only=True)
class RoiOpt(Balancing):
    """The same estimators, urgency and knee over the 7 qualities of the whole frame at full resolution.

    Every pixel is sent and every token computed: what ViTMAlis shows above it is what sparing them is worth. Needs a
    profile.
    """

    name: ClassVar[str] = "roi-opt"

    @property
    def compared(self) -> int:
        """By qualities."""
        return len(QUALITIES)

    def _candidates(self, state: DeviceState, content: FrameContent) -> Candidates:
        """Full size at every quality."""
        return uniform_configurations(content, restoration_points=state.restoration_points, scales=(1.0,))
