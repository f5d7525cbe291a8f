"""What stands in a street and is nobody's object of interest: trees, lamps, signs, bins, benches."""

import numpy as np

from foveate.world.mesh import (
    Floats,
    Mesh,
    ball,
    box,
    disc,
    loft,
    merged,
    painted,
    quad,
    rings_of,
    tube,
    unit,
)

IRON = (0.20, 0.21, 0.22)
WOOD = (0.42, 0.30, 0.20)
LAMP_HEAD = (0.70, 0.70, 0.68)


def _leaves(rng: np.random.Generator, centre: Floats, radius: float, colour: Floats, count: int) -> Mesh:
    """Small triangles strewn over a ball: what makes a crown look like leaves at its rim."""
    out = unit(rng.normal(0, 1, (count, 3)).astype(np.float32))
    at = centre + out * radius * rng.uniform(0.75, 1.12, (count, 1)) * (1, 1, 0.85)
    corners = at[:, None] + rng.normal(0, 0.15, (count, 3, 3))
    normals = unit(out + np.array([0, 0, 0.7]) + rng.normal(0, 0.4, out.shape))
    paint = np.clip(colour * rng.uniform(0.75, 1.5, (count, 1)), 0, 1)
    triangles = np.arange(3 * count, dtype=np.int32).reshape(-1, 3)
    return painted(
        corners.reshape(-1, 3).astype(np.float32),
        np.repeat(normals, 3, axis=0),
        triangles,
        np.repeat(paint, 3, axis=0),
    )


def tree(rng: np.random.Generator, *, height: float) -> Mesh:
    """A street tree of `height` metres."""
    trunk = float(rng.uniform(0.30, 0.42) * height)
    thick = 0.014 * height + 0.05
    stem = loft(
        rings_of([(0, 1.3 * thick, 1.3 * thick), (0.3, thick, thick), (trunk * 1.5, 0.5 * thick, 0.5 * thick)]),
        (0.32, 0.27, 0.22),
    )
    green = np.array([[0.34, 0.48, 0.20], [0.40, 0.54, 0.24], [0.30, 0.42, 0.20], [0.52, 0.54, 0.24]])[rng.integers(4)]
    parts = [stem]
    for _ in range(int(rng.integers(4, 8))):
        radius = float(rng.uniform(0.16, 0.26) * height)
        centre = np.array(
            [*rng.normal(0, 0.13 * height, 2), rng.uniform(trunk + 0.7 * radius, height - 0.7 * radius)],
            np.float32,
        )
        core = ball((radius, radius, 0.85 * radius), green * rng.uniform(0.55, 0.8), segments=10, rings=7).moved(
            by=centre
        )
        rough = core.points + rng.normal(0, 0.05 * radius, core.points.shape)
        parts.append(painted(rough.astype(np.float32), core.normals, core.triangles, core.colours))
        parts.append(_leaves(rng, centre, radius, green, 210))
    return merged(parts)


def lamp_post(rng: np.random.Generator) -> Mesh:
    """A pole with an arm over the road (towards -y)."""
    tall = float(rng.uniform(4.5, 8.0))
    pole = [tube((0, 0, 0), (0, 0, tall), 0.06, IRON), tube((0, 0, 0), (0, 0, 0.9), 0.10, IRON)]
    return merged(
        [
            *pole,
            tube((0, 0, tall), (0, -1.2, tall + 0.15), 0.04, IRON),
            box((0.22, 0.6, 0.10), LAMP_HEAD, centre=(0, -1.3, tall + 0.12)),
        ]
    )


def sign(rng: np.random.Generator) -> Mesh:
    """A traffic or parking sign on a pole."""
    colour = np.array([[0.75, 0.1, 0.1], [0.1, 0.25, 0.6], [0.9, 0.9, 0.9], [0.85, 0.7, 0.1]])[rng.integers(4)]
    pole = tube((0, 0, 0), (0, 0, 2.6), 0.03, (0.6, 0.6, 0.6))
    turned = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], np.float32)
    if rng.random() < 0.5:
        plates = [
            disc(0.32, colour).turned(turned, by=(0.04, 0, 2.4)),
            disc(0.22, (0.92, 0.92, 0.92)).turned(turned, by=(0.05, 0, 2.4)),
        ]
    else:
        plates = [
            box((0.03, 0.5, 0.65), colour, centre=(0.04, 0, 2.35)),
            box((0.035, 0.2, 0.4), (0.95, 0.95, 0.95), centre=(0.042, 0, 2.35)),
        ]
    return merged([pole, *plates])


