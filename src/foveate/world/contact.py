"""Contact shade: the soft darkness under whatever stands on the ground."""

import numpy as np

from foveate.world.mesh import Floats, Mesh, painted


def contact_shade(centres: Floats, reach: Floats, turn: Floats, lift: Floats) -> tuple[Mesh, Floats]:
    """Soft dark ellipses on the ground under things, and the darkness `(V,)` of each vertex.

    `centres` `(N, 2)`, half axes `reach` `(N, 2)`, headings `turn` `(N,)` and ground heights `lift` `(N,)`.
    """
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    rim = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    local = np.concatenate([np.zeros((1, 2)), 0.65 * rim, rim])[None] * reach[:, None]
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = centres[:, :1] + c * local[..., 0] - s * local[..., 1]
    y = centres[:, 1:] + s * local[..., 0] + c * local[..., 1]
    points = np.stack([x, y, np.broadcast_to(lift[:, None] + 0.02, x.shape)], axis=-1).astype(np.float32)
    k, n = np.arange(12), (np.arange(12) + 1) % 12
    fan = np.concatenate(
        [
            np.stack([0 * k, 1 + k, 1 + n], 1),
            np.stack([1 + k, 13 + k, 13 + n], 1),
            np.stack([1 + k, 13 + n, 1 + n], 1),
        ]
    )
    triangles = (np.arange(len(centres))[:, None, None] * 25 + fan).reshape(-1, 3).astype(np.int32)
    dark = np.tile(np.concatenate([[1.0], np.full(12, 0.75), np.zeros(12)]), len(centres)).astype(np.float32)
    flat = points.reshape(-1, 3)
    return painted(
        flat, np.broadcast_to(np.array([0, 0, 1], np.float32), flat.shape).copy(), triangles, (0, 0, 0)
    ), dark
