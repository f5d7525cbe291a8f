"""Pictures that are needed for a moment: one buffer per thread and purpose, no new memory per frame.

Fresh memory is handed out page by page as it is touched, which costs a picture as much as copying it (docs/log.md).
"""

import threading
from typing import cast

import numpy as np
from numpy.typing import NDArray

from foveate.codec.layout import Size
from foveate.core import Pixels


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.held: dict[str, NDArray[np.uint8]] = {}


_buffers = _Buffers()


def scratch(purpose: str, size: Size) -> Pixels:
    """Pixels `(*size, 3)` of any content; they are overwritten by the next call of this thread for this purpose."""
    wanted = size[0] * size[1] * 3
    held = _buffers.held.get(purpose)
    if held is None or len(held) < wanted:
        held = _buffers.held[purpose] = np.empty(wanted, np.uint8)
    return cast("Pixels", held[:wanted].reshape(*size, 3))