def traffic_light(rng: np.random.Generator) -> Mesh:
    """Three lamps on a pole, facing +x and -x."""
    dim = np.where(np.arange(3) == rng.integers(3), 1.0, 0.3)
    lamps = [((0.9, 0.1, 0.05), 3.1), ((0.8, 0.55, 0.05), 2.85), ((0.1, 0.7, 0.3), 2.6)]
    discs = [
        ball((0.03, 0.09, 0.09), dim[k] * np.asarray(colour)).moved(by=(side * 0.13, 0, z))
        for k, (colour, z) in enumerate(lamps)
        for side in (-1, 1)
    ]
    return merged(
        [
            tube((0, 0, 0), (0, 0, 3.3), 0.06, IRON),
            box((0.24, 0.30, 0.95), (0.1, 0.1, 0.1), centre=(0, 0, 2.85)),
            *discs,
        ]
    )


def waste_bin(rng: np.random.Generator) -> Mesh:
    """A litter bin, or a taller wheeled one."""
    colour = np.array([[0.18, 0.28, 0.22], [0.25, 0.25, 0.27], [0.35, 0.32, 0.28], [0.2, 0.3, 0.5]])[rng.integers(4)]
    if rng.random() < 0.5:
        return box((0.55, 0.6, 1.05), colour, centre=(0, 0, 0.55))
    return loft(rings_of([(0, 0.22, 0.22), (0.85, 0.26, 0.26), (0.95, 0.2, 0.2)], segments=10), colour)


def bench(rng: np.random.Generator) -> Mesh:
    """A wooden bench along x with its back at +y."""
    wood = np.asarray(WOOD) * rng.uniform(0.7, 1.4)
    slats = [box((1.6, 0.10, 0.04), wood, centre=(0, y, 0.45)) for y in (-0.2, -0.07, 0.06)]
    back = [box((1.6, 0.04, 0.10), wood, centre=(0, 0.2, z)) for z in (0.62, 0.78)]
    legs = [box((0.06, 0.45, 0.45), IRON, centre=(x, 0, 0.22)) for x in (-0.7, 0.7)]
    return merged([*slats, *back, *legs])


def planter(rng: np.random.Generator) -> Mesh:
    """A tub with a shrub."""
    tub = box((1.2, 0.5, 0.5), rng.uniform(0.25, 0.6, 3), centre=(0, 0, 0.25))
    green = np.array([0.26, 0.38, 0.16])
    return merged(
        [
            tub,
            ball((0.55, 0.24, 0.28), 0.6 * green).moved(by=(0, 0, 0.6)),
            _leaves(rng, np.array([0, 0, 0.6], np.float32), 0.4, green, 90),
        ]
    )


def bollard(rng: np.random.Generator) -> Mesh:
    """A short post against parked cars."""
    return tube((0, 0, 0), (0, 0, float(rng.uniform(0.7, 1.0))), 0.06, IRON if rng.random() < 0.6 else (0.8, 0.8, 0.8))


def cabinet(rng: np.random.Generator) -> Mesh:
    """A grey box of the telephone company, or an advertising column."""
    if rng.random() < 0.5:
        return box((0.9, 0.4, 1.2), (0.55, 0.57, 0.55), centre=(0, 0, 0.6))
    poster = rng.uniform(0.2, 0.9, 3)
    return merged(
        [
            box((1.25, 0.2, 2.2), IRON, centre=(0, 0, 1.3)),
            box((1.1, 0.22, 1.7), poster, centre=(0, 0, 1.45)),
            box((0.7, 0.23, 0.4), rng.uniform(0.1, 0.9, 3), centre=(0, 0, 1.7)),
        ]
    )


def awning(rng: np.random.Generator) -> Mesh:
    """Striped cloth over a shop window, along x, hanging towards -y from a wall at y = 0."""
    colour, strips = rng.uniform(0.15, 0.75, 3), []
    for k in range(8):
        x, step = -1.6 + 0.4 * k, 0.4
        paint = colour if k % 2 else np.array([0.9, 0.88, 0.84])
        strips.append(quad([(x, -1.2, 2.35), (x + step, -1.2, 2.35), (x + step, 0, 2.95), (x, 0, 2.95)], paint))
        strips.append(quad([(x, -1.2, 2.1), (x + step, -1.2, 2.1), (x + step, -1.2, 2.35), (x, -1.2, 2.35)], paint))
    return merged(strips)


KERB_SIDE = (lamp_post, sign, waste_bin, planter, bollard, bollard, cabinet, traffic_light)
"""What stands between the kerb and the walkers."""
