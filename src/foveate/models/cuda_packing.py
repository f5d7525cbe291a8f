"""Arrays in one tensor: what a batch looks up travels to its device in one transfer, and a graph reads it in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ALIGNMENT = 4
"""Each array starts at a multiple of so many numbers of 4 bytes."""


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Where named arrays lie in one int32 tensor; equal for arrays of equal shapes."""

    places: tuple[tuple[str, int, tuple[int, ...], bool], ...]
    """Name, first number, shape, and whether numbers are float32."""
    size: int
    """Numbers in all."""

    def unpack(self, packed: Tensor) -> dict[str, Tensor]:
        """The arrays by name, as views."""
        return {
            name: packed[start : start + _count(shape)].view(torch.float32 if floats else torch.int32).view(shape)
            for name, start, shape, floats in self.places
        }


def pack(values: Mapping[str, NDArray[Any]], torch_device: torch.device) -> tuple[Packing, Tensor]:
    """Arrays, floats as float32 and integers as int32, as one tensor there, in a transfer that waits for nothing."""
    whole = {k: np.ascontiguousarray(v, np.float32 if v.dtype.kind == "f" else np.int32) for k, v in values.items()}
    places, size = [], 0
    for name, value in whole.items():
        places.append((name, size, value.shape, value.dtype.kind == "f"))
        size += -(-value.size // ALIGNMENT) * ALIGNMENT
    with torch.inference_mode(mode=False):
        here = torch.empty(size, dtype=torch.int32, pin_memory=torch_device.type == "cuda")
        flat = here.numpy()
        for (_, start, _, _), value in zip(places, whole.values(), strict=True):
            flat[start : start + value.size] = value.reshape(-1).view(np.int32)
        return Packing(places=tuple(places), size=size), here.to(torch_device, non_blocking=True)


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))
