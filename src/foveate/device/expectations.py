"""What encoding, uplink and cloud will take for a frame: stated times, kept right by what was seen."""

from collections import deque

from foveate.core import (
    ClassMap,
    ClassProfile,
    Frame,
    Look,
    OffloadPlan,
    OffloadRecord,
    PairTimes,
    RegionGrid,
    View,
)
from foveate.device.class_costs import ClassCosting
from foveate.policies import size_budget_bytes
from foveate.policies.answering import ClassCosts, CostModel


class Correction:
    """Mean ratio of what the last five pieces of work took to what was expected of them; 1 before the first."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=5)

    @property
    def factor(self) -> float:
        """To multiply an expectation by."""
        return sum(self._ratios) / len(self._ratios) if self._ratios else 1.0

    def observe(self, took_s: float, *, expected_s: float) -> None:
        """One piece of work is done."""
        if expected_s > 0:
            self._ratios.append(took_s / expected_s)


class Expectations:
    """Of one device and one cloud. `profile`: what classes of patches cost; None = nobody knows."""

    def __init__(self, times: PairTimes, profile: ClassProfile | None, cost_model: CostModel) -> None:
        self.times = times
        """What holds before anything was seen."""
        self._costing = None if profile is None else ClassCosting(profile, cost_model)
        self._encoding, self._cloud = Correction(), Correction()

    def encoding_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        """Compression of what a plan sends."""
        return self.times.encoding_s(plan, grid) * self._encoding.factor

    def cloud_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        """From the last byte in the cloud to its result."""
        return self._stated_cloud_s(plan, grid) * self._cloud.factor

    def least_s(self, grid: RegionGrid, *, rtt_s: float) -> float:
        """What an offload of a whole frame takes if nothing has to travel: encoding, one round trip, the cloud."""
        whole = OffloadPlan(views=(View.whole((grid.height, grid.width)),), slicing=self.times.slicing)
        return self.encoding_s(whole, grid) + rtt_s + self.cloud_s(whole, grid)

    def budget_bytes(
        self,
        frame: Frame,
        grid: RegionGrid,
        plan: OffloadPlan,
        *,
        now: float,
        deadline_s: float,
        rate_bps: float | None,
        rtt_s: float,
    ) -> float | None:
        """Equation 5: what may leave for the answer to come by the deadline; None while the rate is unknown."""
        if rate_bps is None:
            return None
        return size_budget_bytes(
            constraint_s=deadline_s,
            device_s=now - frame.captured_at + self.encoding_s(plan, grid),
            cloud_s=self.cloud_s(plan, grid),
            uplink_bps=rate_bps,
            rtt_s=rtt_s,
        )

    def costs(self, classes: ClassMap | None, look: Look | None) -> ClassCosts | None:
        """Of a frame's classes; None where nobody knows."""
        if self._costing is None or classes is None or look is None:
            return None
        return self._costing.costs(classes, look.thumbnail_bytes)

    def encoded(
        self, plan: OffloadPlan, grid: RegionGrid, *, took_s: float, size_bytes: int, look: Look | None
    ) -> None:
        """A frame was compressed."""
        self._encoding.observe(took_s, expected_s=self.times.encoding_s(plan, grid))
        if self._costing is not None and look is not None:
            self._costing.sent(plan, size_bytes=size_bytes, thumbnail_bytes=look.thumbnail_bytes)

    def landed(self, record: OffloadRecord, grid: RegionGrid) -> None:
        """The cloud said how long it took; waiting for its turn counts."""
        took_s = record.queue_s + record.decode_s + record.inference_s
        self._cloud.observe(took_s, expected_s=self._stated_cloud_s(record.plan, grid))

    def _stated_cloud_s(self, plan: OffloadPlan, grid: RegionGrid) -> float:
        return self.times.decoding_s(plan, grid) + self.times.computing_s(plan, grid)
