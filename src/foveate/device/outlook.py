"""What a policy is told of the newest frame, and what it may expect of each way to offload it."""

from foveate.core import Estimate, EstimateOptions, Frame, FrameContent, OffloadPlan, OffloadRecord, RegionGrid
from foveate.device.following import Following
from foveate.device.measuring import Measuring
from foveate.device.results import Results
from foveate.device.surroundings import Surroundings
from foveate.estimators import LinkEstimator, PerformanceEstimator
from foveate.network.messages import Welcome
from foveate.policies import DeviceState, Estimating, Policy


class Outlook:
    """Gathers what is known of results, objects, content and link at the moment of a decision.

    How numbers are estimated is the policy's choice (`EstimateOptions`). `estimator`: None = nothing is expected;
    `link`: None = one that has seen nothing yet.
    """

    def __init__(
        self,
        policy: Policy,
        frame_interval_s: float,
        estimator: PerformanceEstimator | None,
        link: LinkEstimator | None,
        *,
        results: Results,
        following: Following,
        surroundings: Surroundings,
        measuring: Measuring,
    ) -> None:
        options = policy.estimate_options if isinstance(policy, Estimating) else EstimateOptions()
        self._estimator = None if estimator is None else estimator.with_options(options)
        self._link = LinkEstimator(options.link) if link is None else link
        self._interval_s = frame_interval_s
        self._results, self._following = results, following
        self._surroundings, self._measuring = surroundings, measuring

    def offloaded(self, frame: Frame, plan: OffloadPlan, grid: RegionGrid) -> None:
        """The frame of the latest `state` is sent under `plan`: what is known of it is kept until its result comes."""
        self._surroundings.offloaded(frame, plan, grid, self._following.latest)

    def landed(self, record: OffloadRecord) -> None:
        """An offload that brought a result tells of the link."""
        self._link.observe(record)

    def state(self, frame: Frame, welcome: Welcome, *, offloaded: Frame | None) -> DeviceState:
        """Of the newest frame, before the server that `welcome` describes; `offloaded`: the frame sent last."""
        grid, latest = welcome.grid(*frame.size), self._following.latest
        if self._estimator is not None:
            self._measuring.look(grid)
        content = self._surroundings.content(grid, frame_index=frame.index, latest=latest)
        return DeviceState(
            grid=grid,
            restoration_points=range(welcome.subsets + 1),
            frame_index=frame.index,
            offloaded_frame=None if offloaded is None else offloaded.index,
            result=self._results.latest,
            result_frame=None if self._results.frame is None else self._results.frame.index,
            frame_interval_s=self._interval_s,
            content=content,
            retention=1.0 if latest is None else latest.retention,
            last_latency_s=self._results.latency_s,
            estimate=self._estimate(grid, content),
        )

    def _estimate(self, grid: RegionGrid, content: FrameContent | None) -> Estimate | None:
        link = self._link.state()
        if self._estimator is None or content is None or link is None:
            return None
        return self._estimator.bind(grid=grid, content=content, link=link)
