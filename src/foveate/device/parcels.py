"""The message that carries an offload: a mixed frame, or its parts."""

from foveate.codec import EncodedFrame, EncodedParts
from foveate.core import RegionGrid
from foveate.device.flight import Flight
from foveate.network.messages import Offload, Part, PartsOffload


def offload_message(
    flight: Flight, encoded: EncodedFrame | EncodedParts, *, grid: RegionGrid, score_threshold: float, patience_s: float
) -> Offload | PartsOffload:
    """What is sent; `grid` is that of the picture sent, `patience_s` how much longer an answer is waited for."""
    if isinstance(encoded, EncodedFrame):
        return Offload.of(
            flight.plan,
            offload_id=flight.offload_id,
            frame_index=flight.frame.index,
            grid=grid,
            score_threshold=score_threshold,
            patience_s=patience_s,
            full=encoded.full,
            low=encoded.low,
        )
    slicing = flight.plan.slicing
    return PartsOffload(
        offload_id=flight.offload_id,
        frame_index=flight.frame.index,
        height=grid.height,
        width=grid.width,
        score_threshold=score_threshold,
        patience_s=patience_s,
        slice_side=0 if slicing is None else slicing.side,
        slice_overlap=0.0 if slicing is None else slicing.overlap,
        merge_iou=1.0 if slicing is None else slicing.merge_iou,
        parts=[
            Part(
                top=part.view.top,
                left=part.view.left,
                bottom=part.view.bottom,
                right=part.view.right,
                scale=part.view.scale,
                by_class=part.by_class,
                data=part.data,
            )
            for part in encoded.parts
        ],
    )
