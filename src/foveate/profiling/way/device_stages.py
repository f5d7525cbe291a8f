"""The device's stages and the codec's on both ends, as calls that are timed one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, cycle
from typing import TypeVar

import numpy as np
import simplejpeg

from foveate.codec import EncodedFrame, decode_frame, encode_frame
from foveate.codec.mosaic import full_mosaic, low_mosaic
from foveate.core import (
    Mask,
    OffloadPlan,
    Pixels,
    Profile,
    RegionGrid,
)
from foveate.network.messages import Offload, Result, decode_from_device, decode_from_server, encode, unpack_mask
from foveate.policies import VitMAlis
from foveate.profiling.device import decision_state, some_objects
from foveate.tracking import MotionAnalyser, Tracker, reduce

Call = Callable[[], object]
_T = TypeVar("_T")
QUALITY = 90
"""Of the JPEGs whose coding is timed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Timed:
    """One stage: what to call, and the bare work that bounds it."""

    end: str
    stage: str
    call: Call
    case: str = ""
    ceiling: str = ""
    bare: Call | None = None

    @property
    def key(self) -> str:
        """Names its times among those of all stages."""
        return f"{self.stage}, {self.case}"


def device_stages(frames: Sequence[Pixels], grid: RegionGrid, profile: Profile, objects: int) -> list[Timed]:
    """Motion, tracking and decision on consecutive `frames`, which are played forward and backward."""
    boxes, greys = some_objects(grid, objects), [reduce(pixels) for pixels in frames]
    analyser, tracker, policy = MotionAnalyser(grid), Tracker(), VitMAlis()
    tracker.restart(boxes, greys[0])
    seen, followed = _swing(frames), _swing(greys[1:] + greys[:1])
    state = decision_state(profile, grid, objects=objects)
    return [
        Timed(end="device", stage="grey and motion", call=lambda: analyser.update(reduce(next(seen)))),
        Timed(end="device", stage=f"tracking, {objects} objects", call=lambda: tracker.advance(next(followed))),
        Timed(end="device", stage="estimate and decide", call=lambda: policy.decide(state)),
    ]


def codec_stages(pixels: Pixels, grid: RegionGrid, masks: dict[str, Mask]) -> list[Timed]:
    """Packing, encoding, the wire and decoding for each named mask, beside bare coding of the same pixels."""
    return list(chain.from_iterable(_coded(name, pixels, grid, mask) for name, mask in masks.items()))


def _coded(name: str, pixels: Pixels, grid: RegionGrid, mask: Mask) -> list[Timed]:
    pictures = [full_mosaic(pixels, grid, mask), low_mosaic(pixels, grid, mask)] if mask.any() else [pixels]
    pictures = [np.ascontiguousarray(picture) for picture in pictures if picture.size]
    encoded = encode_frame(pixels, grid=grid, mask=mask, quality=QUALITY)
    coded = [data for data in (encoded.full, encoded.low) if data]
    return [
        Timed(
            end="device",
            stage="pack and encode",
            case=name,
            call=partial(encode_frame, pixels, grid=grid, mask=mask, quality=QUALITY),
            ceiling="bare JPEG of the same pixels",
            bare=lambda: [simplejpeg.encode_jpeg(p, quality=QUALITY, colorsubsampling="420") for p in pictures],
        ),
        Timed(end="device", stage="wire", case=name, call=partial(_over_the_wire, encoded, grid, mask)),
        Timed(
            end="server",
            stage="decode to tiles",
            case=name,
            call=partial(decode_frame, encoded, grid=grid, mask=mask),
            ceiling="bare JPEG of the same pixels",
            bare=lambda: [simplejpeg.decode_jpeg(data, fastupsample=True) for data in coded],
        ),
    ]


def _over_the_wire(encoded: EncodedFrame, grid: RegionGrid, mask: Mask) -> None:
    """Both messages of an offload, made and read: all that a transport adds is copying bytes."""
    plan = OffloadPlan(downsampling_mask=mask if mask.any() else None, restoration_point=1 if mask.any() else 0)
    offload = Offload.of(
        plan,
        offload_id=1,
        frame_index=1,
        grid=grid,
        score_threshold=0.3,
        patience_s=5.0,
        full=encoded.full,
        low=encoded.low,
    )
    read = decode_from_device(encode(offload))
    assert isinstance(read, Offload)
    unpack_mask(read.mask, grid)
    found = some_objects(grid, 30)
    answer = decode_from_server(encode(Result.of(found, offload_id=1, decode_s=0.0, inference_s=0.0)))
    assert isinstance(answer, Result)
    answer.detections(found.class_names)


def _swing(items: Sequence[_T]) -> "cycle[_T]":
    """Forward and backward, without end."""
    return cycle([*items, *items[-2:0:-1]])
