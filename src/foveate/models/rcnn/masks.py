"""Objects with their outlines: small probability maps, and the pixels that they stand for."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from foveate.core import Detections, InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmented:
    """Objects of a frame and their masks. Raises `InputError` unless there is one mask per object."""

    detections: Detections
    masks: NDArray[np.float32]
    """`(n, m, m)` probabilities in 0..1: the cells of each object's box, upper left first."""
    frame_size: tuple[int, int]
    """Height and width of the frame, pixels."""

    def __post_init__(self) -> None:
        if self.masks.ndim != 3 or len(self.masks) != len(self.detections):
            raise InputError(
                f"need masks (n, m, m) of {len(self.detections)} objects, got an array of shape {self.masks.shape}"
            )

    def pixels(self, index: int, *, threshold: float = 0.5) -> NDArray[np.bool_]:
        """Bool `(H, W)`: the pixels of one object, those whose interpolated probability reaches `threshold`.

        A mask ends at its box: beyond the centres of the outermost cells the probability falls to 0 (He et al. 2017;
        detectron2's `paste_masks_in_image`).
        """
        whole = np.zeros(self.frame_size, np.bool_)
        x1, y1, x2, y2 = (float(value) for value in self.detections.boxes[index])
        if x2 <= x1 or y2 <= y1:
            return whole
        top, bottom = _covered(y1, y2, self.frame_size[0])
        left, right = _covered(x1, x2, self.frame_size[1])
        if bottom <= top or right <= left:
            return whole
        y = 2 * (torch.arange(top, bottom) + 0.5 - y1) / (y2 - y1) - 1
        x = 2 * (torch.arange(left, right) + 0.5 - x1) / (x2 - x1) - 1
        places = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], dim=-1)
        mask = torch.from_numpy(self.masks[index])[None, None]
        probability = F.grid_sample(mask, places[None], align_corners=False)[0, 0]
        whole[top:bottom, left:right] = (probability >= threshold).numpy()
        return whole


def _covered(start: float, end: float, length: int) -> tuple[int, int]:
    """First and end of the pixels of an axis that interpolation can reach; none if the end is not behind the first."""
    return max(int(np.floor(start)) - 1, 0), min(int(np.ceil(end)) + 1, length)
