"""How long the stages of one inference take, seen from inside it: tokens, backbone, head, boxes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from foveate.core import MixedFrame
from foveate.models.detector import Detector

STAGES = ("tokens", "backbone", "head", "boxes")
"""Pixels to position-coded tokens; all blocks, up to the map; pyramid and head; suppression."""


def time_stages(detector: Detector, frame: MixedFrame, restoration_point: int) -> dict[str, float]:
    """Seconds of each of `STAGES` in one `detect`; on a CPU, where a call returns when its work is done."""
    marks = [time.perf_counter()]
    with _marking(detector, lambda *_: marks.append(time.perf_counter())):
        detector.detect(frame, restoration_point=restoration_point)
    marks.append(time.perf_counter())
    return {stage: after - before for stage, (before, after) in zip(STAGES, pairwise(marks), strict=True)}


@contextmanager
def _marking(detector: Detector, mark: Callable[..., Any]) -> Iterator[None]:
    """Calls `mark` where one stage ends and the next begins."""
    handles = [
        detector.backbone.blocks[0].register_forward_pre_hook(mark),
        detector.pyramid.register_forward_pre_hook(mark),
        detector.head.register_forward_hook(mark),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
