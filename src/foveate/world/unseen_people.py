"""Dress that no training picture shows: long coats, parkas, capes, wide and ankle-long garments, hoods, big packs.

A look of these families is a `people.Look` with the names below; `garments` makes what `people.person` itself cannot.
"""

import numpy as np

from foveate.world.gait import SHIN, THIGH
from foveate.world.mesh import Colour, Mesh, ball, box, limb, loft, rings_of, tube
from foveate.world.vehicles import DARK

LEGS = ("wide", "leggings", "maxi")
"""Wide trousers; bright tights; a skirt down to the ankles."""
OUTER = ("overcoat", "parka", "cape", "vest")
"""A coat to the shins; a quilted coat to the thighs with a hood; a cape; a quilted vest."""
HAIRDOS = ("hood", "afro", "ponytail", "brim", "shawl", "beanie")
BAGS = ("trek", "trolley", "crossbody", "none")
"""A pack above the head, a suitcase on wheels, a strap across the chest."""
PATTERNS = ("checks", "hoops", "sash")

CLOTH: tuple[Colour, ...] = (
    (0.84, 0.76, 0.40), (0.80, 0.48, 0.30), (0.52, 0.66, 0.44), (0.42, 0.62, 0.68), (0.66, 0.34, 0.48),
    (0.60, 0.54, 0.70), (0.72, 0.63, 0.47), (0.30, 0.30, 0.20), (0.42, 0.19, 0.22), (0.90, 0.86, 0.79),
    (0.22, 0.24, 0.30), (0.52, 0.50, 0.46),
)  # fmt: skip
HAIR: tuple[Colour, ...] = ((0.80, 0.68, 0.42), (0.55, 0.20, 0.10), (0.06, 0.06, 0.08), (0.70, 0.70, 0.68))


def quilted(low: float, colour: Colour, *, wide: float) -> Mesh:
    """Rolls of cloth from the height `low` up to the shoulders, about the chest's origin."""
    rows = []
    for z in np.arange(low, 0.44, 0.085):
        slim = 1 - 0.35 * max(z - 0.3, 0) / 0.14
        rows += [(z, 0.80 * wide * slim, wide * slim), (z + 0.045, 0.92 * wide * slim, 1.10 * wide * slim)]
    return loft(rings_of(rows, segments=12), colour)


def outer(name: str, colour: Colour) -> list[tuple[str, Mesh]]:
    """What is worn above, each piece with the bone it hangs on."""
    trim = (0.6 * colour[0], 0.6 * colour[1], 0.6 * colour[2])
    if name == "overcoat":
        skirt = loft(rings_of([(-0.62, 0.22, 0.26), (-0.2, 0.17, 0.20), (0.10, 0.125, 0.165)], segments=12), colour)
        flap = box((0.02, 0.03, 0.5), trim, centre=(0.13, 0.02, 0.2))
        collar = loft(rings_of([(0.42, 0.11, 0.15), (0.53, 0.085, 0.10)], segments=10), trim)
        return [("pelvis", skirt), ("chest", flap), ("chest", collar)]
    if name == "parka":
        skirt = loft(rings_of([(-0.34, 0.21, 0.24), (0.08, 0.17, 0.20)], segments=12), colour)
        return [("pelvis", skirt), ("chest", quilted(0.0, colour, wide=0.205)), ("chest", _fur((0.8, 0.75, 0.66)))]
    if name == "cape":
        fall = [(-0.22, 0.30, 0.36), (0.2, 0.21, 0.28), (0.42, 0.13, 0.19), (0.50, 0.07, 0.08)]
        return [("chest", loft(rings_of(fall, segments=14), colour))]
    return [("chest", quilted(0.02, colour, wide=0.195))] if name == "vest" else []


def _fur(colour: Colour) -> Mesh:
    return loft(rings_of([(0.44, 0.13, 0.15), (0.49, 0.16, 0.18), (0.54, 0.13, 0.14)], segments=10), colour)


def headwear(name: str, hair: Colour, colour: Colour) -> list[Mesh]:
    """Hair or what covers it, on the bone of the head."""
    if name == "hood":
        return [ball((0.135, 0.115, 0.150), colour, segments=12, rings=8).moved(by=(-0.045, 0, 0.175))]
    if name == "afro":
        return [ball((0.165, 0.165, 0.165), hair, segments=12, rings=8).moved(by=(-0.05, 0, 0.23))]
    if name == "ponytail":
        cap = ball((0.108, 0.090, 0.102), hair, segments=10, rings=6).moved(by=(-0.022, 0, 0.205))
        return [cap, limb(0.30, 0.045, 0.02, hair).moved(by=(-0.15, 0, 0.22))]
    if name == "brim":
        crown = loft(rings_of([(0.22, 0.11, 0.10), (0.34, 0.09, 0.08)], segments=10), colour)
        return [crown, ball((0.24, 0.22, 0.014), colour, segments=14, rings=3).moved(by=(0, 0, 0.225))]
    if name == "shawl":
        veil = loft(rings_of([(-0.06, 0.15, 0.17), (0.08, 0.10, 0.11), (0.2, 0.125, 0.105)], segments=10), colour)
        return [veil, ball((0.118, 0.100, 0.115), colour, segments=10, rings=6).moved(by=(-0.03, 0, 0.20))]
    knob = ball((0.04, 0.04, 0.04), (0.9, 0.9, 0.88)).moved(by=(-0.02, 0, 0.335))
    return [ball((0.112, 0.098, 0.115), colour, segments=10, rings=6).moved(by=(-0.02, 0, 0.215)), knob]


def legwear(name: str, colour: Colour) -> list[tuple[str, Mesh]]:
    """What is worn below, each piece with its bone."""
    if name == "maxi":
        fall = [(-0.86, 0.27, 0.27), (-0.4, 0.20, 0.22), (0.06, 0.118, 0.16)]
        return [("pelvis", loft(rings_of(fall, segments=14), colour))]
    if name == "wide":
        return [
            piece
            for side in "lr"
            for piece in (
                (f"thigh_{side}", limb(THIGH, 0.105, 0.098, colour)),
                (f"shin_{side}", limb(0.92 * SHIN, 0.100, 0.125, colour)),
            )
        ]
    return []


def carried(name: str, colour: Colour) -> list[tuple[str, Mesh]]:
    """Bags, each piece with its bone."""
    if name == "trek":
        pack = box((0.24, 0.36, 0.72), colour, centre=(-0.25, 0, 0.32))
        return [("chest", pack), ("chest", tube((-0.25, -0.28, 0.72), (-0.25, 0.28, 0.72), 0.09, (0.3, 0.4, 0.3)))]
    if name == "trolley":
        case = box((0.26, 0.42, 0.60), colour, centre=(-0.48, -0.12, -0.55), gloss=0.3)
        return [("pelvis", case), ("pelvis", tube((-0.42, -0.12, -0.25), (-0.05, -0.26, 0.0), 0.012, DARK))]
    if name == "crossbody":
        strap = tube((0.115, -0.15, 0.42), (0.12, 0.17, 0.02), 0.022, DARK)
        return [("chest", strap), ("pelvis", box((0.12, 0.30, 0.22), colour, centre=(0.12, 0.14, 0.02)))]
    return []
