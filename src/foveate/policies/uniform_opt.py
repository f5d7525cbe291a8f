"""uniform-opt: a control of ViTMAlis that may only choose one resolution for the whole frame."""

from dataclasses import dataclass
from typing import ClassVar

from foveate.core import Candidates, FrameContent, InputError
from foveate.policies._balancing import Balancing
from foveate.policies._base import DeviceState
from foveate.policies.configurations import QUALITIES, SCALES, uniform_configurations


@dataclass(frozen=True, kw_only=True)
class UniformOpt(Balancing):
    """The same estimators, urgency and knee over whole frames at full, three quarters and half size, 7 qualities each.

    What ViTMAlis shows above it is what mixing resolutions inside a frame is worth. Needs a profile.
    """

    name: ClassVar[str] = "uniform-opt"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.content == "mean":
            raise InputError("policy uniform-opt: offline means are of masks and tell nothing of smaller frames")

    @property
    def compared(self) -> int:
        """By qualities and scales."""
        return len(SCALES) * len(QUALITIES)

    def _candidates(self, state: DeviceState, content: FrameContent) -> Candidates:
        """Every scale at every quality."""
        return uniform_configurations(content, restoration_points=state.restoration_points)
