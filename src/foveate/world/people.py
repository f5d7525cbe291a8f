"""People at rest: bodies, hair and clothes, each limb on its bone."""

from dataclasses import dataclass, replace

import numpy as np

from foveate.world import unseen_people
from foveate.world.gait import ARM, BONES, FOREARM, REFERENCE_HEIGHT, SHIN, THIGH
from foveate.world.mesh import Colour, Floats, Mesh, ball, box, limb, loft, rings_of
from foveate.world.rig import Model, Part

SKIN = (
    (0.93, 0.76, 0.65),
    (0.87, 0.67, 0.54),
    (0.76, 0.56, 0.42),
    (0.58, 0.40, 0.28),
    (0.42, 0.28, 0.20),
    (0.32, 0.21, 0.16),
)
HAIR = (
    (0.10, 0.08, 0.07),
    (0.16, 0.11, 0.08),
    (0.30, 0.20, 0.12),
    (0.55, 0.40, 0.22),
    (0.62, 0.60, 0.58),
    (0.42, 0.20, 0.10),
)
CLOTH = (
    (0.08, 0.08, 0.09), (0.15, 0.16, 0.20), (0.13, 0.18, 0.33), (0.25, 0.33, 0.50), (0.42, 0.50, 0.62),
    (0.85, 0.85, 0.84), (0.70, 0.68, 0.64), (0.52, 0.46, 0.36), (0.36, 0.28, 0.20), (0.60, 0.12, 0.12),
    (0.75, 0.35, 0.15), (0.80, 0.68, 0.25), (0.20, 0.38, 0.24), (0.35, 0.45, 0.30), (0.45, 0.25, 0.42),
    (0.82, 0.55, 0.60), (0.20, 0.50, 0.55), (0.40, 0.40, 0.42),
)  # fmt: skip
TROUSERS = (
    (0.10, 0.10, 0.12), (0.14, 0.17, 0.26), (0.20, 0.26, 0.38), (0.30, 0.38, 0.50), (0.40, 0.36, 0.30),
    (0.62, 0.56, 0.45), (0.24, 0.24, 0.25), (0.50, 0.50, 0.50), (0.80, 0.78, 0.74), (0.22, 0.26, 0.18),
)  # fmt: skip

