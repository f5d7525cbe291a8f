"""How long a device and a cloud take for one frame when both run a model (Hyperion)."""

import math
from dataclasses import dataclass, field

from foveate.core.errors import InputError
from foveate.core.offload import OffloadPlan
from foveate.core.regions import RegionGrid
from foveate.core.slicing import Slicing
from foveate.core.views import LookPlan, View

Size = tuple[int, int]
"""`(height, width)`, pixels."""


@dataclass(frozen=True, kw_only=True)
class PairTimes:
    """Durations for frames of one size. Every default is assumed, none measured: experiments sweep them.

    They are those of a small accelerator beside a large one, with JPEG in hardware at both ends. Raises `InputError`
    on a negative one, or a scale outside (0, 1].
    """

    look_s: float = 0.15
    """The device's model on the whole frame at `look_scale`, seconds; in proportion for more or fewer pixels."""
    look_scale: float = 0.5
    """At which the device's model sees the whole frame."""
    classes_s: float = 0.01
    """Importance, natural breaks and thumbnail, where a policy asks for them."""
    decide_s: float = 0.0025
    """Refinement and scheduling."""
    cloud_s: float = 0.06
    """The cloud's model on all slices of the whole frame, seconds."""
    cloud_fixed_share: float = 0.1
    """Share of `cloud_s` that a frame costs however few its pixels are."""
    encode_s_per_mpixel: float = 0.002
    """Compression on the device, seconds per million pixels."""
    decode_s_per_mpixel: float = 0.0015
    """Decompression in the cloud, seconds per million pixels."""
    slicing: Slicing = field(default_factory=Slicing)
    """How the cloud cuts frames."""

    def __post_init__(self) -> None:
        spans = (self.look_s, self.classes_s, self.decide_s, self.cloud_s, self.cloud_fixed_share)
        rates = (self.encode_s_per_mpixel, self.decode_s_per_mpixel)
        if not all(0 <= span < math.inf for span in (*spans, *rates)) or self.cloud_fixed_share > 1:
            raise InputError(f"durations must be 0 or more and cloud_fixed_share at most 1, got {self}")
        if not 0 < self.look_scale <= 1:
            raise InputError(f"look_scale must lie above 0 and not above 1, got {self.look_scale:g}")

    def looking_s(self, plan: LookPlan, frame: Size) -> float:
        """The device's model on these views, with classes of importance where they are asked for."""
        share = plan.pixels / View.whole(frame, self.look_scale).pixels
        return self.look_s * share + (0.0 if plan.importance is None else self.classes_s)

    def computing_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        """The cloud's model on what a plan sends of a frame."""
        frame = (grid.height, grid.width)
        share = computed_pixels(plan, grid) / sliced_pixels([frame], self.slicing)
        return self.cloud_s * (self.cloud_fixed_share + (1 - self.cloud_fixed_share) * share)

    def encoding_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        """Compression of what a plan sends."""
        return self.encode_s_per_mpixel * sent_pixels(plan, grid) / 1e6

    def decoding_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        """Decompression of what a plan sends."""
        return self.decode_s_per_mpixel * sent_pixels(plan, grid) / 1e6


def sent_pixels(plan: OffloadPlan, grid: RegionGrid) -> float:
    """How many pixels a plan sends."""
    if plan.views:
        return float(sum(view.pixels for view in plan.views))
    return grid.height * grid.width * _kept_share(plan, grid)


def computed_pixels(plan: OffloadPlan, grid: RegionGrid) -> float:
    """How many pixels the cloud's model computes: those of all slices, each as often as slices overlap."""
    sizes = [view.size for view in plan.views] if plan.views else [(grid.height, grid.width)]
    whole = sum(h * w for h, w in sizes) if plan.slicing is None else sliced_pixels(sizes, plan.slicing)
    return whole * _kept_share(plan, grid)


def sliced_pixels(sizes: list[Size], slicing: Slicing) -> int:
    """Pixels of all slices of pictures of these sizes."""
    return sum(
        slicing.count([(height, width)]) * min(height, slicing.side) * min(width, slicing.side)
        for height, width in sizes
    )


def _kept_share(plan: OffloadPlan, grid: RegionGrid) -> float:
    """Share of the pixels that downsampling leaves."""
    low = plan.downsampled_regions / len(grid)
    return 1 - low * (1 - 1 / grid.downsampling_factor**2)
