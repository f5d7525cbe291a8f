"""Pictures with their boxes in the memory of a device: a ring whose oldest picture makes room for the newest."""

import cv2
import numpy as np
import torch
from torch import Tensor

from foveate.core import InputError
from foveate.training.sample import Sample

MOST_PIXELS = 1080 * 1920
"""Larger pictures are shrunk to so many."""
MOST_BOXES = 320
"""Boxes of a picture that are kept, the largest first."""
GAP = 64
"""Slots before the next one to be written that are not read any more: batches in the making may still need them."""


class PicturePool:
    """`slots` pictures on `torch_device`. Raises `InputError` for fewer slots than the ring's gap and one picture."""

    def __init__(self, slots: int, torch_device: torch.device) -> None:
        if slots <= GAP:
            raise InputError(f"a pool of pictures needs more than {GAP} slots, got {slots}")
        self.slots, self.torch_device = slots, torch_device
        self.pixels = torch.empty(slots * MOST_PIXELS, 3, dtype=torch.uint8, device=torch_device)
        """`(slots * MOST_PIXELS, 3)`: the rows of picture n begin at `n * MOST_PIXELS`."""
        self.sizes = torch.ones(slots, 2, device=torch_device)
        """Float32 `(slots, 2)`: height and width."""
        self._marks = torch.zeros(slots, MOST_BOXES, 6, device=torch_device)
        self._marks[..., 4] = -1
        self.written = 0
        """Pictures put in so far."""
        self._stream = own_stream(torch_device)

    @property
    def boxes(self) -> Tensor:
        """Float32 `(slots, M, 4)` xyxy, pixels."""
        return self._marks[..., :4]

    def labels_of(self, slots: Tensor) -> tuple[Tensor, Tensor]:
        """Labels int64 `(*slots, M)`, -1 = no box, and bool of the same shape, True = ignored."""
        labels, ignored = self._marks[..., 4:][slots].unbind(-1)
        return labels.long(), ignored > 0

    @property
    def readable(self) -> tuple[int, int]:
        """First and last + 1 of the pictures that may be read, counted from the beginning; slots are modulo `slots`."""
        return max(0, self.written - (self.slots - GAP)), self.written

    def put(self, sample: Sample) -> None:
        """Copy a picture into the next slot. One thread may put while another reads."""
        sample = fitted(sample)
        with torch.cuda.stream(self._stream):  # of its own: a copy shall not wait for the training step
            self._copy(self.written % self.slots, sample)
            if self._stream is not None:
                self._stream.synchronize()
        self.written += 1

    def _copy(self, slot: int, sample: Sample) -> None:
        first, (height, width) = slot * MOST_PIXELS, sample.size
        self.pixels[first : first + height * width].copy_(torch.from_numpy(sample.pixels.reshape(-1, 3)))
        marks = np.zeros((MOST_BOXES, 6), np.float32)
        marks[:, 4] = -1
        marks[: len(sample.labels)] = np.column_stack([sample.boxes, sample.labels, sample.ignored])
        self.sizes[slot].copy_(torch.tensor([height, width], dtype=torch.float32))
        self._marks[slot].copy_(torch.from_numpy(marks))


def own_stream(torch_device: torch.device) -> torch.cuda.Stream | None:
    """A stream beside that of the training step; None on a CPU."""
    return torch.cuda.Stream(torch_device) if torch_device.type == "cuda" else None  # type: ignore[no-untyped-call]


def fitting_slots(wanted: int, torch_device: torch.device) -> int:
    """At most `wanted` slots, in half of the free memory of an accelerator."""
    if torch_device.type != "cuda":
        return wanted
    free, _ = torch.cuda.mem_get_info(torch_device)
    return max(GAP + 1, min(wanted, free // (2 * 3 * MOST_PIXELS)))


def fitted(sample: Sample) -> Sample:
    """The picture shrunk to `MOST_PIXELS` and cut to the `MOST_BOXES` largest boxes, where it has more."""
    height, width = sample.size
    factor = (MOST_PIXELS / (height * width)) ** 0.5
    pixels, boxes = sample.pixels, sample.boxes
    if factor < 1:
        size = max(1, int(height * factor)), max(1, int(width * factor))
        pixels = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
        boxes = boxes * np.array([size[1] / width, size[0] / height] * 2, np.float32)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    largest = np.argsort(-area, kind="stable")[:MOST_BOXES]
    return Sample(
        pixels=np.ascontiguousarray(pixels),
        boxes=boxes[largest],
        labels=sample.labels[largest],
        ignored=sample.ignored[largest],
    )