_TORSO = np.array(
    [
        (-0.08, 0.110, 0.160), (0.04, 0.105, 0.152), (0.14, 0.102, 0.148), (0.24, 0.112, 0.160), (0.32, 0.118, 0.172),
        (0.39, 0.112, 0.186), (0.44, 0.098, 0.192), (0.475, 0.080, 0.160), (0.505, 0.060, 0.075),
    ]
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one person looks. Colours are gamma-encoded albedo."""

    height: float
    """Metres."""
    girth: float
    """Width against a person of the same height, 0.85..1.3."""
    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    shoes: Colour
    sleeve: str
    """`short` or `long`."""
    legs: str
    """`trousers`, `shorts`, `skirt` or `dress`, or of `unseen_people.LEGS`."""
    outer: str
    """`none`, `coat` or `open` (a jacket over a lighter shirt), or of `unseen_people.OUTER`."""
    hairdo: str
    """`short`, `long`, `bald`, `bun`, `hat` or `helmet`, or of `unseen_people.HAIRDOS`."""
    bag: str
    """`none`, `backpack`, `shoulder` or `hand`, or of `unseen_people.BAGS`."""
    pattern: str
    """`plain`, `stripes`, `print` or `panel`, or of `unseen_people.PATTERNS`."""


def _pick(rng: np.random.Generator, palette: tuple[Colour, ...], jitter: float = 0.05) -> Colour:
    colour = np.clip(np.array(palette[rng.integers(len(palette))]) + rng.normal(0, jitter, 3), 0.03, 0.95)
    return (float(colour[0]), float(colour[1]), float(colour[2]))


def random_look(rng: np.random.Generator, *, riding: bool = False, unseen: bool = False) -> Look:
    """A person dressed at random; a rider wears trousers or shorts, and often a helmet. `unseen`: in other dress."""
    look = _usual_look(rng, riding=riding)
    return _unseen_look(look, rng, riding=riding) if unseen else look


def _unseen_look(look: Look, rng: np.random.Generator, *, riding: bool) -> Look:
    """The body of `look` in dress of the held-out families."""
    legs = ("wide", "leggings") if riding else unseen_people.LEGS
    return replace(
        look,
        hair=_pick(rng, unseen_people.HAIR, 0.02),
        top=_pick(rng, unseen_people.CLOTH),
        bottom=_pick(rng, unseen_people.CLOTH),
        legs=str(rng.choice(legs)),
        outer=str(rng.choice(["vest", "parka"] if riding else [*unseen_people.OUTER, "none"])),
        hairdo=str(rng.choice(["beanie", "hood", "ponytail"] if riding else unseen_people.HAIRDOS)),
        bag=str(rng.choice(["trek", "crossbody", "none"] if riding else unseen_people.BAGS)),
        pattern=str(rng.choice(unseen_people.PATTERNS)),
    )


def _usual_look(rng: np.random.Generator, *, riding: bool) -> Look:
    child = not riding and rng.random() < 0.07
    return Look(
        height=float(rng.uniform(1.1, 1.45) if child else np.clip(rng.normal(1.71, 0.09), 1.5, 1.95)),
        girth=float(np.clip(rng.normal(1.03, 0.12), 0.85, 1.35)),
        skin=_pick(rng, SKIN, 0.02),
        hair=_pick(rng, HAIR, 0.02),
        top=_pick(rng, CLOTH),
        bottom=_pick(rng, TROUSERS),
        shoes=_pick(rng, ((0.1, 0.1, 0.1), (0.85, 0.85, 0.85), (0.35, 0.25, 0.18), (0.5, 0.15, 0.15))),
        sleeve=str(rng.choice(["short", "long"], p=[0.4, 0.6])),
        legs=str(
            rng.choice(
                ["trousers", "shorts", "skirt", "dress"],
                p=[0.8, 0.2, 0, 0] if riding else [0.66, 0.13, 0.12, 0.09],
            )
        ),
        outer=str(rng.choice(["none", "coat", "open"], p=[0.7, 0.12, 0.18])),
        hairdo=str(
            rng.choice(
                ["short", "long", "bald", "bun", "hat", "helmet"],
                p=[0.3, 0.1, 0, 0, 0, 0.6] if riding else [0.46, 0.28, 0.06, 0.08, 0.12, 0],
            )
        ),
        bag=str(rng.choice(["none", "backpack", "shoulder", "hand"], p=[0.55, 0.2, 0.13, 0.12])),
        pattern=str(rng.choice(["plain", "stripes", "print", "panel"], p=[0.66, 0.12, 0.12, 0.1])),
    )


def _cloth(grid: Floats, colour: Colour, rng: np.random.Generator, roughness: float = 0.07) -> Floats:
    folds = rng.normal(1.0, roughness, (*grid.shape[:2], 1))
    paint: Floats = np.clip(np.asarray(colour) * folds, 0, 1).astype(np.float32)
    return paint


def _torso(look: Look, rng: np.random.Generator) -> Mesh:
    rows = np.stack([np.interp(np.linspace(0, 8, 15), np.arange(9), column) for column in _TORSO.T], axis=1)
    rows[:, 1] *= look.girth * (1 + 0.25 * max(look.girth - 1.1, 0) * 4 * (rows[:, 0] < 0.25))
    rows[:, 2] *= 0.5 + 0.5 * look.girth
    grid = rings_of(rows, segments=12)
    paint = _cloth(grid, look.top, rng)
    if look.pattern == "stripes":
        paint[2:-2:4] = paint[3:-1:4] = np.clip(1.05 - np.asarray(look.top), 0.05, 0.95)
    if look.pattern == "print":
        paint[9:13, [11, 0, 1]] = _pick(rng, CLOTH)
    if look.pattern == "panel":
        paint[:8] = _pick(rng, CLOTH)
    if look.pattern == "checks":
        paint[2:-2:3] *= 0.55
        paint[:, ::3] *= 0.6
    if look.pattern == "hoops":
        paint[2:8] = _pick(rng, unseen_people.CLOTH)
    if look.pattern == "sash":
        for row in range(len(paint)):
            paint[row, [(row // 2) % 12, (row // 2 + 1) % 12]] = _pick(rng, unseen_people.CLOTH, 0.0)
    if look.outer == "open":
        paint[:, [0, 1]] = 0.35 + 0.55 * np.asarray(look.top[::-1])
    return loft(grid, paint)


def _head(look: Look, rng: np.random.Generator) -> list[Mesh]:
    neck = limb(0.10, 0.055, 0.055, look.skin).moved(by=(0, 0, 0.08))
    face = ball((0.098, 0.076, 0.118), look.skin, segments=10, rings=8).moved(by=(0.015, 0, 0.165))
    nose = ball((0.018, 0.013, 0.022), np.asarray(look.skin) * 0.94, segments=5, rings=3).moved(by=(0.11, 0, 0.155))
    eyes = [box((0.012, 0.026, 0.012), (0.1, 0.08, 0.08), centre=(0.102, side, 0.185)) for side in (-0.032, 0.032)]
    mouth = box((0.01, 0.04, 0.009), np.asarray(look.skin) * (0.75, 0.55, 0.55), centre=(0.1, 0, 0.11))
    return [neck, face, nose, *eyes, mouth, *_hair(look, rng)]


def _hair(look: Look, rng: np.random.Generator) -> list[Mesh]:
    cap = ball((0.106, 0.088, 0.100), look.hair, segments=10, rings=6).moved(by=(-0.022, 0, 0.205))
    if look.hairdo == "bald":
        return []
    if look.hairdo == "hat":
        crown = ball((0.115, 0.098, 0.085), look.top, segments=10, rings=5).moved(by=(-0.01, 0, 0.235))
        return [
            cap,
            crown,
            ball((0.17, 0.10, 0.012), look.top, segments=10, rings=3).moved(by=(0.05, 0, 0.215)),
        ]
    if look.hairdo == "helmet":
        return [
            ball((0.135, 0.108, 0.11), _pick(rng, CLOTH), segments=10, rings=6, gloss=0.3).moved(by=(-0.01, 0, 0.225))
        ]
    if look.hairdo == "long":
        return [cap, ball((0.055, 0.10, 0.19), look.hair, segments=8, rings=6).moved(by=(-0.075, 0, 0.09))]
    if look.hairdo in unseen_people.HAIRDOS:
        return unseen_people.headwear(look.hairdo, look.hair, _pick(rng, unseen_people.CLOTH))
    bun = [ball((0.05, 0.05, 0.05), look.hair).moved(by=(-0.13, 0, 0.23))] if look.hairdo == "bun" else []
    return [cap, *bun]


def _leg(look: Look) -> tuple[Mesh, Mesh, Mesh]:
    girth = 0.5 + 0.5 * look.girth
    bare = look.legs in ("skirt", "dress")
    upper = look.skin if bare else look.bottom
    lower = look.bottom if look.legs in ("trousers", "wide", "leggings") else look.skin
    width = (0.068, 0.050) if look.legs == "trousers" else (0.052, 0.036)
    thigh = limb(THIGH, 0.095 * girth, 0.066 * girth, upper)
    shin = limb(SHIN, width[0] * girth, width[1] * girth, lower)
    return thigh, shin, ball((0.135, 0.048, 0.048), look.shoes).moved(by=(0.06, 0, -0.022))


def _arm(look: Look) -> tuple[Mesh, list[Mesh]]:
    girth = 0.55 + 0.45 * look.girth
    lower = look.top if look.sleeve == "long" or look.outer != "none" else look.skin
    upper = limb(ARM, 0.060 * girth, 0.045 * girth, look.top)
    hand = ball((0.035, 0.022, 0.055), look.skin, segments=6, rings=4).moved(by=(0, 0, -FOREARM - 0.05))
    return upper, [limb(FOREARM, 0.044 * girth, 0.033 * girth, lower), hand]


def _skirt(look: Look, rng: np.random.Generator) -> list[Mesh]:
    if look.outer == "coat":
        colour, hem, width = look.top, -0.42, 0.20
    elif look.legs in ("skirt", "dress"):
        colour, hem, width = (
            (look.top if look.legs == "dress" else look.bottom),
            -float(rng.uniform(0.3, 0.7)),
            0.24,
        )
    else:
        return []
    grid = rings_of([(hem, width, width), (0.5 * hem, 0.17, 0.19), (0.06, 0.115, 0.155)], segments=12)
    return [loft(grid, _cloth(grid, colour, rng, 0.1))]


def _bag(look: Look, rng: np.random.Generator) -> list[tuple[str, Mesh]]:
    colour = _pick(rng, CLOTH)
    if look.bag == "backpack":
        return [("chest", ball((0.10, 0.15, 0.22), colour, rings=5).moved(by=(-0.17, 0, 0.25)))]
    if look.bag == "shoulder":
        return [("pelvis", box((0.28, 0.09, 0.22), colour, centre=(0, 0.22, 0.0)))]
    if look.bag == "hand":
        return [("forearm_l", box((0.26, 0.08, 0.28), colour, centre=(0, 0, -FOREARM - 0.26)))]
    return unseen_people.carried(look.bag, colour)


def person(look: Look, rng: np.random.Generator) -> Model:
    """A model of category `person` on the bones of `gait.BONES`; `rng` draws folds, prints and bags."""
    hips = ball((0.118 * look.girth, 0.165 * (0.5 + 0.5 * look.girth), 0.13), look.bottom, segments=10).moved(
        by=(0, 0, -0.02)
    )
    worn = [("pelvis", hips), ("chest", _torso(look, rng)), *_bag(look, rng)]
    worn += [("head", mesh) for mesh in _head(look, rng)]
    worn += [("pelvis", mesh) for mesh in _skirt(look, rng)]
    worn += [*unseen_people.legwear(look.legs, look.bottom), *unseen_people.outer(look.outer, look.top)]
    for side in "lr":
        thigh, shin, foot = _leg(look)
        upper, lower = _arm(look)
        worn += [
            (f"thigh_{side}", thigh),
            (f"shin_{side}", shin),
            (f"foot_{side}", foot),
            (f"arm_{side}", upper),
        ]
        worn += [(f"forearm_{side}", mesh) for mesh in lower]
    scale = look.height / REFERENCE_HEIGHT
    parts = [Part(mesh=mesh.moved(scale=scale), bone=BONES.index(bone)) for bone, mesh in worn]
    return Model(category="person", parts=tuple(parts), bones=len(BONES))
