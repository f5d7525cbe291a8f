"""A classifier without weights, importable by its name in other processes and on other nodes."""

import numpy as np
from numpy.typing import NDArray


class Brightness:
    """Says class 0 for dark pictures and class 1 for bright ones."""

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 `(n, H, W, 3)` -> float32 `(n, 2)`."""
        bright = pixels.mean(axis=(1, 2, 3)) > 128
        return np.stack([~bright, bright], axis=1).astype(np.float32)
