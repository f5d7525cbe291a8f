"""Whether a policy and a profile fit a server's model: found out before a run rather than in the middle of it."""

import numpy as np

from foveate.core import (
    Detections,
    Estimate,
    EstimateOptions,
    FrameContent,
    LastOffload,
    LinkState,
    Profile,
    RegionGrid,
)
from foveate.estimators import PerformanceEstimator
from foveate.network.messages import Welcome
from foveate.policies import DeviceState, Estimating, Policy


def rehearse(policy: Policy, profile: Profile | None, welcome: Welcome, size: tuple[int, int]) -> None:
    """Have `policy` decide once about an empty frame of `size` `(height, width)`; what it decides is dropped.

    Raises `InputError` if a parameter does not fit the model, or if the profile lacks what the policy compares.
    """
    grid = welcome.grid(*size)
    nothing = Detections.empty(tuple(welcome.class_names))
    content = _still_content(grid, nothing)
    state = DeviceState(
        grid=grid,
        restoration_points=range(welcome.subsets + 1),
        frame_index=1,
        offloaded_frame=0,
        result=nothing,
        result_frame=0,
        content=content,
        estimate=_estimate(policy, profile, grid, content),
    )
    policy.decide(state)


def _still_content(grid: RegionGrid, nothing: Detections) -> FrameContent:
    """Of a frame in which nothing moves and no object is, after one that was sent as a whole."""
    still = np.zeros(grid.shape, np.float32)
    sent = LastOffload(
        bytes_per_pixel=0.2,
        jpeg_quality=95,
        downsampled_share=0.0,
        detail=1.0,
        downsampled_detail=0.0,
        frames_ago=1,
    )
    return FrameContent(
        region_motion=still,
        frame_motion=0.0,
        task_relevance=still,
        region_detail=np.ones(grid.shape, np.float32),
        objects=nothing,
        last=sent,
    )


def _estimate(policy: Policy, profile: Profile | None, grid: RegionGrid, content: FrameContent) -> Estimate | None:
    """By the profile; None where the policy asks for the truth, which no profile limits."""
    options = policy.estimate_options if isinstance(policy, Estimating) else EstimateOptions()
    if profile is None or profile.content is None or options.content == "truth":
        return None
    link = LinkState(throughput_bps=1e7, rtt_s=0.0)
    return PerformanceEstimator(profile, options).bind(grid=grid, content=content, link=link)
