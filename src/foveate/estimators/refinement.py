"""Collaboration-aware refinement: what the device's model sees well needs no good pixels (Hyperion, section III-A)."""

import numpy as np

from foveate.core import PATCH, ClassMap, Detections, InputError

CONFIDENCE = 0.5
"""Confidence threshold of a device box: our reading of the paper, not tuned."""


def refine_classes(classes: ClassMap, device: Detections, *, confidence: float = CONFIDENCE) -> ClassMap:
    """A copy in which patches above class 0 inside confident boxes of the device model are of class 0.

    The importance threshold is the boundary between class 0 and 1, so "above the threshold" means "above class 0". A
    patch lies in a box if its centre does. `device`: boxes in pixels of the full frame, of which those with a score of
    at least `confidence` count. Raises `InputError` on a threshold outside 0..1.
    """
    if not 0 <= confidence <= 1:
        raise InputError(f"the confidence threshold must lie in 0..1, got {confidence}")
    refined = classes.copy()
    confident = device.boxes[device.scores >= confidence]
    # Centres lie at PATCH * (i + 1/2): the first at or after a side, and the first after the other.
    first = np.ceil(confident[:, :2] / PATCH - 0.5).clip(min=0).astype(int)
    last = (np.floor(confident[:, 2:] / PATCH - 0.5) + 1).clip(min=0).astype(int)
    for (left, top), (right, bottom) in zip(first.tolist(), last.tolist(), strict=True):
        refined[top:bottom, left:right] = 0
    return refined
